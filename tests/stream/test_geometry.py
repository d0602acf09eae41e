"""Frame px, input px and cells map onto each other by the pixel-centre rule."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.geometry import (
    GRID,
    Region,
    around,
    boxed,
    cell_from_input,
    frame_from_input,
    input_from_cell,
    input_from_frame,
    inside,
    whole,
)

coordinate = st.floats(-1e4, 1e4)
points = st.lists(st.tuples(coordinate, coordinate), min_size=1, max_size=8).map(np.array)
side = st.integers(1, 4000)
sizes = st.tuples(side, side)
inputs = st.tuples(st.integers(1, 64), st.integers(1, 64)).map(lambda n: (n[0] * 8, n[1] * 8))
regions = st.builds(Region, st.integers(-4000, 4000), st.integers(-4000, 4000), side, side)


@given(points, regions, inputs)
def test_input_px_lead_back_to_frame_px(xy, region, input_hw):
    there = input_from_frame(xy, region, input_hw)
    assert np.allclose(frame_from_input(there, region, input_hw), xy, atol=1e-6)


@given(points, st.integers(1, 32))
def test_cells_lead_back_to_input_px(xy, stride):
    assert np.allclose(input_from_cell(cell_from_input(xy, stride), stride), xy, atol=1e-6)


@given(regions, inputs)
def test_a_region_s_outer_edges_are_the_input_s(region, input_hw):
    first = np.array([region.x - 0.5, region.y - 0.5])
    last = first + np.array([region.width, region.height])
    assert np.allclose(input_from_frame(first, region, input_hw), (-0.5, -0.5))
    corner = (input_hw[1] - 0.5, input_hw[0] - 0.5)
    assert np.allclose(input_from_frame(last, region, input_hw), corner)


def test_a_cell_s_centre_is_the_mean_of_its_pixels():
    assert np.allclose(input_from_cell(np.array([0.0, 2.0]), 4), (1.5, 9.5))


@given(sizes, inputs)
def test_the_whole_frame_lies_in_its_region_of_the_input_s_aspect(frame_hw, input_hw):
    region = whole(frame_hw, input_hw)
    assert region.width >= frame_hw[1]
    assert region.height >= frame_hw[0]
    assert abs(region.width * input_hw[0] - region.height * input_hw[1]) <= sum(input_hw)
    # The smallest one: in one direction it fits but for rounding.
    assert region.width - frame_hw[1] < 1 or region.height - frame_hw[0] < 1
    left, right = -region.x, region.x + region.width - frame_hw[1]
    top, bottom = -region.y, region.y + region.height - frame_hw[0]
    assert abs(left - right) <= 1
    assert abs(top - bottom) <= 1


@given(points, inputs, st.floats(1.0, 3.0))
def test_points_lie_in_the_region_around_them(xy, input_hw, margin):
    region = around(xy, input_hw, margin)
    centre = np.array([region.x + (region.width - 1) / 2, region.y + (region.height - 1) / 2])
    size = np.array([region.width, region.height])
    middle = (xy.min(axis=0) + xy.max(axis=0)) / 2
    assert (abs(centre - middle) <= 0.51).all()
    assert (size >= margin * np.ptp(xy, axis=0) - 0.51).all()


def test_nan_does_not_count_for_the_region_around():
    xy = np.array([[10.0, 10.0], [np.nan, np.nan], [30.0, 50.0]])
    assert around(xy, (64, 64), 1.5) == around(xy[[0, 2]], (64, 64), 1.5)


def test_the_region_around_a_point_is_a_pixel_at_least():
    assert around(np.array([[7.0, 9.0]]), (512, 8), 1.5) == Region(7, 9, 1, 1)
    assert around(np.array([[0.0, 0.0], [0.0, 99.0]]), (512, 8), 1.0) == Region(0, 0, 2, 99)


def test_no_finite_point_is_refused():
    with pytest.raises(ValueError, match="none finite"):
        around(np.full((8, 2), np.nan), (64, 64), 1.5)


@pytest.mark.parametrize("size", [(0, 5), (5, 0), (-1, 5)])
def test_an_empty_region_is_refused(size):
    with pytest.raises(ValueError, match="hold a pixel"):
        Region(0, 0, *size)


def held_by(regions):
    """Regions → how many of them each pixel of a wide plane, from -96 on, is in."""
    times = np.zeros((448, 448), np.uint8)
    for r in regions:
        times[r.y + 96 : r.y + r.height + 96, r.x + 96 : r.x + r.width + 96] += 1
    return times


near = st.integers(-80, 240)
extents = st.integers(1, 90)


@given(
    st.lists(st.builds(Region, near, near, extents, extents), max_size=6),
    st.tuples(st.integers(20, 90), st.integers(20, 90)).map(lambda n: (2 * n[0], 2 * n[1])),
)
def test_boxes_hold_the_squares_of_the_regions_and_lie_apart(regions, hw):
    boxes = boxed(regions, hw)
    picture = np.s_[96 : 96 + hw[0], 96 : 96 + hw[1]]
    squares = held_by(regions).reshape(448 // GRID, GRID, -1, GRID).any(axis=(1, 3))
    wanted = np.kron(squares, np.ones((GRID, GRID), bool))[picture]
    held = held_by(boxes)
    assert held.sum() == held[picture].sum()
    assert held.max() <= 1
    assert held[picture][wanted].all()
    for box in boxes:  # and no more, but for what lies between
        part = wanted[box.y : box.y + box.height, box.x : box.x + box.width]
        assert part.any(axis=1)[[0, -1]].all()
        assert part.any(axis=0)[[0, -1]].all()


def test_boxes_that_are_joined_may_touch_a_third():
    across, down, corner = Region(0, 0, 96, 32), Region(64, 0, 32, 96), Region(0, 64, 32, 32)
    assert boxed([across, corner], (128, 128)) == [across, corner]
    assert boxed([across, corner, down], (128, 128)) == [Region(0, 0, 96, 96)]


def test_inside_is_from_the_outer_edge_of_the_first_pixel_to_that_of_the_last():
    xy = np.array([(-0.5, 2.0), (9.5, 4.5), (-0.6, 2.0), (9.6, 2.0), (2.0, 4.6), (2.0, -0.6)])
    assert inside(xy, (5, 10)).tolist() == [True, True, False, False, False, False]
    assert inside(np.array([(np.nan, 2.0), (2.0, np.nan)]), (5, 10)).tolist() == [False, False]
