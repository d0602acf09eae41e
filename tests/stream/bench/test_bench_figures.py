"""Percentiles, growth, rates and drops, against NumPy and against what can be counted by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from runs import run

from stream.bench.figures import (
    LEAST,
    WARM_UP,
    dropped,
    growth,
    measured,
    one_round,
    paired_ratio,
    rate,
    spread,
    times,
    warm_up,
)

SECONDS = st.lists(st.floats(0, 1e3), min_size=1, max_size=200)
INDICES = st.lists(st.integers(0, 300), min_size=LEAST, max_size=200, unique=True).map(sorted)


@given(SECONDS)
def test_percentiles_are_numpys_by_nearest_rank(seconds):
    found = times(seconds)
    wanted = np.percentile(seconds, [50, 95, 99, 100], method="inverted_cdf") * 1000
    assert [found.p50_ms, found.p95_ms, found.p99_ms, found.max_ms] == wanted.tolist()
    assert found.n == len(seconds)


def test_percentiles_of_a_hundred_are_its_ranks():
    found = times(i / 1000 for i in range(1, 101))
    assert (found.p50_ms, found.p95_ms, found.p99_ms, found.max_ms) == (50, 95, 99, 100)


def test_all_samples_count_not_only_the_last():
    assert times([1.0] * 100 + [0.001] * 1900).p99_ms == 1000


@given(SECONDS)
def test_the_spread_is_the_median_and_the_range(values):
    found = spread(values)
    assert found.median == pytest.approx(float(np.median(values)))
    assert (found.low, found.high) == (min(values), max(values))


@pytest.mark.parametrize("count", [2, 3, 1000])
def test_thirty_a_second_is_a_rate_of_thirty(count):
    assert rate([100 + i / 30 for i in range(count)]) == pytest.approx(30)


def test_one_moment_has_no_rate():
    assert math.isnan(rate([3.0]))


@given(st.floats(-10, 10), st.floats(0, 1), st.integers(10, 400), st.floats(1, 60))
def test_a_steady_growth_is_found(ms_per_min, age_s, count, fps):
    moments = [50 + i / fps for i in range(count)]
    ages = [age_s + (moment - 50) * ms_per_min / 60_000 for moment in moments]
    found = growth(moments, ages)
    assert found.ms_per_min == pytest.approx(ms_per_min, abs=1e-6)
    between_s = np.median(moments[-(count // 5) :]) - np.median(moments[: count // 5])
    assert found.ms == pytest.approx(ms_per_min * between_s / 60, abs=1e-6)


@given(st.sets(st.integers(0, 99), max_size=9), st.floats(0.1, 9))
def test_growth_shrugs_at_outliers(places, outlier_s):
    moments = [i / 30 for i in range(100)]  # a fifth is 20: nine of them are fewer than half
    ages = [outlier_s if i in places else 0.05 for i in range(100)]
    assert growth(moments, ages).ms == pytest.approx(0)


@given(INDICES, st.integers(1, 9))
def test_drops_are_the_indices_that_are_missing(indices, cut):
    head, tail = indices[:cut], indices[cut:]
    assert dropped(head, -1) == len(set(range(head[-1] + 1)) - set(head))
    assert dropped(tail, head[-1]) == len(set(range(head[-1] + 1, tail[-1] + 1)) - set(tail))
    assert dropped([], 5) == 0


def test_the_warm_up_is_thirty_frames_or_a_fifth():
    assert [warm_up(n) for n in (10, 100, 150, 10_000)] == [2, 20, 30, WARM_UP]


def test_a_round_leaves_out_its_warm_up():
    samples = run([0, 1, 2, *range(5, 105)], cpu_s=0.02)  # 3 and 4 are lost while warming up
    samples.cpu_s[0] = samples.shown_s[0] = -1000.0
    found = one_round(samples, cores=2)
    assert (found.frames, found.warm_up_frames) == (83, 20)
    assert (found.dropped, found.dropped_warm_up) == (0, 2)
    assert found.fps == pytest.approx(30)
    assert found.seconds == pytest.approx(82 / 30)
    assert found.cpu_ms_per_frame == pytest.approx(20)
    assert found.cpu_share == pytest.approx(0.02 * 30 / 2)
    assert found.age_growth.ms == pytest.approx(0)
    assert (found.resident_mb, found.peak_mb, found.others_share) == (300, 400, 0.25)


def test_the_first_frame_counts_from_the_start_of_the_process():
    assert one_round(run(range(20), age_s=0.5), 2).first_frame_s == pytest.approx(1.5)


def test_a_run_of_a_few_frames_is_refused():
    with pytest.raises(ValueError, match=f"9 frames were shown.*{LEAST} are needed"):
        one_round(run(range(9)), 2)
    assert one_round(run(range(10)), 2).frames == 8


def test_the_rounds_of_an_engine_are_put_together():
    rounds = [run(range(100), fps=fps, age_s=age) for fps, age in ((30, 0.1), (20, 0.2), (25, 0.3))]
    found = measured(rounds, cores=2)
    assert (found.fps.median, found.fps.low, found.fps.high) == pytest.approx((25, 20, 30))
    assert found.age.n == found.stages["engine"].n == 240
    assert (found.age.p50_ms, found.age.max_ms) == pytest.approx((200, 300))
    assert (found.stages["engine"].p50_ms, found.stages["engine"].max_ms) == pytest.approx((59, 99))
    assert (found.engine, found.label, found.camera) == ("ov", "ov on CPU", None)
    assert [r.fps for r in found.rounds] == pytest.approx([30, 20, 25])


@given(st.data())
def test_drops_are_put_down_to_the_camera_or_to_the_program(data):
    fates = data.draw(st.lists(st.sampled_from(["shown", "skipped", "lost"]), max_size=200))
    fates = ["shown"] * LEAST + fates + ["shown"]  # what comes after the last shown is no drop
    of = {fate: [i for i, f in enumerate(fates) if f == fate] for fate in ("shown", "skipped")}
    given_ones = [i for i in range(len(fates) + 2) if i not in of["skipped"]]  # two are on the way
    late_s = [i / 1000 for i in given_ones]
    found = measured([run(of["shown"], late_s=late_s, skipped=of["skipped"])], cores=2)
    assert found.camera is not None
    warm = of["shown"][warm_up(len(of["shown"])) - 1]
    assert found.camera.skipped == fates[warm + 1 :].count("skipped")
    assert found.dropped - found.camera.skipped == fates[warm + 1 :].count("lost")
    assert found.camera.late.n == len(fates) - warm - 1 - found.camera.skipped
    assert found.camera.late.max_ms == pytest.approx(len(fates) - 1)
    assert found.camera.pictures_mb == 2


def test_a_ratio_is_of_rounds_taken_together():
    # the machine was half as fast in the second round, for both
    assert paired_ratio([60, 30, 62], [50, 25, 50]) == pytest.approx(1.2)
    assert paired_ratio([60, 30], [50]) == pytest.approx(1.2)  # the other was stopped
