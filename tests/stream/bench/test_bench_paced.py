"""The paced camera on a clock of our own."""

from __future__ import annotations

import threading
import time
from itertools import islice

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.bench.paced import PacedCamera, to_and_fro

PICTURES = np.arange(5, dtype=np.uint8)[:, None, None, None] * np.ones((1, 4, 6, 3), np.uint8)


class Clock:
    """Time that passes only where it is said to; `oversleep_s` is what each wait adds."""

    def __init__(self, oversleep_s: float = 0.0) -> None:
        self.now_s = 100.0
        self.oversleep_s = oversleep_s
        self.waits: list[float] = []

    def __call__(self) -> float:
        return self.now_s

    def wait(self, seconds: float) -> bool:
        self.waits.append(seconds)
        self.now_s += seconds + self.oversleep_s
        return False


def camera(clock: Clock, fps: float = 25.0) -> PacedCamera:
    return PacedCamera(PICTURES, fps, clock=clock, wait=clock.wait)


@given(st.integers(0, 10_000), st.integers(1, 60))
def test_pictures_go_to_and_fro_without_a_jump(index, count):
    here, there = to_and_fro(index, count), to_and_fro(index + 1, count)
    assert 0 <= here < count
    assert abs(here - there) == (count > 1)
    assert [to_and_fro(i, count) for i in range(count)] == list(range(count))


def test_each_frame_comes_at_its_moment_and_says_so():
    clock = Clock()
    source = camera(clock)
    for i, frame in enumerate(islice(source, 12)):
        assert frame.index == i
        assert frame.captured_s == pytest.approx(100 + i / 25)
        assert clock.now_s == pytest.approx(frame.captured_s)
        assert frame.pts_s is None
        assert frame.image[0, 0, 0] == to_and_fro(i, 5)
    assert list(source.late_s) == pytest.approx([0] * 12, abs=1e-9)
    assert list(source.skipped) == []


def test_it_is_live_and_says_what_it_is():
    info = camera(Clock()).info
    assert (info.name, info.live, info.size_hw, info.fps, info.frames, info.media) == (
        "paced camera 6x4 at 25 fps",
        True,
        (4, 6),
        25,
        None,
        None,
    )


def test_a_consumer_within_the_period_costs_nothing():
    clock = Clock()
    source = camera(clock)
    for i, frame in enumerate(islice(source, 20)):
        assert frame.index == i
        clock.now_s += 0.039
    assert not source.skipped


def test_what_it_oversleeps_is_its_lateness_and_part_of_the_age():
    clock = Clock(oversleep_s=0.01)
    source = camera(clock)
    frames = list(islice(source, 5))
    assert [f.captured_s for f in frames] == pytest.approx([100 + i / 25 for i in range(5)])
    assert list(source.late_s) == pytest.approx([0, 0.01, 0.01, 0.01, 0.01])


@given(st.lists(st.floats(0, 0.5), min_size=1, max_size=50), st.floats(0, 0.1))
def test_every_frame_is_given_or_named_as_skipped(pauses_s, oversleep_s):
    clock = Clock(oversleep_s)
    source = camera(clock)
    given_ones = []
    for frame, pause_s in zip(source, pauses_s, strict=False):
        given_ones.append(frame.index)
        late_s = clock.now_s - frame.captured_s
        assert late_s == pytest.approx(source.late_s[-1])
        assert -1e-9 <= late_s < 1 / 25 + 1e-9  # else its successor would have come in its place
        clock.now_s += pause_s
    given_ones += [*source.skipped]
    # zip took one more frame than there are pauses
    assert sorted(given_ones)[: len(given_ones)] == [
        i for i in range(max(given_ones) + 1) if i in given_ones
    ]
    assert len(set(given_ones)) == len(given_ones)
    assert set(range(max(given_ones))) <= set(given_ones) | {frame.index}


def test_one_too_late_for_two_gives_only_the_newer():
    clock = Clock()
    source = camera(clock)
    frames = iter(source)
    assert next(frames).index == 0
    clock.now_s += 0.1  # frames 1 and 2 are due, 3 is not
    frame = next(frames)
    assert (frame.index, list(source.skipped)) == (2, [1])
    assert source.late_s[-1] == pytest.approx(0.02)
    assert next(frames).index == 3


def test_close_ends_a_wait_at_once():
    source = PacedCamera(PICTURES, 0.01)
    frames = iter(source)
    next(frames)
    threading.Timer(0.05, source.close).start()
    started = time.monotonic()
    assert next(frames, None) is None
    assert time.monotonic() - started < 10
    source.close()
    assert list(source) == []
