"""The overlay shows what the result says, on any picture, and nothing else."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from engines.spec import ModelSpec
from stream.draw import colours, draw, outdated, reach, short_names
from stream.frame import Count, Frame, Packet, Result
from stream.packet import EDGES, FLIP, KEYPOINTS

SPEC = ModelSpec("packet", KEYPOINTS, EDGES, FLIP, (256, 256), 4, 8.0, 52)
CORNERS = np.array(
    [
        (240, 200),
        (400, 210),
        (290, 140),
        (350, 150),
        (230, 400),
        (420, 410),
        (200, 340),
        (440, 350),
    ],
    float,
)
SIZES = [(480, 640), (720, 1280), (1280, 720)]


def result_of(xy=CORNERS, hidden=(), *, hw=(480, 640), grey=128, state="locked", count=None):
    image = np.full((*hw, 3), grey, np.uint8)
    packet = None
    if state != "no_packet":
        visible = np.ones(len(xy), bool)
        visible[list(hidden)] = False
        packet = Packet(np.asarray(xy, float), np.ones(len(xy)), visible)
    return Result(Frame(image, 0, 0.0, None, "still"), state, packet, count, 0.9)


def at(picture, xy):
    return tuple(int(v) for v in picture[round(xy[1]), round(xy[0])])


def changed(picture, result):
    return (picture != result.frame.image).any(axis=2)


@pytest.mark.parametrize("hw", SIZES)
@pytest.mark.parametrize("grey", [0, 255])
def test_visible_corners_are_filled_with_their_own_colour(hw, grey):
    picture = draw(result_of(hw=hw, grey=grey), SPEC)
    assert [at(picture, xy) for xy in CORNERS] == colours(8)


@pytest.mark.parametrize("hw", SIZES)
@pytest.mark.parametrize("grey", [0, 255])
def test_hidden_corners_are_hollow_rings_of_their_colour(hw, grey):
    picture = draw(result_of(hidden=range(8), hw=hw, grey=grey), SPEC)
    for xy, colour in zip(CORNERS, colours(8), strict=True):
        assert at(picture, xy) == (grey,) * 3
        x, y = xy.astype(int)
        patch = picture[y - 16 : y + 17, x - 16 : x + 17].astype(int)
        assert (np.abs(patch - colour).max(axis=2) < 30).sum() > 10


def test_every_mark_has_a_rim_that_stands_out_on_white():
    picture = draw(result_of(grey=255), SPEC)
    for x, y in CORNERS.astype(int):
        assert picture[y - 12 : y + 13, x - 12 : x + 13].max(axis=2).min() < 60


def test_edges_are_drawn_and_those_at_a_hidden_corner_are_dashed():
    middle = (CORNERS[0] + CORNERS[1]) / 2
    solid = draw(result_of(), SPEC)
    assert min(at(solid, middle)) > 200
    dashed = draw(result_of(hidden=[0]), SPEC)
    along = CORNERS[0] + np.linspace(0.1, 0.9, 200)[:, None] * (CORNERS[1] - CORNERS[0])
    marked = np.array([min(at(dashed, xy)) > 160 for xy in along])
    assert 0.2 < marked.mean() < 0.8
    assert (np.diff(marked.astype(int)) == 1).sum() >= 4
    bare = draw(result_of(), ModelSpec("points", KEYPOINTS, (), FLIP, (256, 256), 4, 8.0))
    assert at(bare, middle) == (128, 128, 128)


def test_corners_that_are_not_found_are_left_out_with_their_edges():
    xy = CORNERS.copy()
    xy[0] = np.nan
    result = result_of(xy)
    picture = draw(result, SPEC)
    assert not changed(picture, result)[180:220, 220:236].any()
    assert at(picture, (CORNERS[0] + CORNERS[1]) / 2) == (128, 128, 128)
    assert [at(picture, p) for p in xy[1:]] == colours(8)[1:]
    nothing = result_of(np.full((8, 2), np.nan))
    assert not changed(draw(nothing, SPEC), nothing).any()


@settings(max_examples=60, deadline=None)
@given(
    hnp.arrays(
        float, (8, 2), elements=st.floats(-1e12, 1e12) | st.floats(-100, 800) | st.just(np.nan)
    ),
    hnp.arrays(bool, 8),
    st.sampled_from([(480, 640), (1, 1), (37, 900)]),
)
def test_any_place_can_be_drawn(xy, hidden, hw):
    result = result_of(xy, np.flatnonzero(hidden), hw=hw, count=Count(36.8, 35, 39))
    picture = draw(result, SPEC, names=True, hud="59.8 fps  12 ms")
    assert picture.shape == result.frame.image.shape
    assert picture.dtype == np.uint8


def test_an_edge_to_a_corner_far_away_keeps_its_direction():
    xy = np.full((8, 2), np.nan)
    xy[0], xy[1] = (100, 200), (100 + 4e9, 200 + 1e9)
    picture = draw(result_of(xy), SPEC)
    assert min(at(picture, (500, 300))) > 200


def test_the_frame_is_left_as_it_was():
    result = result_of(count=Count(36.8, 35, 39))
    result.frame.image.flags.writeable = False
    picture = draw(result, SPEC, names=True, hud="30 fps")
    assert (result.frame.image == 128).all()
    assert not np.shares_memory(picture, result.frame.image)


@pytest.mark.parametrize("hw", SIZES)
def test_the_count_is_large_and_its_interval_beside_it(hw):
    empty = result_of(hw=hw)
    counted = result_of(hw=hw, count=Count(36.8, 35, 39))
    other = result_of(hw=hw, count=Count(36.8, 34, 39))
    plate = np.argwhere(changed(draw(counted, SPEC), empty) & ~changed(draw(empty, SPEC), empty))
    assert np.ptp(plate[:, 0]) > 0.1 * min(hw)
    assert (plate.max(axis=0) < (0.25 * min(hw), 0.5 * hw[1])).all()
    assert (draw(counted, SPEC) != draw(other, SPEC)).any()


def test_a_count_that_settles_is_dimmer_than_one_that_is_locked():
    locked = draw(result_of(count=Count(36.8, 35, 39)), SPEC)
    settling = draw(result_of(count=Count(36.8, 35, 39), state="settling"), SPEC)
    assert settling[:60, :160].max() < locked[:60, :160].max()


@pytest.mark.parametrize("grey", [0, 128, 255])
def test_the_number_stands_out_on_any_picture(grey):
    plate = draw(result_of(grey=grey, count=Count(36.8, 35, 39)), SPEC)[8:50, 8:150]
    assert plate.max() > 230
    assert plate.min() < 80


def test_no_packet_is_said_quietly():
    result = result_of(state="no_packet")
    said = changed(draw(result, SPEC), result)
    assert 0 < said.mean() < 0.02


def test_a_model_that_does_not_count_shows_no_number():
    result = result_of(count=None)
    assert not changed(draw(result, SPEC), result)[:100, :200].any()


@pytest.mark.parametrize("count", [None, Count(37.0, 35, 39)])
def test_a_doubt_stands_below_the_count_and_within_reach(count):
    plain = result_of(count=count)
    doubted = replace(plain, doubt="too far: the packet is 48 px across, wanted 60")
    more = np.argwhere((draw(doubted, SPEC) != draw(plain, SPEC)).any(axis=2))
    assert len(more) > 200
    if count is not None:
        assert more[:, 0].min() > 16 / 720 * 480 + 60 / 720 * 480
    regions = reach(doubted, SPEC)
    for y, x in more[:: len(more) // 50]:
        assert any(r.x <= x < r.x + r.width and r.y <= y < r.y + r.height for r in regions), (x, y)


def test_the_hud_is_at_the_top_right():
    result = result_of()
    added = (draw(result, SPEC, hud="59.8 fps  12 ms") != draw(result, SPEC)).any(axis=2)
    rows, columns = np.nonzero(added)
    assert len(rows) > 100
    assert rows.max() < 60
    assert columns.min() > 400


def test_names_stand_beside_their_corners():
    result = result_of()
    added = (draw(result, SPEC, names=True) != draw(result, SPEC)).any(axis=2)
    for x, y in CORNERS.astype(int):
        assert added[y - 20 : y + 4, x + 4 : x + 44].any()


@given(st.integers(1, 70))
def test_every_keypoint_has_a_colour_of_its_own(k):
    found = colours(k)
    assert len(set(found)) == k
    assert all(0 <= channel <= 255 for colour in found for channel in colour)
    assert colours(k) == found


def test_short_names_are_initials():
    assert short_names(KEYPOINTS) == ["ULF", "URF", "ULB", "URB", "LLF", "LRF", "LLB", "LRB"]
    assert short_names(("nose",)) == ["N"]


def test_short_names_that_agree_say_more():
    names = ("left_eye", "left_ear", "left_elbow", "right_eye", "nose", "neck")
    assert short_names(names) == ["LEY", "LEA", "LEL", "RE", "NO", "NE"]
    assert len(set(short_names(("a_b", "a_b_", "a-b", "c")))) >= 2


def test_other_skeletons_are_drawn_too():
    spec = ModelSpec("face", ("left", "right", "nose"), ((0, 1),), (1, 0, 2), (64, 64), 4, 3.0)
    picture = draw(result_of(CORNERS[:3]), spec, names=True)
    assert [at(picture, xy) for xy in CORNERS[:3]] == colours(3)


@pytest.mark.parametrize("hw", [(720, 1280), (96, 128), (1, 1)])
def test_a_picture_that_is_old_is_dark_and_says_how_old(hw):
    picture = np.full((*hw, 3), 200, np.uint8)
    seven, eight = (outdated(picture, seconds) for seconds in (7, 8))
    assert (picture == 200).all()
    assert seven.shape == picture.shape
    assert seven[-1, -1].max() < 100
    if min(hw) > 1:
        assert seven.max() > 200
        assert (seven != eight).any()
