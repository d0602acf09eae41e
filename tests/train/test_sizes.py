import numpy as np
import pytest

from train import sizes
from train.datasets import cats, coco, faces, facial, persons
from train.labels import Keypoints, Labelled

BODY = Keypoints(("left_shoulder", "right_shoulder", "left_hip", "right_hip"))
NAN = np.nan


def labelled(*xy, **more):
    return Labelled.of("a", np.zeros((4, 4), np.uint8), np.array(xy, float), **more)


def test_a_torso_is_from_a_shoulder_to_the_other_hip():
    one = labelled(
        [[0, 0], [9, 9], [9, 9], [3, 4]],
        [[NAN, NAN], [0, 0], [6, 8], [3, 4]],
        [[0, 0], [NAN, NAN], [6, 8], [NAN, NAN]],
    )
    np.testing.assert_array_equal(sizes.of_name("torso", BODY)(one), [5, 10, NAN])


@pytest.mark.parametrize("keypoints", [persons.KEYPOINTS, Keypoints(coco.PERSON)])
def test_people_have_a_torso(keypoints):
    xy = np.random.default_rng(0).uniform(0, 99, (2, len(keypoints.names), 2))
    names = keypoints.names
    want = xy[:, names.index("left_shoulder")] - xy[:, names.index("right_hip")]
    got = sizes.of_name("torso", keypoints)(labelled(*xy))
    np.testing.assert_allclose(got, np.hypot(*want.T))


@pytest.mark.parametrize(
    ("keypoints", "pair"),
    [(faces.IBUG, (36, 45)), (facial.KEYPOINTS, (3, 5)), (cats.chosen(cats.NAMES[:3]), (0, 1))],
)
def test_faces_have_eyes_apart(keypoints, pair):
    xy = np.random.default_rng(0).uniform(0, 99, (2, len(keypoints.names), 2))
    got = sizes.of_name("interocular", keypoints)(labelled(*xy))
    np.testing.assert_allclose(got, np.hypot(*(xy[:, pair[0]] - xy[:, pair[1]]).T))


def test_both_layouts_of_a_face_measure_between_the_same_corners():
    outer = [facial.NAMES.index(f"{side}_eye_outer_corner") for side in ("left", "right")]
    assert [faces._KAGGLE[i] for i in outer] == [(45,), (36,)]


def test_a_box_is_its_diagonal_or_that_of_its_points():
    points = [[0, 0], [3, 4], [1, 1], [NAN, NAN]]
    boxes = np.array([[7, 7, 6, 8], [NAN] * 4, [NAN] * 4])
    one = labelled(points, points, [[NAN, NAN]] * 4, boxes=boxes)
    np.testing.assert_array_equal(sizes.of_name("box", BODY)(one), [10, 5, NAN])
    np.testing.assert_array_equal(sizes.of_name("px", BODY)(one), [1, 1, 1])


def test_a_size_of_nothing_is_no_size():
    one = labelled([[2, 2]] * 4)
    assert np.isnan(sizes.of_name("torso", BODY)(one)).all()
    assert np.isnan(sizes.of_name("box", BODY)(one)).all()


def test_a_size_that_cannot_be_measured_is_said_so():
    with pytest.raises(ValueError, match="interocular needs keypoints called left_eye_outer"):
        sizes.of_name("interocular", BODY)
    with pytest.raises(ValueError, match="'torsos', there are px, box, torso, interocular; did"):
        sizes.of_name("torsos", BODY)
