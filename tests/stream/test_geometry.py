"""Frame px, input px and cells map onto each other by the pixel-centre rule."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.geometry import (
    Region,
    around,
    cell_from_input,
    frame_from_input,
    input_from_cell,
    input_from_frame,
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
    assert abs(left - right) <= 1


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


def test_no_finite_point_is_refused():
    with pytest.raises(ValueError, match="none finite"):
        around(np.full((8, 2), np.nan), (64, 64), 1.5)


@pytest.mark.parametrize("size", [(0, 5), (5, 0), (-1, 5)])
def test_an_empty_region_is_refused(size):
    with pytest.raises(ValueError, match="hold a pixel"):
        Region(0, 0, *size)
