import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("torch")
pytest.importorskip("torchvision")

from stream.packet import FLIP, KEYPOINTS, canonical
from train import augment
from train.augment import View

SIZE = 96
SEEDS = st.integers(0, 2**32 - 1)


def packet_xy(rng):
    """Eight points as of a packet seen from above, in a picture of 200×300."""
    box = np.array([[0, 0], [1, 0], [0, 0.2], [1, 0.2], [0, 0.8], [1, 0.8], [0, 1], [1, 1]])
    return box * rng.uniform(60, 90, 2) + rng.uniform(60, 110, 2)


def blob(xy, hw=(200, 300), sigma=4.0):
    y, x = np.mgrid[: hw[0], : hw[1]]
    away = (x - xy[0]) ** 2 + (y - xy[1]) ** 2
    return np.repeat((255 * np.exp(-away / (2 * sigma**2)))[..., None], 3, axis=2).astype(np.uint8)


def centre(image, threshold=20):
    weight = np.clip(image[..., 0].astype(float) - threshold, 0, None)
    y, x = np.mgrid[: image.shape[0], : image.shape[1]]
    return np.array([(weight * x).sum(), (weight * y).sum()]) / weight.sum()


@settings(max_examples=60, deadline=None)
@given(
    point=st.tuples(st.floats(100, 200), st.floats(70, 130)),
    side=st.floats(60, 320),
    roll=st.floats(-math.pi, math.pi),
    mirror=st.booleans(),
)
def test_a_dot_stays_under_its_point(point, side, roll, mirror):
    view = View((150.0, 100.0), side, roll, mirror)
    matrix = view.matrix(SIZE)
    want = matrix[:, :2] @ point + matrix[:, 2]
    scale = SIZE / side
    if not ((want > 14 * scale + 1) & (want < SIZE - 2 - 14 * scale)).all():
        return
    dot = blob(point, (200, 300), max(4.0, 2.0 / scale))
    seen = augment.warp(dot, view, SIZE).astype(int)
    seen -= augment.warp(np.zeros_like(dot), view, SIZE)  # the grey beyond the picture
    np.testing.assert_allclose(centre(seen), want, atol=0.25)


def test_the_middle_of_the_view_is_its_centre():
    matrix = View((150.0, 100.0), 50.0, 0.7, mirror=True).matrix(SIZE)
    np.testing.assert_allclose(matrix[:, :2] @ (150, 100) + matrix[:, 2], (SIZE - 1) / 2)


def test_a_plain_view_is_a_resize_by_pixel_centres():
    matrix = View((49.5, 49.5), 100.0).matrix(50)  # all of a picture of 100×100, at half the size
    np.testing.assert_allclose(matrix[:, :2] @ (10, 20) + matrix[:, 2], (4.75, 9.75))


@given(SEEDS)
def test_corners_are_moved_and_named_as_the_view_shows_them(seed):
    rng = np.random.default_rng(seed)
    xy = packet_xy(rng)
    visible = rng.random(8) < 0.7
    xy[rng.random(8) < 0.2] = np.nan
    view = View((150, 100), 150.0, float(rng.uniform(-3, 3)), bool(rng.random() < 0.5))
    got, seen = augment.moved(xy, visible, view, SIZE)
    matrix = view.matrix(SIZE)
    want = xy @ matrix[:, :2].T + matrix[:, 2]
    if view.mirror:
        want, visible = want[list(FLIP)], visible[list(FLIP)]
    order = canonical(want)
    np.testing.assert_allclose(got, want[order])
    np.testing.assert_array_equal(seen, visible[order])


def test_a_mirrored_packet_has_its_left_on_the_left():
    xy = packet_xy(np.random.default_rng(0))
    got, _ = augment.moved(xy, np.ones(8, bool), View((150, 100), 200.0, mirror=True), SIZE)
    left, right = KEYPOINTS.index("lower_left_back"), KEYPOINTS.index("lower_right_back")
    assert got[left, 0] < got[right, 0]
    assert got[KEYPOINTS.index("upper_left_back"), 1] < got[left, 1]


@given(SEEDS)
def test_most_random_views_show_most_of_the_packet(seed):
    rng = np.random.default_rng(seed)
    xy = packet_xy(rng)
    inside = []
    for _ in range(40):
        view = augment.random_view(rng, xy, (200, 300))
        got, _ = augment.moved(xy, np.ones(8, bool), view, SIZE)
        inside.append(((got > -0.5) & (got < SIZE - 0.5)).all(axis=1).mean())
    assert np.mean(inside) > 0.7


@given(SEEDS)
def test_an_empty_view_shows_no_corner(seed):
    rng = np.random.default_rng(seed)
    xy = packet_xy(rng)
    views = [augment.empty_view(rng, (200, 300), xy) for _ in range(60)]
    views = [view for view in views if view is not None]
    for view in views:
        matrix = view.matrix(SIZE)
        got = xy @ matrix[:, :2].T + matrix[:, 2]
        assert not ((got > -0.5) & (got < SIZE - 0.5)).all(axis=1).any()


def test_some_empty_view_is_found():
    rng = np.random.default_rng(0)
    xy = packet_xy(rng)
    assert sum(augment.empty_view(rng, (200, 300), xy) is not None for _ in range(100)) > 5


def test_colour_keeps_places_and_follows_from_the_seed():
    point = (50.0, 40.0)
    image = np.maximum(blob(point, (96, 96), 5.0), 40)
    for seed in range(12):
        one, two = (augment.colour(np.random.default_rng(seed), image) for _ in range(2))
        np.testing.assert_array_equal(one, two)
        assert one.shape == image.shape
        grey = np.repeat(one.max(axis=2, keepdims=True), 3, axis=2)
        threshold = (int(grey.min()) + int(grey.max())) // 2
        np.testing.assert_allclose(centre(grey, threshold), point, atol=1.0)
    assert not np.array_equal(one, augment.colour(np.random.default_rng(99), image))
