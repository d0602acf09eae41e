from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from train.labels import HIDDEN, VISIBLE, Dataset, Keypoints, Labelled, in_order

POINTS = Keypoints(("a", "b"), ((0, 1),), (1, 0))


def labelled(name="x", **more):
    return Labelled.of(name, np.zeros((4, 6), np.uint8), np.array([[[1.0, 2], [3, 4]]]), **more)


@pytest.mark.parametrize(
    ("values", "what"),
    [
        ({"names": ()}, "need names that differ"),
        ({"names": ("a", "a")}, "need names that differ"),
        ({"edges": ((0, 2),)}, r"edges must join keypoints 0\.\.1"),
        ({"edges": ((-1, 0),)}, "edges must join"),
        ({"flip": (1, 1)}, "flip must swap"),
        ({"flip": (0,)}, "flip must swap"),
        ({"names": ("a", "b", "c"), "flip": (1, 2, 0)}, "in pairs"),
        ({"oks_sigmas": (0.1,)}, "2 keypoints need 2 sigmas, got 1"),
    ],
)
def test_keypoints_that_cannot_be_are_refused(values, what):
    with pytest.raises(ValueError, match=what):
        Keypoints(**{"names": ("a", "b")} | values)


def test_what_is_not_said_of_a_picture_is_not_known():
    nan = np.nan
    one = Labelled.of("x", Path("x.jpg"), np.array([[[1.0, 2], [nan, 4]], [[5, 6], [7, 8]]]))
    assert one.flags.tolist() == [[VISIBLE, 0], [VISIBLE, VISIBLE]]
    np.testing.assert_array_equal(one.xy[0, 1], [nan, nan])
    assert np.isnan(one.boxes).all()
    assert one.boxes.shape == (2, 4)
    assert np.isnan(one.areas).all()
    assert (one.group, one.cards) == ("x", None)


def test_flags_and_places_must_agree():
    assert labelled(flags=np.array([[HIDDEN, VISIBLE]], np.uint8)).flags.tolist() == [[1, 2]]
    with pytest.raises(ValueError, match="must have a place if its flag says so"):
        labelled(flags=np.array([[0, VISIBLE]], np.uint8))
    with pytest.raises(ValueError, match="xy, flags, boxes and areas do not fit"):
        labelled(areas=np.zeros(3))


def test_a_picture_in_memory_is_read_in_three_channels():
    grey = np.arange(24, dtype=np.uint8).reshape(4, 6)
    one = Labelled.of("x", grey, np.zeros((0, 2, 2)))
    np.testing.assert_array_equal(one.read(), cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR))
    colour = np.zeros((4, 6, 3), np.uint8)
    assert Labelled.of("x", colour, np.zeros((0, 2, 2))).read() is colour


def test_a_dataset_keeps_its_sides_apart():
    def dataset(train, val):
        return Dataset(POINTS, {"train": train, "val": val, "test": []})

    dataset([labelled("x", group="clip 1")], [labelled("y", group="clip 2")])
    with pytest.raises(ValueError, match="clip 1 is in train and in val"):
        dataset([labelled("x", group="clip 1")], [labelled("y", group="clip 1")])
    with pytest.raises(ValueError, match="the picture x is labelled twice"):
        dataset([labelled("x"), labelled("x")], [])
    with pytest.raises(ValueError, match="x has 1 keypoints, wanted 2"):
        dataset([Labelled.of("x", np.zeros((4, 6), np.uint8), np.zeros((1, 1, 2)))], [])
    with pytest.raises(ValueError, match="splits must be"):
        Dataset(POINTS, {"train": []})


@given(st.integers(0, 300))
def test_a_cut_in_order_loses_nothing_and_keeps_the_shares(n):
    parts = in_order(range(n), 0.6, 0.2)
    assert parts["train"] + parts["val"] + parts["test"] == list(range(n))
    for part, share in zip(parts.values(), (0.6, 0.2, 0.2), strict=True):
        assert abs(len(part) - share * n) <= 1


def test_two_shares_that_make_a_whole_leave_no_test():
    assert [len(part) for part in in_order(range(500), 0.8, 0.2).values()] == [400, 100, 0]
