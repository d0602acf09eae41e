"""Planes: what is drawn on arrives, and all else stays as it was decoded, bit by bit."""

import av
import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.geometry import GRID, Region, boxed
from stream.planes import Planes, Tags, converted, planes_of

BT601, BT709 = Tags(6, 1, 1, 1), Tags(1, 1, 1, 1)
ALL_TAGS = [BT601, BT709, Tags(2, 0, 2, 2), Tags(6, 2, 1, 1), Tags(1, 2, 1, 1)]


def smooth(hw=(96, 160), seed=0) -> np.ndarray:
    """A picture in soft colours: chroma of half the size loses little of it."""
    noise = np.random.default_rng(seed).integers(0, 256, (*hw, 3), np.uint8)
    soft = cv2.GaussianBlur(noise, (0, 0), 9)
    return cv2.normalize(soft, None, 20, 235, cv2.NORM_MINMAX).astype(np.uint8)


def decoded(picture: np.ndarray, tags: Tags, fmt="yuv420p") -> av.VideoFrame:
    """A frame as a decoder gives it, made by FFmpeg's own converter."""
    frame = av.VideoFrame.from_ndarray(picture, format="bgr24").reformat(
        format=fmt, dst_colorspace={1: 1, 9: 9}.get(tags.matrix, 5), dst_color_range=tags.range or 1
    )
    frame.colorspace, frame.color_range = tags.matrix, tags.range
    frame.color_primaries, frame.color_trc = tags.primaries, tags.transfer
    return frame


@pytest.mark.parametrize("tags", ALL_TAGS)
def test_a_frame_comes_back_in_its_own_colours(tags):
    picture = smooth()
    planes = planes_of(decoded(picture, tags))
    assert planes.tags == tags
    assert planes.hw == picture.shape[:2]
    # FFmpeg's own answer is the oracle; its fast path is right to 3 of 255, as is OpenCV
    wanted = decoded(picture, tags).to_ndarray(format="bgr24")
    assert np.abs(planes.bgr().astype(int) - wanted).max() <= 5
    assert np.abs(planes.bgr().astype(int) - picture).mean() < 5


def test_the_planes_are_the_decoders_own_memory():
    frame = decoded(smooth(), BT601)
    planes = planes_of(frame)
    assert not planes.y.flags.owndata
    for plane, array in zip(frame.planes, (planes.y, planes.u, planes.v), strict=True):
        lines = np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, -1)
        np.testing.assert_array_equal(array, lines[:, : plane.width])


@pytest.mark.parametrize(
    ("hw", "fmt", "matrix"),
    [((95, 160), "yuv420p", 6), ((96, 159), "yuv444p", 6), ((96, 160), "gbrp", 6),
     ((96, 160), "nv12", 6), ((96, 160), "gray", 6), ((96, 160), "yuv420p", 7)],
)  # fmt: skip
def test_what_is_stored_otherwise_has_no_planes(hw, fmt, matrix):
    frame = av.VideoFrame(hw[1], hw[0], fmt)
    frame.colorspace = matrix
    assert planes_of(frame) is None


@pytest.mark.parametrize("fmt", ["yuv420p10le", "yuv422p10le", "yuv444p", "yuva444p12le"])
@pytest.mark.parametrize("tags", [*ALL_TAGS, Tags(9, 1, 9, 18), Tags(9, 2, 9, 16)])
def test_more_bits_and_finer_chroma_stay_in_their_own_colours(fmt, tags):
    finer = decoded(smooth(), tags, fmt)
    planes = planes_of(finer)
    assert planes.tags == tags
    wanted = planes_of(decoded(smooth(), tags))
    for plane, other in zip(planes_in(planes), planes_in(wanted), strict=True):
        assert np.abs(plane.astype(int) - other).max() <= 4
    assert np.abs(planes.bgr().astype(int) - smooth()).mean() < 5


def planes_in(planes: Planes) -> tuple[np.ndarray, ...]:
    return planes.y, planes.u, planes.v


@pytest.mark.parametrize("tags", ALL_TAGS)
def test_a_box_is_filled_alone_and_with_the_same(tags):
    planes = converted(smooth(), tags)
    canvas = np.full((*planes.hw, 3), 7, np.uint8)
    box = Region(32, 64, 96, 32)
    planes.fill(canvas, box)
    inside = np.s_[64:96, 32:128]
    # chroma is spread between its samples, so the border may differ a little from the whole's
    assert np.abs(canvas[inside].astype(int) - planes.bgr()[inside]).max() <= 12
    assert np.abs(canvas[inside].astype(int) - planes.bgr()[inside]).mean() < 1
    canvas[inside] = 7
    assert (canvas == 7).all()


@pytest.mark.parametrize("tags", ALL_TAGS)
def test_only_the_painted_boxes_change_and_the_original_does_not(tags):
    planes = converted(smooth(), tags)
    before = planes.y.copy(), planes.u.copy(), planes.v.copy()
    drawn = np.zeros((*planes.hw, 3), np.uint8)
    drawn[32:64, 96:160] = (40, 60, 200)
    painted = planes.painted(drawn, [Region(96, 32, 64, 32)])
    for now, then in zip((planes.y, planes.u, planes.v), before, strict=True):
        np.testing.assert_array_equal(now, then)
    assert np.abs(painted.bgr()[34:62, 98:158].astype(int) - (40, 60, 200)).max() <= 5
    for now, then in zip((painted.y, painted.u, painted.v), before, strict=True):
        rows, columns = np.nonzero(now != then)
        scale = planes.hw[0] // now.shape[0]
        assert rows.min() * scale >= 32
        assert rows.max() * scale < 64
        assert columns.min() * scale >= 96
    assert painted.tags == tags


def test_an_encoder_gets_the_same_pixels_without_a_copy():
    painted = converted(smooth(), BT709).painted(smooth(seed=1), [Region(0, 0, 64, 64)])
    frame = painted.video_frame()
    assert (frame.height, frame.width, frame.format.name) == (96, 160, "yuv420p")
    assert (frame.colorspace, frame.color_range) == (1, 1)
    np.testing.assert_array_equal(frame.to_ndarray()[:96], painted.y)
    np.testing.assert_array_equal(frame.to_ndarray()[96:].reshape(2, 48, 80)[1], painted.v)
    untouched = planes_of(decoded(smooth(), BT601))
    np.testing.assert_array_equal(untouched.video_frame().to_ndarray()[:96], untouched.y)


@pytest.mark.parametrize("height", [2, 6, 270, 534])
@pytest.mark.parametrize("tags", [BT601, BT709])
def test_a_height_that_four_does_not_divide_loses_nothing(height, tags):
    picture = smooth((height, 160))
    planes = converted(picture, tags)
    assert planes.bgr().shape == picture.shape
    assert np.abs(planes.bgr().astype(int) - picture).mean() < 5
    frame = planes.painted(picture, [planes.whole]).video_frame()
    assert (frame.height, frame.width) == (height, 160)
    for plane, array in zip(frame.planes, (planes.y, planes.u, planes.v), strict=True):
        lines = np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, -1)
        np.testing.assert_array_equal(lines[:, : plane.width], array)


regions = st.builds(
    Region, st.integers(-300, 400), st.integers(-300, 400), st.integers(1, 500),
    st.integers(1, 500),
)  # fmt: skip


@given(
    given_regions=st.lists(regions, max_size=6),
    half=st.tuples(st.integers(1, 150), st.integers(1, 150)),
)
def test_boxes_cover_the_regions_are_even_and_apart(given_regions, half):
    hw = (2 * half[0], 2 * half[1])
    wanted, covered = np.zeros(hw, int), np.zeros(hw, int)
    for r in given_regions:
        wanted[max(0, r.y) : max(0, r.y + r.height), max(0, r.x) : max(0, r.x + r.width)] = 1
    for box in boxed(given_regions, hw):
        covered[box.y : box.y + box.height, box.x : box.x + box.width] += 1
        for start, length, limit in ((box.x, box.width, hw[1]), (box.y, box.height, hw[0])):
            assert start % GRID == 0
            assert length % 2 == 0
            assert start + length == limit or (start + length) % GRID == 0
            assert start + length <= limit
    assert covered.max(initial=0) <= 1
    assert (covered >= wanted).all()


def test_regions_that_touch_nothing_make_no_box():
    assert boxed([Region(-50, -50, 20, 20), Region(500, 0, 10, 10)], (96, 160)) == []


def test_a_picture_of_planes_has_its_size_and_its_whole():
    planes = converted(smooth(), BT601)
    assert isinstance(planes, Planes)
    assert planes.whole == Region(0, 0, 160, 96)
