import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.frame import Count, Packet
from stream.packet import TURN
from train import metrics
from train.metrics import Judged

SEEDS = st.integers(0, 2**32 - 1)


def judged(rng, *, cards=20, clip="a", found=True, counted=True, noise_px=4.0):
    visible = rng.random(8) < 0.8
    visible[0] = True
    xy = np.where(visible[:, None], rng.uniform(0, 400, (8, 2)), np.nan)
    order = list(TURN) if rng.random() < 0.5 else list(range(8))
    guess = (np.where(visible[:, None], xy, rng.uniform(0, 400, (8, 2))))[order]
    guess = guess + rng.normal(0, noise_px, (8, 2))
    guess[rng.random(8) < 0.1] = np.nan
    packet = Packet(guess, rng.random(8), rng.random(8) < 0.8) if found else None
    count = None
    if found and counted:
        mean = cards + rng.normal(0, 2)
        count = Count(mean, round(mean) - 2, round(mean) + 2)
    return Judged("x.jpg", clip, cards, xy, visible, packet, count)


def naive_errors(found, truth, turn):
    """The definition, corner by corner; 1e6 stands for a missing corner while comparing."""
    ways = []
    for order in (range(8), turn):
        way = []
        for k, place in enumerate(order):
            if math.isnan(truth[k][0]):
                continue
            x, y = found[place]
            missing = math.isnan(x)
            way.append(1e6 if missing else math.hypot(x - truth[k][0], y - truth[k][1]))
        ways.append(way)
    best = min(ways, key=sum)
    return [math.inf if px == 1e6 else px for px in best]


@given(SEEDS)
def test_corner_errors_are_the_naive_loop(seed):
    one = judged(np.random.default_rng(seed))
    got = metrics.corner_errors(one.packet.xy, one.xy, TURN)
    want = naive_errors(one.packet.xy.tolist(), one.xy.tolist(), TURN)
    assert len(got) == one.visible.sum()
    np.testing.assert_allclose(got, want)


@given(SEEDS)
def test_a_turned_packet_is_the_same_packet(seed):
    rng = np.random.default_rng(seed)
    xy = rng.uniform(0, 400, (8, 2))
    moved = xy + rng.normal(0, 3, (8, 2))
    straight = metrics.corner_errors(moved, xy, TURN)
    np.testing.assert_allclose(metrics.corner_errors(moved[list(TURN)], xy, TURN), straight)
    assert (metrics.corner_errors(moved[list(TURN)], xy) > 20).any()


def test_a_corner_not_found_is_infinitely_far():
    truth = np.array([[0.0, 0.0], [10.0, 0.0]])
    errors = metrics.corner_errors(np.array([[3.0, 4.0], [np.nan, np.nan]]), truth)
    assert errors.tolist() == [5.0, math.inf]
    assert metrics.pck(errors, 10) == 0.5
    assert metrics.quantile(errors, 0.95) == math.inf
    assert metrics.quantile(errors, 0.5) == 5.0


def test_a_limit_is_not_within_itself():
    assert metrics.pck(np.array([5.0, 4.999]), 5) == 0.5


@given(SEEDS)
def test_scores_are_the_naive_loop(seed):
    rng = np.random.default_rng(seed)
    full = [
        judged(rng, cards=n, clip=str(n), found=rng.random() < 0.9)
        for n in (7, 20, 44)
        for _ in range(3)
    ]
    empty = [judged(rng, cards=0, found=rng.random() < 0.4, counted=False) for _ in range(5)]
    got = metrics.score([*full, *empty], TURN)

    errors = []
    right = []
    off = []
    inside = []
    for one in full:
        if one.packet is not None:
            errors += naive_errors(one.packet.xy.tolist(), one.xy.tolist(), TURN)
            order = metrics.best_order(one.packet.xy, one.xy, TURN)
            right += [one.packet.visible[order[k]] == one.visible[k] for k in range(8)]
        if one.count is not None:
            off.append(one.count.mean - one.cards)
            inside.append(one.count.low <= one.cards <= one.count.high)
    assert got.pictures == 9
    assert got.empty_pictures == 5
    assert got.found == pytest.approx(sum(one.packet is not None for one in full) / 9)
    assert got.false_alarms == pytest.approx(sum(one.packet is not None for one in empty) / 5)
    if not errors:
        return
    assert got.pck5 == pytest.approx(sum(px < 5 for px in errors) / len(errors))
    assert got.pck10 == pytest.approx(sum(px < 10 for px in errors) / len(errors))
    assert got.corner_px_median == pytest.approx(sorted(errors)[(len(errors) - 1) // 2])
    assert got.visibility == pytest.approx(sum(right) / len(right))
    assert got.count_mae == pytest.approx(sum(map(abs, off)) / len(off))
    assert got.count_bias == pytest.approx(sum(off) / len(off))
    assert got.within_1 == pytest.approx(sum(abs(e) <= 1 for e in off) / len(off))
    assert got.within_2 == pytest.approx(sum(abs(e) <= 2 for e in off) / len(off))
    assert got.interval_coverage == pytest.approx(sum(inside) / len(inside))


def counted(clip, cards, mean):
    nothing = np.full((8, 2), np.nan)
    return Judged("x", clip, cards, nothing, np.zeros(8, bool), None, Count(mean, 0, 52))


def test_a_clip_is_judged_by_its_median():
    clips = [counted("a", 10, m) for m in (11.0, 12.0, 99.0)] + [counted("b", 20, 19.5)]
    assert metrics.clip_medians(clips) == {"a": (10, 12.0), "b": (20, 19.5)}
    got = metrics.score(clips)
    assert (got.clip_median_error, got.clip_mean_error) == (1.25, 1.25)


def test_a_clip_of_two_counts_is_refused():
    with pytest.raises(ValueError, match="shows 10 and 11 cards"):
        metrics.clip_medians([counted("a", 10, 10), counted("a", 11, 11)])


def test_spurious_is_measured_to_the_nearest_true_corner():
    truth = np.full((8, 2), np.nan)
    truth[:2] = [[0, 0], [100, 0]]
    xy = np.full((8, 2), np.nan)
    xy[:4] = [
        [100, 1],
        [0, 1],
        [50, 0],
        [50, 0],
    ]  # swapped, astray, astray but hidden
    seen = np.array([True, True, True, False, False, False, False, False])
    one = Judged("x", "a", 5, truth, np.isfinite(truth[:, 0]), Packet(xy, np.ones(8), seen), None)
    assert metrics.spurious(one) == [False, False, True]


def test_nothing_to_measure_is_nan_not_zero():
    got = metrics.score([])
    assert got.pictures == 0
    assert math.isnan(got.found)
    assert math.isnan(got.count_mae)
    assert math.isnan(got.false_alarms)
    assert math.isnan(got.clip_median_error)
