"""Few corners, or none of a precision: what they leave open, and how much doubt that is."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lying import HW, POKER, POSES, equally, shown

from stream import cuboid
from stream.cuboid import solve


@pytest.mark.parametrize(
    ("lacking", "sigma_px"),
    [
        (range(8), 0.5),
        ((), np.inf),
        ((), np.nan),
        (range(3, 8), 0.5),
        ((1, 3, 5, 7), 0.5),
        ((0, 1, 2, 3), 0.5),
    ],
    ids=["no place", "no precision", "no number", "three corners", "the left side", "a short side"],
)
def test_too_little_is_no_body(lacking, sigma_px):
    xy, _, _ = shown()
    xy[list(lacking)] = np.nan
    assert solve(xy, equally(sigma_px), HW, POKER) is None


def test_corners_without_a_place_or_a_precision_do_not_count():
    xy, _, _ = shown()
    exact = solve(xy, equally(), HW, POKER)
    lacking = xy.copy()
    lacking[0] = np.nan
    unsure = equally()
    unsure[1] = np.inf
    lacking[1] += 300  # where it is does not matter
    body = solve(lacking, unsure, HW, POKER)
    assert exact is not None
    assert body is not None
    assert body.thickness_mm == pytest.approx(exact.thickness_mm, abs=1e-3)
    assert np.allclose(body.xy, xy, atol=1e-2)


@settings(max_examples=40, deadline=None)
@given(POSES, st.floats(1.1, 8.0))
def test_the_doubt_grows_with_that_of_the_corners(pose, times):
    xy, _, _ = shown(**pose)
    sure, unsure = (solve(xy, equally(s), HW, POKER) for s in (0.3, 0.3 * times))
    assert sure is not None
    assert unsure is not None
    assert unsure.thickness_sd_mm > sure.thickness_sd_mm
    assert unsure.focal_log_sd >= sure.focal_log_sd * 0.98  # mostly known beforehand


@settings(max_examples=60, deadline=None)
@given(POSES, st.permutations(range(8)), st.integers(4, 7))
def test_fewer_corners_are_never_surer(pose, order, left):
    xy, visible, _ = shown(**pose)
    seen = np.where(visible[:, None], xy, np.nan)
    every = solve(seen, equally(), HW, POKER)
    seen[order[left:]] = np.nan
    some = solve(seen, equally(), HW, POKER)
    assert every is not None
    # where too few are left, another block may show the same: its doubt is another one's
    if some is not None and abs(some.thickness_mm - every.thickness_mm) < 0.05:
        assert some.thickness_sd_mm >= every.thickness_sd_mm * (1 - 1e-3)


@pytest.mark.parametrize(
    ("hidden", "thickness_mm", "elevation_deg", "azimuth_deg", "distance_mm"),
    [
        ([0, 1, 5, 6], 7.5, 61.0, 25.0, 210.0),
        ([1, 3, 5, 6], 8.1, 55.0, 309.0, 190.0),
        ([0, 3, 4, 5], 3.9, 57.0, 249.0, 200.0),
    ],
)
def test_few_corners_that_two_blocks_may_show(
    hidden, thickness_mm, elevation_deg, azimuth_deg, distance_mm
):
    """The likelier is taken, or its doubt reaches the other: not whichever is met first."""
    xy, visible, _ = shown(
        thickness_mm=thickness_mm,
        elevation_deg=elevation_deg,
        azimuth_deg=azimuth_deg,
        distance_mm=distance_mm,
    )
    xy[~visible] = np.nan
    xy[hidden] = np.nan
    body = solve(xy, equally(), HW, POKER)
    assert body is not None
    assert abs(body.thickness_mm - thickness_mm) < 2 * body.thickness_sd_mm


@pytest.mark.parametrize("face_up", [True, False])
def test_another_block_adds_its_distance_to_the_doubt_by_how_likely_it_is(face_up):
    xy, _, _ = shown(face_up=face_up)
    sight = cuboid._sight(xy, equally(), HW, POKER, cuboid.expected_focal(HW))
    assert sight is not None
    fit = cuboid._fits(sight)[0]
    parameters = fit.point.parameters.copy()
    parameters[2] = -np.copysign(abs(parameters[2]) + 3, parameters[2])  # from the other side
    point = replace(fit.point, parameters=parameters)
    other = replace(fit, point=point, cost=fit.cost + 2 * np.log(3))  # one to three
    alone, both = (cuboid._body(sight, HW, fit, others) for others in ([], [other]))
    assert both.thickness_mm == alone.thickness_mm
    assert both.thickness_sd_mm**2 == pytest.approx(alone.thickness_sd_mm**2 + 3**2 / 4)


def test_one_face_alone_says_nothing_of_the_thickness():
    xy, _, _ = shown()
    xy[[0, 1, 4, 5]] = np.nan
    body = solve(xy, equally(), HW, POKER)
    assert body is not None
    assert body.near == "back"
    assert body.thickness_sd_mm > 20
    assert np.allclose(body.xy[[2, 3, 6, 7]], xy[[2, 3, 6, 7]], atol=0.05)


@pytest.mark.parametrize("seed", [531, 825, 1837, 1991, 2699, 2827])
def test_a_rough_search_ends_where_an_exact_one_does(seed, monkeypatch):
    """Corners of a leaning packet, one of them wrong: a search that ends early loses its way."""
    rng = np.random.default_rng(seed)
    xy, visible, _ = shown(
        thickness_mm=rng.uniform(0.3, 16),
        elevation_deg=rng.uniform(12, 75),
        azimuth_deg=rng.uniform(0, 360),
        distance_mm=rng.uniform(180, 700),
        lean_mm=tuple(rng.normal(0, 0.8, 2)),
    )
    xy = xy + rng.normal(0, rng.choice([0.3, 1.0, 2.5]), (8, 2))
    xy[~visible] = np.nan
    xy[rng.integers(8)] += rng.normal(0, 15, 2)
    rough = solve(xy, equally(0.8), HW, POKER)
    monkeypatch.setattr(cuboid, "_ROUGH", cuboid._EXACT)
    exact = solve(xy, equally(0.8), HW, POKER)
    assert rough is not None
    assert exact is not None
    assert rough.thickness_mm == pytest.approx(exact.thickness_mm, abs=0.2 * exact.thickness_sd_mm)
