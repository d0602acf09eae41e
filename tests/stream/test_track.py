"""The crop follows the packet; a packet is there once it is confirmed, and kept more easily."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.geometry import whole
from stream.track import Presence, RegionTracker, crop_around

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


def seen(strengths, fps=30.0):
    presence = Presence()
    return [presence.update(strength, i / fps) for i, strength in enumerate(strengths)]


def test_a_clear_packet_is_there_at_once_and_a_faint_one_when_seen_twice():
    assert seen([2.0, 2.0]) == [True, True]
    assert seen([1.2, 1.2, 1.2]) == [False, True, True]
    assert seen([1.2, 0.4, 1.2]) == [False, False, True]


def test_what_shows_up_now_and_then_is_no_packet():
    assert not any(seen([1.2, 0.3, 0.3] * 20))


def test_a_packet_that_is_there_need_not_be_as_clear():
    assert seen([2.0] + [0.7] * 40) == [True] * 41
    assert not any(seen([0.7] * 40))


def test_a_moment_without_it_is_forgiven_and_a_while_is_not():
    assert seen([2.0, 0.1, 0.7]) == [True, False, True]
    assert seen([2.0] + [0.1] * 20 + [0.7, 1.2]) == [True] + [False] * 22


@pytest.mark.parametrize("time_s", [-1.0, 0.9])
def test_elsewhere_in_time_it_has_to_be_confirmed_anew(time_s):
    presence = Presence()
    assert presence.needed == 1.0
    assert presence.update(2.0, 0.0)
    assert presence.needed < 1.0
    assert not presence.update(1.2, time_s)
    assert presence.needed == 1.0


@given(st.lists(st.floats(0, 4)), st.floats(0.01, 0.3))
def test_no_packet_comes_from_nothing(strengths, step_s):
    for strength, there in zip(strengths, seen(strengths, 1 / step_s), strict=True):
        assert there or strength < 1.6
        assert not (there and strength < 0.6)
