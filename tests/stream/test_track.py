"""The crop follows the packet; the parts of a picture that stands alone leave nothing out."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.geometry import whole
from stream.track import RegionTracker, crop_around, tiles

FRAME_HW = (720, 1280)
INPUT_HW = (256, 256)
SQUARE = np.array([[0.0, 0.0], [200.0, 0.0], [200.0, 200.0], [0.0, 200.0]])


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


@given(
    st.tuples(st.floats(-900, 900), st.floats(-900, 900)),
    st.floats(0.01, 0.1),
    st.floats(0, 1e4),
)
def test_a_packet_at_constant_speed_stays_in_the_middle_of_its_crop(velocity, elapsed_s, began_s):
    tracker = RegionTracker(INPUT_HW)
    step = np.array(velocity) * elapsed_s
    tracker.found(SQUARE + 300, began_s)
    tracker.found(SQUARE + 300 + step, began_s + elapsed_s)
    region = tracker.region(FRAME_HW, began_s + 2 * elapsed_s)
    assert region is not None
    assert np.abs(middle(region) - (400 + 2 * step)).max() <= 0.51


@pytest.mark.parametrize("moved", [900, -900])
def test_a_wrong_speed_never_throws_the_packet_out_of_its_crop(moved):
    tracker = RegionTracker(INPUT_HW)
    tracker.found(SQUARE, 0.0)
    tracker.found(SQUARE + moved, 0.01)
    region = tracker.region(FRAME_HW, 0.4)
    assert region is not None
    assert np.abs(middle(region) - (100 + moved)).max() <= 100.5


@pytest.mark.parametrize("elapsed_s", [0.0, -1.0, 5.0])
def test_what_moved_between_frames_of_other_times_is_no_speed(elapsed_s):
    tracker = RegionTracker(INPUT_HW)
    tracker.found(SQUARE, 20.0)
    tracker.found(SQUARE + 30, 20.03)
    tracker.found(SQUARE + 330, 20.03 + elapsed_s)
    region = tracker.region(FRAME_HW, 20.06 + elapsed_s)
    assert region == crop_around(SQUARE + 330, FRAME_HW, INPUT_HW)


@pytest.mark.parametrize("time_s", [5.0, -1.0])
def test_an_old_speed_is_not_used(time_s):
    tracker = RegionTracker(INPUT_HW)
    tracker.found(SQUARE + 300, 0.0)
    tracker.found(SQUARE + 330, 0.03)
    assert tracker.region(FRAME_HW, time_s) == crop_around(SQUARE + 330, FRAME_HW, INPUT_HW)


@pytest.mark.parametrize("lacking", [([0], [1]), ([0, 1], [2, 3])])
def test_corners_that_come_and_go_are_no_motion(lacking):
    tracker = RegionTracker(INPUT_HW)
    first, second = SQUARE + 300, SQUARE + 300
    first[lacking[0]], second[lacking[1]] = np.nan, np.nan
    tracker.found(first, 0.0)
    tracker.found(second, 0.03)
    assert tracker.region(FRAME_HW, 0.06) == crop_around(second, FRAME_HW, INPUT_HW)


def covered(parts, hw):
    """Parts of a frame → how often each of its pixels is in one."""
    times = np.zeros(hw, int)
    for part in parts:
        assert part.x >= 0
        assert part.y >= 0
        times[part.y : part.y + part.height, part.x : part.x + part.width] += 1
    return times


@given(
    st.tuples(st.integers(100, 1200), st.integers(100, 2000)),
    st.sampled_from([(256, 256), (192, 256), (256, 160)]),
)
def test_the_parts_of_a_frame_leave_nothing_out_and_overlap(frame_hw, input_hw):
    widths = [whole(frame_hw, input_hw).width]
    for parts in tiles(frame_hw, input_hw):
        assert covered(parts, frame_hw).min() >= 1
        assert len({(part.width, part.height) for part in parts}) == 1
        part = parts[0]
        assert part.width >= input_hw[1]  # enlarged it would show nothing new
        assert part.width / part.height == pytest.approx(input_hw[1] / input_hw[0], rel=0.01)
        columns, rows = (sorted({getattr(p, axis) for p in parts}) for axis in "xy")
        assert np.diff(columns).max(initial=0) <= 0.6 * part.width + 1
        assert np.diff(rows).max(initial=0) <= 0.6 * part.height + 1
        for places, side in ((columns, part.width), (rows, part.height)):  # one less is too few
            assert (len(places) - 2) * 0.6 * side < max(places[-1], 1)
        widths.append(part.width)
    assert widths == sorted(set(widths), reverse=True)  # each closer than the one before


@pytest.mark.parametrize(
    ("frame_hw", "sides"), [((720, 1280), [720, 432]), ((512, 512), [307]), ((300, 900), [300])]
)
def test_the_parts_are_smaller_than_the_whole_and_larger_than_the_input(frame_hw, sides):
    found = list(tiles(frame_hw, INPUT_HW))
    assert [{part.width for part in parts} for parts in found] == [{side} for side in sides]


def test_a_small_frame_has_no_parts():
    assert list(tiles((240, 320), INPUT_HW)) == []
