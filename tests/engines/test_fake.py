import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from marker_graph import SPEC

from engines import fake

HEIGHT, WIDTH = SPEC.input_hw


def grey(level: int = 90) -> np.ndarray:
    return np.full((HEIGHT, WIDTH, 3), level, np.uint8)


@settings(max_examples=40)
@given(
    x=st.floats(6, WIDTH - 7),
    y=st.floats(6, HEIGHT - 7),
    which=st.integers(0, 7),
    level=st.sampled_from([0, 90, 255]),
)
def test_a_dot_is_found_to_a_fifth_of_a_pixel(x, y, which, level):
    xy = np.full((8, 2), np.nan)
    xy[which] = x, y
    answer = fake.FakeEngine(SPEC)(fake.paint(grey(level), xy)[None])
    heatmap = answer.heatmaps[0, which].astype(float)
    # the log of a Gaussian is a parabola, so three cells give its peak exactly
    row, column = np.unravel_index(
        heatmap[1:-1, 1:-1].argmax(), (heatmap.shape[0] - 2, heatmap.shape[1] - 2)
    )
    around = np.log(heatmap[row : row + 3, column : column + 3])
    cell = [column + 1 + vertex(around[1]), row + 1 + vertex(around[:, 1])]
    np.testing.assert_allclose((np.array(cell) + 0.5) * SPEC.stride - 0.5, [x, y], atol=0.2)
    assert answer.visibility[0].tolist() == [float(i == which) for i in range(8)]


def vertex(three: np.ndarray) -> float:
    left, middle, right = three
    return float((left - right) / (2 * (left - 2 * middle + right)))


@pytest.mark.parametrize("cards", [1, 26, 52])
def test_the_count_peaks_at_the_cards_it_was_told(cards):
    picture = fake.paint(grey(), np.array([[30.0, 30.0]] + [[np.nan] * 2] * 7))
    count = fake.FakeEngine(SPEC, cards=cards)(np.stack([picture, grey()])).count
    assert count[0].argmax() == cards
    assert count[0].sum() == pytest.approx(1)
    assert count[0, 0] == 0
    assert count[1, 0] == 1


@pytest.mark.parametrize("cards", [0, 53])
def test_a_count_it_cannot_name_is_refused(cards):
    with pytest.raises(ValueError, match=f"cards must be 1..52, got {cards}"):
        fake.FakeEngine(SPEC, cards=cards)


def test_photographic_noise_is_no_packet():
    noise = np.random.default_rng(0).normal(128, 25, (1, HEIGHT, WIDTH, 3)).clip(0, 255)
    assert fake.FakeEngine(SPEC)(noise.astype(np.uint8)).count[0, 0] == 1


def test_a_call_takes_as_long_as_told():
    engine = fake.FakeEngine(SPEC, delay_s=0.05)
    start_s = time.monotonic()
    engine(grey()[None])
    assert time.monotonic() - start_s >= 0.05


@given(k=st.integers(1, 24))
def test_markers_differ_and_are_saturated(k):
    colours = fake.markers(k).astype(int)
    assert colours.shape == (k, 3)
    assert len({tuple(colour) for colour in colours}) == k
    assert (colours.max(axis=1) == 255).all()
    assert (colours.min(axis=1) == 0).all()


def test_paint_leaves_its_picture_alone_and_skips_what_is_not_there():
    picture = grey()
    xy = np.full((8, 2), np.nan)
    np.testing.assert_array_equal(fake.paint(picture, xy), picture)
    xy[0] = 20, 10
    painted = fake.paint(picture, xy)
    assert (picture == 90).all()
    assert painted[10, 20].tolist() == fake.markers(8)[0].tolist() == [0, 0, 255]
    assert painted[10, 40].tolist() == [90, 90, 90]
