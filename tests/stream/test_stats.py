"""Rates, percentiles and drops, against numbers that can be counted by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.frame import Frame, Result
from stream.stats import AGE, RECENT, Stats

PICTURE = np.zeros((2, 2, 3), np.uint8)


def result(index: int, captured_s: float = 0.0, **stages_s: float) -> Result:
    frame = Frame(PICTURE, index, captured_s, None, "test")
    return Result(frame, "no_packet", None, None, 0.0, stages_s)


@pytest.mark.parametrize("count", [2, 3, 30, 1000])
def test_thirty_a_second_reads_thirty_over_any_window(count):
    stats = Stats()
    for i in range(count):
        stats.add(result(i), 100 + i / 30)
    assert stats.fps == pytest.approx(30)
    assert stats.fps_now == pytest.approx(30)


def test_the_running_rate_forgets_what_the_whole_remembers():
    stats = Stats()
    for i in range(100):
        stats.add(result(i), i * 1.0)
    for i in range(RECENT):
        stats.add(result(100 + i), 100 + i * 0.01)
    assert stats.fps_now == pytest.approx(100)
    assert stats.fps == pytest.approx((99 + RECENT) / (100 + (RECENT - 1) * 0.01))


def test_no_rate_before_two_results():
    stats = Stats()
    assert math.isnan(stats.fps)
    assert math.isnan(stats.fps_now)
    stats.add(result(0), 5.0)
    assert math.isnan(stats.fps)
    assert math.isnan(stats.fps_now)


@given(st.lists(st.integers(0, 500), min_size=1, unique=True).map(sorted))
def test_drops_are_the_indices_never_seen_up_to_the_last(indices):
    stats = Stats()
    for i in indices:
        stats.add(result(i), float(i))
    assert stats.frames == len(indices)
    assert stats.dropped == len(set(range(indices[-1])) - set(indices))


@given(st.lists(st.floats(0, 10), min_size=1, max_size=50), st.floats(0, 100))
def test_percentiles_are_numpys_by_nearest_rank(spent, percent):
    stats = Stats()
    for i, value in enumerate(spent):
        stats.add(result(i, engine=value), float(i))
    wanted = np.percentile(spent, percent, method="inverted_cdf")
    assert stats.latency_s("engine", percent) == pytest.approx(wanted)


def test_age_is_from_capture_until_shown():
    stats = Stats()
    stats.add(result(0, captured_s=10.0, engine=0.1), 10.25)
    assert stats.latency_s(AGE, 50) == 0.25
    assert stats.stages == ["engine", AGE]
    assert math.isnan(stats.latency_s("write", 50))


def test_memory_does_not_grow():
    stats = Stats()
    for i in range(3 * RECENT):
        stats.add(result(i, engine=float(i < 2 * RECENT)), float(i))
    assert stats.latency_s("engine", 100) == 0.0  # the early ones are forgotten
