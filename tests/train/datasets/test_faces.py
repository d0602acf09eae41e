import csv
from pathlib import Path

import numpy as np
import pytest
from drawn import picture

from train.datasets import faces, facial
from train.label_files.wrong import LabelError

REAL = Path(__file__).parents[3] / "../shared/data/samples/faces"
real_data = pytest.mark.skipif(not REAL.is_dir(), reason="needs ../shared/data/samples/faces")

HW = (80, 100)


def cells(**points):
    """Point k at (k, 70 − k), but for p0=(x, y) and the like."""
    xy = [points.get(f"p{k}", (k, 70 - k)) for k in range(68)]
    return [value for point in xy for value in point]


def write(folder, rows):
    with (folder / "face_landmarks.csv").open("w", newline="") as out:
        table = csv.writer(out)
        table.writerow(["image_name", *(f"part_{k}_{axis}" for k in range(68) for axis in "xy")])
        for name, *values in rows:
            picture(folder / name, HW)
            table.writerow([name, *values])


def example(folder):
    write(folder, [(f"{n}.jpg", *cells()) for n in range(5)])


def spoil(folder):
    write(folder, [(f"{n}.jpg", *cells(**{"p3": (150, 3)} if n == 2 else {})) for n in range(5)])
    return "face_landmarks.csv, line 4"


def test_80_20_in_the_tables_order(tmp_path):
    write(tmp_path, [(f"{n}.jpg", *cells()) for n in (4, 2, 9, 1, 7)])
    splits = faces.read(tmp_path).splits
    names = {split: [one.name for one in found] for split, found in splits.items()}
    assert names == {"train": ["4.jpg", "2.jpg", "9.jpg", "1.jpg"], "val": ["7.jpg"], "test": []}
    assert splits["val"][0].xy[0].ravel().tolist() == cells()


def test_a_point_just_beyond_the_picture_is_not_labelled(tmp_path):
    write(tmp_path, [("a.jpg", *cells(p0=(-9, 40), p16=(50, 88), p8=(0, 0)))])
    [one] = faces.read(tmp_path).splits["train"]
    assert np.flatnonzero(one.flags[0] == 0).tolist() == [0, 16]
    [one] = faces.read(tmp_path, layout="kaggle").splits["train"]
    assert one.flags.all()


def test_the_15_of_kaggle_are_some_points_and_means_of_the_eyes():
    xy = np.arange(136, dtype=np.float64).reshape(68, 2)
    found = dict(zip(facial.NAMES, faces.kaggle(xy).tolist(), strict=True))
    assert found == {
        "left_eye_center": xy[42:48].mean(axis=0).tolist(),
        "right_eye_center": xy[36:42].mean(axis=0).tolist(),
        "left_eye_inner_corner": xy[42].tolist(),
        "left_eye_outer_corner": xy[45].tolist(),
        "right_eye_inner_corner": xy[39].tolist(),
        "right_eye_outer_corner": xy[36].tolist(),
        "left_eyebrow_inner_end": xy[22].tolist(),
        "left_eyebrow_outer_end": xy[26].tolist(),
        "right_eyebrow_inner_end": xy[21].tolist(),
        "right_eyebrow_outer_end": xy[17].tolist(),
        "nose_tip": xy[30].tolist(),
        "mouth_left_corner": xy[54].tolist(),
        "mouth_right_corner": xy[48].tolist(),
        "mouth_center_top_lip": xy[51].tolist(),
        "mouth_center_bottom_lip": xy[57].tolist(),
    }


def test_the_flip_of_the_68_is_the_flip_of_the_15():
    xy = np.random.default_rng(0).normal(size=(68, 2))
    flipped = faces.kaggle(xy[list(faces.IBUG.flip)])
    np.testing.assert_allclose(flipped, faces.kaggle(xy)[list(facial.KEYPOINTS.flip)])


@pytest.mark.parametrize(
    ("values", "what"),
    [
        (cells(p5=(-30, 5)), "jaw_5 at x -30, y 5 is outside its picture of 100x80 px"),
        (cells(p5=("nan", 5)), "'nan' is not a number"),
        (cells()[:-1], "wanted a name and 136 numbers, got 136 cells"),
    ],
)
def test_a_wrong_row_is_named(tmp_path, values, what):
    write(tmp_path, [("a.jpg", *cells()), ("b.jpg", *values)])
    with pytest.raises(LabelError, match=rf"face_landmarks\.csv, line 3: {what}"):
        faces.read(tmp_path)


def test_a_missing_picture_and_an_unknown_layout_are_named(tmp_path):
    write(tmp_path, [("a.jpg", *cells())])
    with pytest.raises(ValueError, match="layout must be 'ibug' or 'kaggle', got '5'"):
        faces.read(tmp_path, layout="5")
    (tmp_path / "a.jpg").unlink()
    with pytest.raises(LabelError, match=r"line 2: there is no picture .*a\.jpg"):
        faces.read(tmp_path)


@real_data
def test_the_real_faces():
    dataset = faces.read(REAL)
    assert [len(found) for found in dataset.splits.values()] == [55, 14, 0]
    every = [one for found in dataset.splits.values() for one in found]
    xy = np.concatenate([one.xy for one in every])
    assert np.isnan(xy[..., 0]).sum() == 13  # beyond their pictures, of five faces
    # A mirrored face has the shape of a face: the flip is the right one, point by point.
    whole = xy[np.isfinite(xy).all(axis=(1, 2))]
    centred = whole - whole.mean(axis=1, keepdims=True)
    shape = (centred / np.abs(centred).max(axis=(1, 2), keepdims=True)).mean(axis=0)
    mirrored = (shape * [-1, 1])[list(dataset.keypoints.flip)]
    assert np.linalg.norm(mirrored - shape, axis=1).max() < 0.1
    layout = faces.read(REAL, layout="kaggle").splits["train"][0]
    left, right = (layout.xy[0, k, 0] for k in (0, 1))
    assert left > right  # the person's left eye is the picture's right one
