"""The crop follows the packet; the count is pooled, settles, and lets go of another packet."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from stream.decode import count_of
from stream.geometry import whole
from stream.track import CountPool, RegionTracker, crop_around

FRAME_HW = (720, 1280)
INPUT_HW = (256, 256)
SQUARE = np.array([[0.0, 0.0], [200.0, 0.0], [200.0, 200.0], [0.0, 200.0]])


def counted(cards, spread=1.5, no_packet=0.0):
    """A bell over 0..52 cards, and a part for no packet."""
    n = np.arange(53)
    bell = np.exp(-((n - cards) ** 2) / (2 * spread**2))
    bell[0] = 0
    distribution = bell / bell.sum() * (1 - no_packet)
    distribution[0] = no_packet
    return distribution.astype(np.float32)


def pooled_mean(pool, cards, time_s):
    count = count_of(pool.update(counted(cards), time_s))
    assert count is not None
    return count.mean


def middle(region):
    return np.array([region.x + (region.width - 1) / 2, region.y + (region.height - 1) / 2])


def test_the_crop_holds_the_packet_with_room_to_spare():
    region = crop_around(SQUARE + 300, FRAME_HW, INPUT_HW)
    assert (region.width, region.height) == (300, 300)
    assert np.abs(middle(region) - 400).max() <= 0.5


def test_the_crop_is_neither_tiny_nor_larger_than_the_whole_frame():
    tiny = crop_around(SQUARE / 50 + 300, FRAME_HW, INPUT_HW)
    assert (tiny.width, tiny.height) == (128, 128)
    assert np.abs(middle(tiny) - 302).max() <= 0.5
    assert crop_around(SQUARE * 6, FRAME_HW, INPUT_HW) == whole(FRAME_HW, INPUT_HW)


def test_nothing_is_known_until_a_packet_is_found_and_after_it_is_lost():
    tracker = RegionTracker(INPUT_HW)
    assert tracker.region(FRAME_HW, 0.0) is None
    tracker.found(SQUARE + 300, 0.0)
    assert tracker.region(FRAME_HW, 0.03) == crop_around(SQUARE + 300, FRAME_HW, INPUT_HW)
    tracker.lost()
    assert tracker.region(FRAME_HW, 0.06) is None


@given(st.tuples(st.floats(-900, 900), st.floats(-900, 900)), st.floats(0.01, 0.1))
def test_a_packet_at_constant_speed_stays_in_the_middle_of_its_crop(velocity, elapsed_s):
    tracker = RegionTracker(INPUT_HW)
    step = np.array(velocity) * elapsed_s
    tracker.found(SQUARE + 300, 0.0)
    tracker.found(SQUARE + 300 + step, elapsed_s)
    region = tracker.region(FRAME_HW, 2 * elapsed_s)
    assert region is not None
    assert np.abs(middle(region) - (400 + 2 * step)).max() <= 0.51


def test_a_wrong_speed_never_throws_the_packet_out_of_its_crop():
    tracker = RegionTracker(INPUT_HW)
    tracker.found(SQUARE, 0.0)
    tracker.found(SQUARE + 900, 0.01)
    region = tracker.region(FRAME_HW, 0.4)
    assert region is not None
    assert np.abs(middle(region) - 1000).max() <= 100.5


@pytest.mark.parametrize("time_s", [5.0, -1.0])
def test_an_old_speed_is_not_used(time_s):
    tracker = RegionTracker(INPUT_HW)
    tracker.found(SQUARE + 300, 0.0)
    tracker.found(SQUARE + 330, 0.03)
    assert tracker.region(FRAME_HW, time_s) == crop_around(SQUARE + 330, FRAME_HW, INPUT_HW)


def test_corners_that_come_and_go_are_no_motion():
    tracker = RegionTracker(INPUT_HW)
    first, second = SQUARE + 300, SQUARE + 300
    first[0], second[1] = np.nan, np.nan
    tracker.found(first, 0.0)
    tracker.found(second, 0.03)
    assert tracker.region(FRAME_HW, 0.06) == crop_around(second, FRAME_HW, INPUT_HW)


def test_the_pool_is_the_mean_of_the_frames_at_one_moment():
    pool = CountPool()
    pool.update(counted(20), 1.0)
    both = pool.update(counted(22), 1.0)
    assert np.allclose(both, (counted(20) + counted(22)) / 2, atol=1e-6)


def test_frames_that_agree_make_it_no_surer_than_one():
    pool = CountPool()
    for i in range(60):
        pooled = pool.update(counted(20), i / 30)
    assert np.allclose(pooled, counted(20), atol=1e-6)


def test_the_past_fades_within_a_second_whatever_the_frame_rate():
    for fps in (25, 100):
        pool = CountPool()
        for i in range(10 * fps):
            pooled_mean(pool, 20, i / fps)
        for i in range(fps):
            mean = pooled_mean(pool, 23, 10 + i / fps)
        assert mean == pytest.approx(23 - 3 * np.exp(-1), abs=0.1)


@given(hnp.arrays(np.float32, (20, 53), elements=st.floats(0, 1, width=32)))
def test_what_is_pooled_is_a_distribution_given_a_packet(frames):
    pool = CountPool()
    frames[:, 1] += 0.5
    before = frames.copy()
    for i, distribution in enumerate(frames):
        pooled = pool.update(distribution, i / 30)
        assert pooled[0] == 0
        assert pooled.min() >= 0
        assert pooled.sum() == pytest.approx(1)
    assert np.array_equal(frames, before)


def test_a_doubt_about_the_packet_does_not_lower_the_count():
    pool = CountPool()
    assert np.allclose(pool.update(counted(30, no_packet=0.4), 0.0), counted(30), atol=1e-6)


def test_it_locks_after_half_a_second_of_agreement():
    pool = CountPool()
    locked = []
    for i in range(30):
        pool.update(counted(20), i / 30)
        locked.append(pool.locked)
    assert locked == [i >= 15 for i in range(30)]


def test_it_does_not_lock_while_the_mean_still_moves():
    pool = CountPool()
    for i in range(60):
        pool.update(counted(10 + i / 10), i / 30)
    assert not pool.locked


@pytest.mark.parametrize(("blink_s", "kept"), [(0.1, True), (1.0, False)])
def test_a_blink_is_forgiven_and_a_loss_is_not(blink_s, kept):
    pool = CountPool()
    for i in range(31):
        pool.update(counted(20), i / 30)
    pool.lost(1.0 + blink_s)
    mean = pooled_mean(pool, 22, 1.0 + blink_s + 1 / 30)
    assert (mean < 21) == kept
    assert pool.locked == kept


def test_another_packet_takes_over_within_a_third_of_a_second():
    pool = CountPool()
    for i in range(90):
        pooled_mean(pool, 40, i / 30)
    for i in range(90, 100):
        mean = pooled_mean(pool, 20, i / 30)
    assert mean == pytest.approx(20, abs=0.5)
    assert not pool.locked


@pytest.mark.parametrize("fps", [5, 30])
def test_one_frame_that_errs_is_not_another_packet(fps):
    pool = CountPool()
    for i in range(3 * fps):
        pooled_mean(pool, 40, i / fps)
    assert pooled_mean(pool, 20, 3.0) > 35


def test_time_that_runs_backwards_starts_afresh():
    pool = CountPool()
    for i in range(30):
        pooled_mean(pool, 20, 100 + i / 30)
    assert pooled_mean(pool, 22, 0.0) == pytest.approx(22, abs=0.1)
    assert not pool.locked
