"""What the network is shown: the right place, the right size, grey beyond the picture."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.geometry import Region, frame_from_input, input_from_frame, whole
from stream.prepare import BORDER, prepare

HW = (64, 64)


def blob(hw, xy, sigma):
    """A bright Gaussian on black."""
    y, x = np.mgrid[: hw[0], : hw[1]]
    bump = np.exp(-((x - xy[0]) ** 2 + (y - xy[1]) ** 2) / (2 * sigma**2))
    return np.repeat(np.round(bump * 250).astype(np.uint8)[..., None], 3, axis=2)


def centroid(picture):
    weights = picture[..., 0].astype(float)
    y, x = np.mgrid[: weights.shape[0], : weights.shape[1]]
    return np.array([(weights * x).sum(), (weights * y).sum()]) / weights.sum()


@settings(max_examples=60, deadline=None)
@given(
    st.integers(30, 400),
    st.tuples(st.floats(0.42, 0.58), st.floats(0.42, 0.58)),
    st.sampled_from([(64, 64), (96, 64), (64, 128)]),
)
def test_a_blob_appears_where_geometry_says(side, place, input_hw):
    width, height = side * input_hw[1] // 64, side * input_hw[0] // 64
    region = Region(11, 7, width, height)
    hw = (height + 20, width + 30)
    xy = np.array([region.x + place[0] * width, region.y + place[1] * height])
    picture = prepare(blob(hw, xy, min(width, height) / 14), region, input_hw)
    expected = input_from_frame(xy, region, input_hw)
    assert np.abs(centroid(picture) - expected).max() < 0.1


@settings(max_examples=60, deadline=None)
@given(st.integers(-150, 150), st.integers(-150, 150), st.integers(8, 300), st.integers(8, 300))
def test_a_region_beyond_the_picture_is_as_if_the_picture_had_a_grey_border(x, y, width, height):
    image = cv2.GaussianBlur(
        np.random.default_rng(0).integers(0, 256, (90, 120, 3), dtype=np.uint8), (0, 0), 3
    )
    big = cv2.copyMakeBorder(image, 500, 500, 500, 500, cv2.BORDER_CONSTANT, value=(BORDER,) * 3)
    bordered = prepare(image, Region(x, y, width, height), HW)
    expected = prepare(big, Region(x + 500, y + 500, width, height), HW)
    # Along the picture's border one resizes up to it and the other across it.
    y_px, x_px = np.mgrid[:64, :64]
    frame_xy = frame_from_input(np.stack([x_px, y_px], axis=-1), Region(x, y, width, height), HW)
    near = np.maximum(1.5 * np.array([width, height]) / 64, 1.0)
    from_low, from_high = np.abs(frame_xy + 0.5), np.abs(frame_xy - (119.5, 89.5))
    clear = (np.minimum(from_low, from_high) > near).all(axis=-1)
    assert np.abs(bordered.astype(int) - expected)[clear].max(initial=0) <= 2
    assert np.abs(bordered.astype(int) - expected).mean() < 3


@pytest.mark.parametrize("frame_hw", [(72, 128), (96, 128), (71, 127), (128, 72)])
def test_the_whole_frame_stands_between_grey_bars(frame_hw):
    image = np.full((*frame_hw, 3), 200, np.uint8)
    picture = prepare(image, whole(frame_hw, HW), HW)
    shown = np.argwhere(picture[..., 0] == 200)
    bars = [picture[0, 32], picture[-1, 32], picture[32, 0], picture[32, -1]]
    assert sorted(int(bar[0]) for bar in bars) == [BORDER, BORDER, 200, 200]
    expected = 64 * 64 * min(frame_hw) / max(frame_hw)
    assert len(shown) == pytest.approx(expected, abs=2 * 64)


@pytest.mark.parametrize("region", [Region(500, 0, 40, 40), Region(-300, -90, 50, 50)])
def test_a_region_off_the_picture_is_grey(region):
    assert (prepare(np.zeros((90, 120, 3), np.uint8), region, HW) == BORDER).all()


@pytest.mark.parametrize("factor", [1.0, 1.4, 1.7, 1.95, 2.0, 2.7, 4.0, 5.0, 5.3, 7.5])
def test_shrinking_averages_over_all_pixels(factor):
    # Noise that is skipped, not averaged, stays as loud: the oracle is the exact area's mean.
    side = round(64 * factor)
    noise = np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8)
    picture = prepare(noise, Region(0, 0, side, side), HW).astype(float)
    exact = cv2.resize(noise, HW, interpolation=cv2.INTER_AREA).astype(float)
    assert picture.mean() == pytest.approx(exact.mean(), abs=1)
    assert picture.std() < 1.25 * exact.std()
    assert np.abs(picture - exact).mean() < 0.45 * exact.std()


def test_the_same_size_is_the_same_picture():
    image = np.random.default_rng(1).integers(0, 256, (90, 120, 3), dtype=np.uint8)
    assert np.array_equal(prepare(image, Region(5, 6, 64, 64), HW), image[6:70, 5:69])


@pytest.mark.parametrize("region", [Region(3, 4, 50, 50), Region(-20, -20, 100, 130)])
def test_out_is_filled_and_returned(region):
    image = np.random.default_rng(1).integers(0, 256, (90, 120, 3), dtype=np.uint8)
    before = image.copy()
    batch = np.full((2, *HW, 3), 7, np.uint8)
    filled = prepare(image, region, HW, batch[1])
    assert filled.base is batch
    assert np.array_equal(batch[1], prepare(image, region, HW))
    assert (batch[0] == 7).all()
    assert np.array_equal(image, before)


@pytest.mark.parametrize("out", [np.empty((64, 63, 3), np.uint8), np.empty((64, 64, 3))])
def test_an_out_of_another_kind_is_refused(out):
    with pytest.raises(ValueError, match="out must be"):
        prepare(np.zeros((90, 120, 3), np.uint8), Region(0, 0, 50, 50), HW, out)


@pytest.mark.parametrize(
    "image",
    [np.zeros((90, 120), np.uint8), np.zeros((90, 120, 4), np.uint8), np.zeros((90, 120, 3))],
)
def test_a_picture_of_another_kind_is_refused(image):
    with pytest.raises(ValueError, match="a picture must be"):
        prepare(image, Region(0, 0, 50, 50), HW)
