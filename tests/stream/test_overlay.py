"""The overlay in planes shows what the overlay in BGR shows."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from test_draw import CORNERS, SPEC, result_of

from stream.colour import TAGS
from stream.draw import draw, draw_over, reach
from stream.frame import Count, Frame, Result
from stream.geometry import boxed
from stream.overlay import Overlay
from stream.planes import Planes, converted


def in_planes(result: Result) -> Result:
    frame = result.frame
    planes = converted(frame.image, TAGS)
    return Result(
        Frame(planes, frame.index, frame.captured_s, frame.pts_s, frame.source),
        result.state, result.packet, result.count, result.score,
    )  # fmt: skip


@pytest.mark.parametrize("names", [False, True])
@pytest.mark.parametrize("state", ["locked", "settling", "no_packet"])
def test_both_ways_show_the_same(names, state):
    count = None if state == "no_packet" else Count(36.8, 35, 39)
    result = in_planes(result_of(state=state, count=count, hidden=(2,)))
    drawn = Overlay(SPEC, names=names)(result, "59 fps  12 ms")
    assert isinstance(drawn, Planes)
    wanted = draw(result, SPEC, names=names, hud="59 fps  12 ms")
    difference = np.abs(drawn.bgr().astype(int) - wanted).max(axis=2)
    # thin coloured lines lose colour to chroma of half the size, and nothing else changes
    assert difference.mean() < 1
    assert (difference > 8).mean() < 0.03
    grey = np.abs(drawn.y.astype(int) - converted(wanted, TAGS).y)
    assert grey.max() <= 3


def test_beyond_what_is_drawn_every_bit_stays():
    result = in_planes(result_of(count=Count(20.0, 18, 22)))
    drawn = Overlay(SPEC)(result, "")
    untouched = np.ones(result.frame.hw, bool)
    for box in boxed(reach(result, SPEC), result.frame.hw):
        untouched[box.y : box.y + box.height, box.x : box.x + box.width] = False
    assert untouched.mean() > 0.3
    before = result.frame.pixels
    np.testing.assert_array_equal(drawn.y[untouched], before.y[untouched])


def test_a_frame_in_bgr_is_drawn_as_ever():
    result = result_of(count=Count(20.0, 18, 22))
    np.testing.assert_array_equal(
        Overlay(SPEC, names=True)(result, "hud"), draw(result, SPEC, names=True, hud="hud")
    )


def test_frames_may_change_their_size():
    overlay = Overlay(SPEC)
    for hw in ((480, 640), (720, 1280), (240, 320)):
        assert overlay(in_planes(result_of(hw=hw)), "").hw == hw


anywhere = hnp.arrays(
    np.float64,
    (8, 2),
    elements=st.one_of(
        st.floats(-3000, 3000), st.just(np.nan), st.floats(-1e9, 1e9), st.floats(0, 600)
    ),
)


@settings(max_examples=60)
@given(
    xy=anywhere,
    hidden=st.sets(st.integers(0, 7)),
    hw=st.sampled_from([(480, 640), (96, 160), (720, 1280)]),
    names=st.booleans(),
    state=st.sampled_from(["locked", "settling", "no_packet"]),
    cards=st.sampled_from([None, Count(7.0, 6, 9), Count(51.6, 44, 52)]),
    hud=st.sampled_from(["", "59 fps  12 ms", "gjpq, 1234567 fps"]),
)
def test_nothing_is_drawn_beyond_its_reach(xy, hidden, hw, **how):
    names, state, cards, hud = (how[name] for name in ("names", "state", "cards", "hud"))
    xy = np.where(np.isnan(xy).any(axis=1, keepdims=True), np.nan, xy)
    result = result_of(xy, hidden, hw=hw, state=state, count=cards, grey=200)
    picture = result.frame.image.copy()
    draw_over(picture, result, SPEC, names=names, hud=hud)
    changed = (picture != 200).any(axis=2)
    for box in boxed(reach(result, SPEC, names=names, hud=hud), hw):
        changed[box.y : box.y + box.height, box.x : box.x + box.width] = False
    assert not changed.any()


def test_reach_is_not_the_whole_picture():
    result = result_of(CORNERS, hw=(720, 1280), count=Count(20.0, 18, 22))
    boxes = boxed(reach(result, SPEC, hud="59 fps"), (720, 1280))
    assert sum(box.width * box.height for box in boxes) < 0.25 * 720 * 1280
