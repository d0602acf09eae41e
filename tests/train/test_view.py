from dataclasses import replace

import cv2
import dots
import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("torchvision")

from train import shown, sizes, view
from train.augment import View
from train.config import Config
from train.datasets import cats
from train.labels import HIDDEN, VISIBLE, Keypoints, Labelled

POINTS = Keypoints(("left", "middle", "right"), flip=(2, 1, 0))
SIZE = 64


def marked(hw, xy):
    """A grey picture whose points (K, 2) are the only bright spots, in channels 0, 1, 2."""
    image = np.full((*hw, 3), 40, np.uint8)
    for channel, (x, y) in enumerate(xy):
        colour = [255.0 if c == channel else 40.0 for c in range(3)]
        cv2.circle(image, (round(x * 16), round(y * 16)), 48, colour, cv2.FILLED, cv2.LINE_AA, 4)
    return image


def spots(image):
    """The middle of what is bright in each channel (3, 2)."""
    found = []
    for channel in range(3):
        weight = np.clip(image[..., channel].astype(float) - image.min(axis=2) - 60, 0, None)
        rows, columns = np.mgrid[: image.shape[0], : image.shape[1]]
        found.append([(weight * columns).sum(), (weight * rows).sum()] / weight.sum())
    return np.array(found)


XY = np.array([[30.0, 44.5], [60.25, 52.0], [88.0, 40.0]])


@pytest.fixture
def one():
    return Labelled.of("a", marked((100, 140), XY), XY[None])


@pytest.mark.parametrize("mirror", [False, True])
@pytest.mark.parametrize("roll", [0.0, 0.4])
def test_labels_go_where_the_pixels_go(one, mirror, roll):
    window = View((60.0, 48.0), 96.0, roll, mirror)
    shown_ = view.seen(one.read(), one, window, SIZE, POINTS)
    found = spots(shown_.read())
    order = [2, 1, 0] if mirror else [0, 1, 2]  # the right one is the left one in a mirror
    np.testing.assert_allclose(shown_.xy[0], found[order], atol=0.2)


def test_a_mirrored_box_and_its_area_are_round_the_same_pixels(one):
    crowds = np.array([[20.0, 30.0, 40.0, 20.0, 400.0]])
    boxed = replace(one, boxes=crowds[:, :4], areas=np.array([500.0]), crowds=crowds)
    window = View((59.5, 49.5), 120.0, 0.0, mirror=True)
    shown_ = view.seen(boxed.read(), boxed, window, 60, POINTS)
    # x 20 … 60 of 0 … 120 about 60 is 60 … 100, and half as large 30 … 50; y 30 … 50 moves by 10
    np.testing.assert_allclose(shown_.boxes, [[30.0, 20.0, 20.0, 10.0]])
    np.testing.assert_allclose(shown_.areas, [125.0])
    np.testing.assert_allclose(shown_.crowds, [[30.0, 20.0, 20.0, 10.0, 100.0]])


def test_a_whole_picture_is_in_the_middle_of_its_bars(one):
    shown_ = shown.look(one, "whole", 70, POINTS)
    image = shown_.read()
    assert (image[:9] == 114).all()
    assert (image[-9:] == 114).all()
    assert (image[11:59] != 114).all()
    np.testing.assert_allclose(shown_.xy[0], (XY + 0.5) / 2 - 0.5 + [0, 10])


def test_a_crop_is_that_of_streaming_or_round_the_datasets_box(one):
    crop = view.box_view(one)
    assert crop.side == pytest.approx(1.5 * 58, abs=1)
    assert crop.centre == pytest.approx((59, 46.25), abs=0.6)
    boxed = replace(one, boxes=np.array([[20.0, 30.0, 40.0, 20.0]]))
    crop = view.box_view(boxed)
    assert (crop.centre, crop.side) == ((39.5, 39.5), 50.0)


def test_no_view_is_mirrored_where_the_partner_is_not_known(one):
    unknown = Keypoints(POINTS.names)
    near_left = replace(one, xy=np.array([[[30.0, 44.0], [40.0, 50.0], [88.0, 40.0]]]))
    for keypoints, some in ((POINTS, True), (unknown, False)):
        turned = False
        for seed in range(12):
            rng = np.random.default_rng(seed)
            x = shown.look(near_left, "whole", SIZE, keypoints, rng).xy[0, :, 0]
            turned |= bool(x[1] - x[0] > x[2] - x[1])  # the middle one is nearer to the right
            assert x[0] < x[2]  # whose name is left stays left
        assert turned == some


def test_the_cat_presets_crop_is_the_pictures_own(one):
    image, xy = cats.crop(one.read(), XY)
    shown_ = shown.look(one, "cat", 64, POINTS)
    np.testing.assert_array_equal(shown_.read(), image)
    np.testing.assert_allclose(shown_.xy[0], xy)


def several(hw=(100, 140)):
    xy = np.stack([XY[None][0] * 0.3, XY, np.full((3, 2), np.nan)])
    return Labelled.of("b", marked(hw, XY), xy)


def test_crops_show_every_instance_alone_and_whole_pictures_all_the_largest_first():
    crops = shown.items([several()], "box")
    assert [one.xy[0].tolist() for one in crops] == [XY.tolist(), (XY * 0.3).tolist()]
    alone = shown.look(crops[1], "box", SIZE, POINTS)
    assert len(alone.xy) == 1
    (whole,) = shown.items([several()], "whole")
    assert whole.xy[0].tolist() == XY.tolist()
    assert len(shown.look(whole, "whole", SIZE, POINTS).xy) == 3


def test_points_of_one_kind_have_no_crop():
    one = Labelled.of("c", marked((64, 64), XY[:0]), np.array([[[5.0, 6.0]], [[40.0, 9.0]]]))
    for how in ("box", "mixed", "whole"):
        (item,) = shown.items([one], how)
        assert len(shown.look(item, how, SIZE, Keypoints(("tip",))).xy) == 2


def test_the_cat_presets_crop_is_of_instances_with_a_point(one):
    nothing = np.full_like(one.xy, np.nan)
    both = Labelled.of("d", one.picture, np.stack([XY, nothing[0]]), boxes=np.full((2, 4), 30.0))
    assert [len(shown.items([both], how)) for how in ("box", "cat")] == [2, 1]
    boxed = Labelled.of("e", one.picture, nothing, boxes=np.full((1, 4), 30.0))
    assert shown.items([boxed], "cat") == []


def test_a_lone_point_says_where_an_instance_is_but_not_how_large():
    lone = Labelled.of("c", marked((64, 64), XY[:0]), np.array([[[5.0, 6.0]], [[40.0, 9.0]]]))
    seen = shown.look(lone, "whole", SIZE, Keypoints(("tip",)))
    for one in (lone, seen):
        assert np.isnan(view.extents(one)).all()
        assert np.isnan(sizes.box(one)).all()
    made = view.example(seen, SIZE, slots=2)  # a detector is still told of both
    np.testing.assert_allclose(made.boxes, [[5, 6, 1, 1], [40, 9, 1, 1]])
    assert made.areas.tolist() == [1, 1]
    boxed = replace(lone, boxes=np.array([[0.0, 0, 30, 40], [np.nan] * 4]))
    assert sizes.box(shown.look(boxed, "whole", SIZE, Keypoints(("tip",))))[0] == 50


def test_an_example_says_what_is_known_and_what_is_seen(one):
    flags = np.array([[HIDDEN, VISIBLE, 0]], np.uint8)
    xy = XY.copy()
    xy[2] = np.nan
    part = Labelled.of("a", one.picture, xy[None], flags=flags)
    made = view.example(shown.look(part, "whole", SIZE, POINTS), SIZE, slots=2)
    assert made.image.shape == (3, SIZE, SIZE)
    assert made.known.tolist() == [1, 1, 0]
    np.testing.assert_array_equal(made.visible.numpy(), [0, 1, np.nan])
    assert made.xy.shape == (2, 3, 2)
    assert np.isfinite(made.xy[0].numpy()).all(axis=1).tolist() == [True, True, False]
    assert made.xy[1].isnan().all()
    assert made.boxes[1].isnan().all()


def test_what_lies_beyond_the_view_is_known_not_to_be_there(one):
    far = view.seen(one.read(), one, View((20.0, 44.0), 40.0), SIZE, POINTS)
    made = view.example(far, SIZE, slots=1)
    assert made.known.tolist() == [1, 1, 1]
    assert np.isfinite(made.xy[0].numpy()).all(axis=1).tolist() == [True, False, False]
    assert made.visible.tolist() == [1, 0, 0]


def test_who_is_seen_is_told_of_the_first_instance_in_the_view():
    xy = np.array([[[60.0, 60], [62, 62]], [[10, 10], [90, 90]]])
    two = Labelled.of("t", marked((100, 100), XY[:0]), xy)
    near = view.seen(two.read(), two, View((19.5, 19.5), 40.0), SIZE, Keypoints(("a", "b")))
    made = view.example(near, SIZE, slots=2)
    assert np.isfinite(made.xy[0].numpy()).all(axis=1).tolist() == [True, False]
    assert made.visible.tolist() == [1, 0]


def test_a_picture_of_nothing_is_known_to_show_nothing():
    nothing = Labelled.of("n", marked((50, 50), XY[:0]), np.zeros((0, 3, 2)))
    for how in ("whole", "box", "mixed"):
        (item,) = shown.items([nothing], how)
        made = view.example(shown.look(item, how, SIZE, POINTS), SIZE, slots=1)
        assert made.known.tolist() == [1, 1, 1]
        assert made.xy.isnan().all()
    assert shown.items([nothing], "cat") == []


def config(**more):
    return Config(dataset="coco", data="x", input_size=SIZE, batch=4, **more)


def test_an_epoch_shows_every_picture_in_whole_batches_and_the_next_one_otherwise():
    pictures = [Labelled.of(str(n), *_dots(n)) for n in range(5)]
    keypoints = Keypoints(dots.NAMES)
    plain = shown.Shown(config(augment=False, view="whole"), keypoints, pictures)
    assert len(plain) == 8
    orders = []
    for plain.epoch in (0, 1):
        seen = [plain[i].xy[0].numpy() for i in range(8)]
        found = [next(n for n in range(5) if np.allclose(xy, _dots(n)[1][0])) for xy in seen]
        assert set(found) == set(range(5))
        orders.append(found)
    assert orders[0] != orders[1]
    shaken = shown.Shown(config(view="whole"), keypoints, pictures)
    one, again = shaken[3], shaken[3]
    assert (one.image == again.image).all()
    shaken.epoch = 1
    assert not np.array_equal(one.xy.numpy(), shaken[3].xy.numpy())


def _dots(n):
    image, xy = dots.draw(n)
    return image, xy[None]
