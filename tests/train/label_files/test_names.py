import pytest

from train.label_files.names import mirrored, numbered


@pytest.mark.parametrize(
    ("names", "flip"),
    [
        (["nose", "left_eye", "right_eye"], (0, 2, 1)),
        (["Right Shoulder", "Left Shoulder"], (1, 0)),
        (["L_Eye", "R_Eye", "Nose"], (1, 0, 2)),
        (["eye_l", "eye_r"], (1, 0)),
        (["l-ear", "r-ear", "tail"], (1, 0, 2)),
        (["leftEye", "rightEye"], (1, 0)),
        (["eyeLeft", "eyeRight"], (1, 0)),
        (["LEFT", "RIGHT"], (1, 0)),
        (["l1", "r1"], (1, 0)),
        (["upper_left_left", "upper_right_right"], (1, 0)),
        (["anything"], (0,)),
        (["left_ear"], None),
        (["wrist", "thumb"], None),
        (["left_eye", "nose"], None),
        (["left_eye", "right_eye", "left_ear"], None),
        (["cleft", "bright"], None),
        (["wheel", "car"], None),
    ],
)
def test_names_tell_what_a_mirror_does(names, flip):
    assert mirrored(names) == flip


def test_names_where_there_are_none():
    assert numbered(1) == ("point",)
    assert numbered(3) == ("point_0", "point_1", "point_2")
