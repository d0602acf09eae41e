"""The count is constant until it is not: pooled, settled, and let go of when cards go."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from stream.constancy import MEMORY_S, ConstantCount, stretches
from stream.decode import count_of


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
    return count.median


def test_frames_that_agree_are_a_little_surer_than_one():
    pool = ConstantCount()
    spreads = []
    for i in range(300):
        pooled = pool.update(counted(20, 4.0), i / 30)
        assert pooled @ np.arange(53) == pytest.approx(20, abs=0.05)
        spreads.append(np.sqrt(pooled @ (np.arange(53) - 20) ** 2))
    assert spreads[0] == pytest.approx(4, abs=0.05)
    assert sorted(spreads, reverse=True) == pytest.approx(spreads)
    assert 0.95 * 4 < spreads[-1] < 0.99 * 4  # a twentieth of the doubt is the frames' own


def test_two_pictures_of_one_moment_are_one():
    pool = ConstantCount()
    first = pool.update(counted(20), 1.0)
    assert np.allclose(pool.update(counted(24), 1.0), first)


def test_what_is_pooled_lies_between_the_frames_and_a_doubtful_one_moves_it_less():
    means = []
    for spread in (2.0, 4.0):
        pool = ConstantCount()
        for i in range(60):
            mean = pool.update(counted(20, 2.0) if i % 2 else counted(22, spread), i / 30)
        means.append(mean @ np.arange(53))
    assert means[0] == pytest.approx(21, abs=0.1)
    assert 20 < means[1] < 20.6


def test_one_frame_cannot_rule_the_count_out():
    pool, sure = ConstantCount(), np.zeros(53)
    sure[45] = 1.0
    for i in range(30):
        mean = pool.update(sure if i == 20 else counted(20), i / 30) @ np.arange(53)
    assert mean == pytest.approx(20, abs=0.5)


@pytest.mark.parametrize("fps", [10, 60])
def test_the_past_fades_whatever_the_frame_rate(fps):
    pool = ConstantCount()
    for i in range(10 * fps):
        pooled_mean(pool, 20, i / fps)
    for i in range(3 * fps):
        mean = pooled_mean(pool, 21, 10 + i / fps)  # too small a step to be noticed
    assert mean == pytest.approx(21 - np.exp(-1), abs=0.1)


@given(hnp.arrays(np.float32, (20, 53), elements=st.floats(0, 1, width=32)))
def test_what_is_pooled_is_a_distribution_given_a_packet(frames):
    pool = ConstantCount()
    frames[:, 1] += 0.5
    before = frames.copy()
    for i, distribution in enumerate(frames):
        pooled = pool.update(distribution, i / 30)
        assert pooled[0] == 0
        assert pooled.min() >= 0
        assert pooled.sum() == pytest.approx(1)
    assert np.array_equal(frames, before)


def test_a_doubt_about_the_packet_does_not_lower_the_count():
    pool = ConstantCount()
    assert np.allclose(pool.update(counted(30, no_packet=0.4), 0.0), counted(30), atol=1e-5)


def test_it_locks_after_half_a_second_of_agreement():
    pool = ConstantCount()
    locked = []
    for i in range(30):
        pool.update(counted(20), i / 30)
        locked.append(pool.locked)
    assert locked == [i >= 15 for i in range(30)]


def test_it_does_not_lock_while_the_mean_still_moves():
    pool = ConstantCount()
    for i in range(60):
        pool.update(counted(10 + i / 4), i / 30)
    assert not pool.locked


def test_a_mean_that_drifts_slowly_is_no_unrest():
    pool = ConstantCount()
    assert not pool.locked
    for i in range(600):
        mean = pooled_mean(pool, 20 if i < 90 else 21.5, i / 30)  # too small a step to be noticed
        assert pool.locked == (i >= 15)
    assert mean == pytest.approx(21.5, abs=0.1)


@pytest.mark.parametrize(("blink_s", "kept"), [(0.1, True), (1.0, False)])
def test_a_blink_is_forgiven_and_a_loss_is_not(blink_s, kept):
    pool = ConstantCount()
    for i in range(31):
        pool.update(counted(20), i / 30)
    pool.lost(1.0 + blink_s)
    mean = pooled_mean(pool, 22, 1.0 + blink_s + 1 / 30)
    assert (mean < 21) == kept
    assert pool.locked == kept


@pytest.mark.parametrize("fps", [10, 30, 60])
@pytest.mark.parametrize("taken", [-25, -10, 5])
def test_cards_taken_or_put_down_are_noticed_within_half_a_second(fps, taken):
    pool, rng = ConstantCount(), np.random.default_rng(1)
    for i in range(3 * fps):
        pooled_mean(pool, 30 + rng.normal(0, 0.7), i / fps)
    assert pool.locked
    locked = []
    for i in range(3 * fps, 3 * fps + fps // 2 + 1):
        mean = pooled_mean(pool, 30 + taken + rng.normal(0, 0.7), i / fps)
        locked.append(pool.locked)
    assert mean == pytest.approx(30 + taken, abs=1)
    assert not all(locked)
    for i in range(3 * fps + fps // 2 + 1, 4 * fps + fps // 4):
        pooled_mean(pool, 30 + taken + rng.normal(0, 0.7), i / fps)
    assert pool.locked


@pytest.mark.parametrize(("fps", "unrest", "most"), [(10, 2.5, 1), (30, 2.5, 1), (30, 9.0, 4)])
def test_an_unrest_that_lasts_is_no_change(fps, unrest, most):
    """Not even one far beyond what is expected: after a while it is known (14 starts if not)."""
    pool, rng = ConstantCount(), np.random.default_rng(2)
    whim, starts = 0.0, 0
    for i in range(60 * fps):
        whim += (1 - np.exp(-1 / fps / 0.15)) * (rng.normal(0, unrest) - whim)
        before = pool.began_s
        pooled_mean(pool, 30 + whim, i / fps)
        starts += pool.began_s != before
    assert 1 <= starts <= most


@pytest.mark.parametrize("fps", [5, 30])
def test_one_frame_that_errs_is_not_another_packet(fps):
    pool = ConstantCount()
    for i in range(3 * fps):
        pooled_mean(pool, 40, i / fps)
    assert pooled_mean(pool, 20, 3.0) > 35


def test_time_that_runs_backwards_starts_afresh():
    pool = ConstantCount()
    for i in range(30):
        pooled_mean(pool, 20, 100 + i / 30)
    assert pooled_mean(pool, 22, 0.0) == pytest.approx(22, abs=0.1)
    assert not pool.locked


def test_after_a_gap_in_time_it_starts_afresh():
    pool = ConstantCount()
    for i in range(60):
        pooled_mean(pool, 40, i / 30)
    assert pool.locked
    for i in range(15):
        assert pooled_mean(pool, 12, 3600 + i / 30) == pytest.approx(12, abs=0.1)
        assert not pool.locked


@pytest.mark.parametrize("apart", [0.8, 1.5, 20])
def test_pictures_that_come_slowly_still_settle(apart):
    pool = ConstantCount()
    for i in range(5):
        pooled_mean(pool, 20, i * apart * MEMORY_S)
    assert pool.locked


@pytest.mark.parametrize("fps", [2, 3, 3.9])
def test_a_change_is_noticed_after_three_frames_where_they_come_slowly(fps):
    pool, rng = ConstantCount(), np.random.default_rng(1)
    for i in range(20):
        pooled_mean(pool, 30 + rng.normal(0, 0.7), i / fps)
    for i in range(20, 23):
        mean = pooled_mean(pool, 5 + rng.normal(0, 0.7), i / fps)
    assert mean == pytest.approx(5, abs=1)


@pytest.mark.parametrize("second_s", [0.0, 100.0])
def test_a_film_whose_time_jumps_is_of_two_packets(second_s):
    start = [10 + i / 30 for i in range(60)]
    times = start + [second_s + i / 30 for i in range(60)]
    first, second = stretches([counted(10)] * 60 + [counted(40)] * 60, times)
    assert (first.start, first.stop, second.start, second.stop) == (0, 60, 60, 120)
    for stretch, cards in ((first, 10), (second, 40)):
        assert stretch.distribution @ np.arange(53) == pytest.approx(cards, abs=0.1)
        assert stretch.settled


def test_a_stretch_begins_where_the_packet_changed():
    times = np.arange(60) / 30
    first, second = stretches([counted(30)] * 30 + [counted(12)] * 30, times.tolist())
    assert (first.stop, second.start) == (30, 30)
    assert second.settled


@pytest.mark.parametrize(("blink", "kept"), [(3, True), (30, False)])
def test_frames_without_a_packet_part_a_film_unless_they_are_few(blink, kept):
    said = [counted(20)] * 30 + [None] * blink + [counted(21)] * 30
    found = stretches([None, *said, None], [i / 30 for i in range(len(said) + 2)])
    means = [stretch.distribution @ np.arange(53) for stretch in found]
    assert means == pytest.approx([20.5] if kept else [20, 21], abs=0.1)
    assert all(stretch.settled for stretch in found)
    frames = [i for stretch in found for i in range(stretch.start, stretch.stop)]
    assert len(set(frames)) == len(frames)
    assert {i + 1 for i, one in enumerate(said) if one is not None} <= set(frames)


@pytest.mark.parametrize("time_s", [0.0, 5.0])
def test_a_single_frame_is_a_stretch_that_says_what_it_says(time_s):
    (only,) = stretches([counted(20)], [time_s])
    assert (only.start, only.stop, only.settled) == (0, 1, False)
    assert np.allclose(only.distribution, counted(20), atol=1e-5)
    assert stretches([None], [time_s]) == stretches([], []) == []
