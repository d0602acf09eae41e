import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.frame import Count, Packet
from stream.packet import TURN
from train import metrics
from train.metrics import Judged
from train.truth import Truth, diagonal, nothing

SEEDS = st.integers(0, 2**32 - 1)


def judged(rng, *, cards=20, clip="a", found=True, counted=True, noise_px=4.0):
    visible = rng.random(8) < 0.8
    visible[0] = True
    whole = rng.uniform(0, 400, (8, 2))
    xy = np.where(visible[:, None], whole, np.nan)
    order = list(TURN) if rng.random() < 0.5 else list(range(8))
    guess = (np.where(visible[:, None], xy, rng.uniform(0, 400, (8, 2))))[order]
    guess = guess + rng.normal(0, noise_px, (8, 2))
    guess[rng.random(8) < 0.1] = np.nan
    packet = Packet(guess, rng.random(8), rng.random(8) < 0.8) if found else None
    count = None
    if found and counted:
        mean = cards + rng.normal(0, 2)
        count = Count(mean, round(mean) - 2, round(mean) + 2)
    truth = Truth("x.jpg", clip, "real", cards, xy, visible, diagonal(whole))
    return Judged(truth, packet, count, 0.9)


def empty(rng, *, kind="photograph", alarm=False):
    packet = Packet(rng.uniform(0, 9, (8, 2)), np.ones(8), np.ones(8, bool)) if alarm else None
    return Judged(nothing("x", str(rng.random()), kind), packet, None, 0.1)


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
    got = metrics.corner_errors(one.packet.xy, one.truth.xy)
    want = naive_errors(one.packet.xy.tolist(), one.truth.xy.tolist(), TURN)
    assert len(got) == one.truth.visible.sum()
    np.testing.assert_allclose(got, want)


@given(SEEDS)
def test_a_turned_packet_is_the_same_packet(seed):
    rng = np.random.default_rng(seed)
    xy = rng.uniform(0, 400, (8, 2))
    moved = xy + rng.normal(0, 3, (8, 2))
    straight = metrics.corner_errors(moved, xy)
    np.testing.assert_allclose(metrics.corner_errors(moved[list(TURN)], xy), straight)


def test_a_corner_not_found_is_infinitely_far():
    truth = np.full((8, 2), np.nan)
    truth[:2] = [[0.0, 0.0], [10.0, 0.0]]
    found = np.full((8, 2), np.nan)
    found[0] = [3.0, 4.0]
    assert metrics.corner_errors(found, truth).tolist() == [5.0, math.inf]


@given(SEEDS)
def test_figures_are_the_naive_loop(seed):
    rng = np.random.default_rng(seed)
    full = [
        judged(rng, cards=n, clip=str(n), found=rng.random() < 0.8)
        for n in (7, 20, 44)
        for _ in range(3)
    ]
    full.append(judged(rng, cards=20, clip="20"))
    got = metrics.figures(full, stream=True)

    errors, parts, right, off, inside, widths = [], [], [], [], [], []
    said = {"7": [], "20": [], "44": []}
    for one in full:
        truth = one.truth
        if one.packet is None:
            found = [math.inf] * int(truth.visible.sum())
            right += [False] * 8
        else:
            found = naive_errors(one.packet.xy.tolist(), truth.xy.tolist(), TURN)
            order = metrics.best_order(one.packet.xy, truth.xy)
            right += [one.packet.visible[order[k]] == truth.visible[k] for k in range(8)]
            inside.append(one.count.low <= truth.cards <= one.count.high)
            widths.append(one.count.high - one.count.low)
        errors += found
        parts += [px / truth.diagonal_px for px in found]
        answer = 0.0 if one.packet is None else one.count.median
        off.append(answer - truth.cards)
        said[truth.clip].append(answer)
    want = {
        "found": np.mean([one.packet is not None for one in full]),
        "corners within 10 px": np.mean(np.array(errors) < 10),
        "corners within 5 px": np.mean(np.array(errors) < 5),
        "corners within 1 %": np.mean(np.array(parts) < 0.01),
        "corner error, median px": sorted(errors)[(len(errors) - 1) // 2],
        "visibility right": np.mean(right),
        "count MAE": np.mean(np.abs(off)),
        "count bias": np.mean(off),
        "count within 1": np.mean(np.abs(off) <= 1),
        "count within 2": np.mean(np.abs(off) <= 2),
        "interval holds": np.mean(inside),
        "interval width": np.mean(widths),
        "clip median MAE": np.mean([abs(np.median(v) - int(n)) for n, v in said.items()]),
        "clip end MAE": np.mean([abs(v[-1] - int(n)) for n, v in said.items()]),
    }
    for name, value in want.items():
        assert got[name].value == pytest.approx(value), name
    assert got["found"].n == got["count MAE"].n == len(full)
    assert got["corners within 5 px"].n == len(errors)
    assert got["visibility right"].n == 8 * len(full)
    assert got["interval holds"].n == len(inside)
    assert (got["clip end MAE"].n, got["count MAE"].clips) == (3, 3)


def test_a_missed_packet_does_not_flatter():
    rng = np.random.default_rng(0)
    good = [judged(rng, cards=30, noise_px=0.1) for _ in range(3)]
    for one in good:
        one.packet.xy[:] = np.where(one.truth.visible[:, None], one.truth.xy, 0.0)
        one.packet.visible[:] = one.truth.visible
    missed = judged(rng, cards=30, found=False)
    got = metrics.figures([*good, missed], stream=False)
    assert got["found"].value == 0.75
    lost = missed.truth.visible.sum()
    assert got["corners within 5 px"].value < 1
    assert got["corners within 5 px"].n - got["corners within 5 px"].value * got[
        "corners within 5 px"
    ].n == pytest.approx(lost)
    assert got["visibility right"].value == pytest.approx(0.75)
    assert got["count within 2"].value <= 0.75
    assert got["count MAE"].value >= 30 / 4


def test_who_misses_every_packet_said_no_cards_of_each():
    rng = np.random.default_rng(0)
    missed = [judged(rng, cards=n, clip=str(n), found=False) for n in (10, 10, 30)]
    got = metrics.figures(missed, stream=True)
    assert (got["count MAE"].value, got["count MAE"].n) == (pytest.approx(50 / 3), 3)
    assert got["clip end MAE"].value == 20
    assert got["interval holds"].n == 0


def test_pictures_without_a_packet_are_told_by_their_kind():
    rng = np.random.default_rng(0)
    every = [empty(rng, alarm=i < 2) for i in range(10)]
    got = metrics.figures(every, stream=False)
    assert {name: figure.value for name, figure in got.items()} == {"called a packet": 0.2}
    every += [empty(rng, kind="scene", alarm=i < 3) for i in range(5)]
    got = metrics.figures(every, stream=False)
    assert {name: (figure.value, figure.n) for name, figure in got.items()} == {
        "called a packet": (pytest.approx(5 / 15), 15),
        "photograph called a packet": (0.2, 10),
        "scene called a packet": (0.6, 5),
    }


def test_a_model_that_counts_nothing_is_not_scored_for_it():
    rng = np.random.default_rng(0)
    every = [judged(rng, counted=False), judged(rng, found=False)]
    got = metrics.figures(every, stream=False)
    assert "corners within 5 px" in got
    assert not [name for name in got if "count" in name or "interval" in name or "clip" in name]


def test_pictures_of_their_own_have_no_clips():
    rng = np.random.default_rng(0)
    got = metrics.figures([judged(rng, clip=str(i)) for i in range(4)], stream=False)
    assert "count MAE" in got
    assert "clip median MAE" not in got


def test_stills_have_no_end():
    rng = np.random.default_rng(0)
    got = metrics.figures([judged(rng) for _ in range(4)], stream=False)
    assert "clip median MAE" in got
    assert "clip end MAE" not in got


def test_a_clip_of_two_counts_is_refused():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="shows 10 and 11 cards"):
        metrics.by_clip([judged(rng, cards=10), judged(rng, cards=11)])


def test_astray_is_measured_to_the_nearest_true_corner():
    truth = np.full((8, 2), np.nan)
    truth[:2] = [[0, 0], [100, 0]]
    xy = np.full((8, 2), np.nan)
    xy[:4] = [[100, 1], [0, 1], [50, 0], [50, 0]]  # swapped, astray, astray but hidden
    seen = np.array([True, True, True, False, False, False, False, False])
    what = Truth("x", "a", "real", 5, truth, np.isfinite(truth[:, 0]), 100.0)
    one = Judged(what, Packet(xy, np.ones(8), seen), None, 1.0)
    assert metrics.spurious(one) == [False, False, True]


def test_the_diagonal_is_that_of_the_box_round_what_is_known():
    xy = np.full((8, 2), np.nan)
    assert math.isnan(diagonal(xy))
    xy[0], xy[3], xy[5] = (10, 10), (40, 20), (20, 50)
    assert diagonal(xy) == pytest.approx(50)


def test_nothing_to_measure_is_nothing():
    assert metrics.figures([], stream=False) == {}
