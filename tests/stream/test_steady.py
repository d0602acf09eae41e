"""Corners stand still at rest, follow without lag and let go of what is new."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from stream.steady import Steady

CORNERS = np.array(
    [(0, 0), (120, 0), (0, -40), (120, -40), (0, 180), (120, 180), (-20, 140), (140, 140)], float
)
SURE = np.ones(8)
SEEN = np.ones(8)
TIMES = st.lists(st.floats(0, 0.6), min_size=2, max_size=12).map(np.cumsum)


def film(steady, frames, fps=30.0):
    """Corners frame by frame, found with certainty → what is made of them (N, 8, 2)."""
    return np.array([steady.update(xy, SURE, SEEN, i / fps)[0] for i, xy in enumerate(frames)])


def noisy(count, sigma_px, seed=0):
    return CORNERS + np.random.default_rng(seed).normal(0, sigma_px, (count, 8, 2))


@given(TIMES, st.lists(st.booleans(), min_size=8, max_size=8).filter(any))
def test_what_does_not_change_comes_out_as_it_is(times, found):
    xy = np.where(np.array(found)[:, None], CORNERS, np.nan)
    steady = Steady()
    for time_s in times:
        at, _ = steady.update(xy, SURE, SEEN, float(time_s))
        assert np.allclose(at, xy, atol=1e-6, equal_nan=True)


@given(
    TIMES,
    hnp.arrays(float, (12, 8, 2), elements=st.one_of(st.floats(-60, 60), st.just(np.nan))),
    st.floats(0.2, 5),
    st.tuples(st.floats(-900, 900), st.floats(-900, 900)),
)
def test_a_larger_packet_elsewhere_is_treated_alike(times, noise, scale, place):
    here, there = Steady(), Steady()
    for time_s, off in zip(times, noise, strict=False):
        xy = CORNERS + np.round(off, 2)
        xy[np.isnan(xy).any(axis=1)] = np.nan
        at, visible = here.update(xy, SURE, SEEN, float(time_s))
        moved, same = there.update(scale * xy + place, SURE, SEEN, float(time_s))
        assert np.array_equal(visible, same)
        assert np.array_equal(visible, np.isfinite(at).all(axis=1))
        assert np.allclose(moved, scale * at + place, atol=1e-5 * scale, equal_nan=True)


@pytest.mark.parametrize(("fps", "part"), [(10, 0.5), (30, 0.35), (60, 0.3)])
def test_at_rest_a_corner_trembles_by_a_small_part_of_its_noise(fps, part):
    at = film(Steady(), noisy(10 * fps, 0.15), fps)[fps:]
    assert at.std(axis=0).max() < part * 0.15


@pytest.mark.parametrize("speed", [20.0, 200.0, 1000.0])
def test_motion_is_followed_within_a_fifth_of_a_frame(speed):
    path = np.array([(speed * max(0, i - 20) / 30, 0.0) for i in range(50)])
    at = film(Steady(), noisy(50, 0.15) + path[:, None])
    behind = path[30:, 0] - (at - CORNERS)[30:, :, 0].mean(axis=1)
    assert behind.mean() < speed / 30 / 5
    assert behind.min() > -1


def test_a_stop_is_not_overrun():
    path = np.minimum(np.arange(60), 30)[:, None, None] * np.array([15.0, 4.0])
    at = film(Steady(), CORNERS + path)
    assert (at[:, :, 0] <= CORNERS[:, 0] + 450 + 1e-6).all()
    assert np.abs(at[-1] - CORNERS - path[-1]).max() < 1.0


def test_turning_growing_and_leaning_are_shared_and_not_smoothed_away():
    step = np.array([[1.01, 0.012], [-0.03, 0.995]])
    shapes = [CORNERS @ np.linalg.matrix_power(step, i).T for i in range(40)]
    at = film(Steady(), shapes)
    off = np.linalg.norm(at[20:] - np.array(shapes)[20:], axis=2).max(axis=1)
    moved = np.linalg.norm(np.diff(shapes, axis=0)[19:], axis=2).max(axis=1)
    assert (off < moved).all()


def test_a_doubtful_corner_goes_with_the_others_more_than_its_own_way():
    aside = CORNERS.copy()
    aside[3] += 15
    steps = []
    for sure in (1.0, 0.2):
        steady, score = Steady(), np.where(np.arange(8) == 3, sure, 1.0)
        steady.update(CORNERS, score, SEEN, 0.0)
        for i in range(1, 3):
            at, _ = steady.update(aside + 100 * i / 30, score, SEEN, i / 30)
        steps.append(at[3, 0] - at[1, 0])
    assert 0 < steps[1] < steps[0] / 2


@pytest.mark.parametrize("later_s", [-1.0, 0.6])
def test_after_a_gap_or_backwards_in_time_all_is_new(later_s):
    steady = Steady()
    film(steady, noisy(30, 0.5))
    at, _ = steady.update(CORNERS + 30, SURE, SEEN, 29 / 30 + later_s)
    assert np.array_equal(at, CORNERS + 30)


def test_a_packet_elsewhere_is_shown_there_at_once():
    at = film(Steady(), [CORNERS] * 10 + [CORNERS + 300] * 2)
    assert np.array_equal(at[10], CORNERS + 300)


def test_names_that_are_wrong_for_a_moment_do_not_make_the_corners_fly():
    wrong = CORNERS[[5, 1, 7, 3, 4, 0, 6, 2]] * (1.2, 0.9)  # a quarter turn
    at = film(Steady(), [CORNERS] * 10 + [wrong] * 2 + [CORNERS] * 3)
    assert np.abs(at - CORNERS).max() < 1
    at = film(Steady(), [CORNERS] * 10 + [wrong] * 10)
    assert np.abs(at[14:] - wrong).max() < 10


def test_a_corner_taken_for_another_place_has_to_stay_there():
    away = CORNERS.copy()
    away[2] += (150, 90)
    at = film(Steady(), [CORNERS] * 10 + [away] * 3 + [CORNERS] * 2)
    assert np.abs(at - CORNERS).max() < 1
    at = film(Steady(), [CORNERS] * 10 + [away] * 8)
    assert np.abs(at[15:, 2] - away[2]).max() < 1


def test_a_corner_not_found_is_carried_along_for_a_while():
    frames = CORNERS + np.arange(25)[:, None, None] * np.array([10.0, 0.0])
    frames[12:20, 6] = np.nan
    at = film(Steady(), frames)
    truth = CORNERS[6] + np.arange(25)[:, None] * np.array([10.0, 0.0])
    assert np.abs(at[12:16, 6] - truth[12:16]).max() < 10
    assert np.isnan(at[17:20, 6]).all()
    assert np.array_equal(at[20, 6], truth[20])


def test_what_is_carried_along_is_visible_and_what_is_unknown_is_not():
    steady, lost = Steady(), CORNERS.copy()
    lost[0] = np.nan
    steady.update(CORNERS, SURE, SEEN, 0.0)
    for i in range(1, 12):
        at, visible = steady.update(lost, SURE, SEEN, i / 30)
        assert visible[0] == np.isfinite(at[0, 0]) == (i <= 4)
        assert visible[1:].all()


def test_visibility_about_one_half_does_not_flicker():
    steady = Steady()
    steady.update(CORNERS, SURE, np.full(8, 0.7), 0.0)
    for i in range(1, 90):
        _, visible = steady.update(CORNERS, SURE, np.full(8, 0.44 + 0.1 * (i % 2)), i / 30)
        assert visible.all()
    for i in range(90, 120):
        _, visible = steady.update(CORNERS, SURE, np.full(8, 0.1), i / 30)
    assert not visible.any()
