import csv

import numpy as np
import pytest

from train.datasets import facial
from train.label_files.wrong import LabelError

COLUMNS = [f"{name}_{axis}" for name in facial.NAMES for axis in "xy"]


def row(seed, **cells):
    """A row of training.csv as Kaggle writes it: its cells by column."""
    rng = np.random.default_rng(seed)
    values = {column: f"{rng.uniform(0, 95):.10g}" for column in COLUMNS}
    values["Image"] = f"{seed} 1 2 " + "255 " * (96 * 96 - 3)
    return values | cells


def write(folder, rows, columns=(*COLUMNS, "Image")):
    with (folder / "training.csv").open("w", newline="") as out:
        table = csv.writer(out)
        table.writerow(columns)
        table.writerows([[cells[column] for column in columns] for cells in rows])


def example(folder):
    write(folder, [row(seed) for seed in range(5)])


def spoil(folder):
    write(folder, [row(seed, **({"nose_tip_x": "96.6"} if seed == 3 else {})) for seed in range(5)])
    return "training.csv, line 5"


def test_the_names_are_kaggles_columns():
    assert COLUMNS[:4] == [
        *("left_eye_center_x", "left_eye_center_y", "right_eye_center_x", "right_eye_center_y")
    ]
    assert COLUMNS[20:22] == ["nose_tip_x", "nose_tip_y"]
    assert COLUMNS[-2:] == ["mouth_center_bottom_lip_x", "mouth_center_bottom_lip_y"]
    assert len(COLUMNS) == 30


def test_a_row_is_a_grey_picture_and_its_points(tmp_path):
    rows = [row(seed) for seed in range(5)]
    write(tmp_path, rows)
    found = facial.read(tmp_path).splits["train"][2]
    assert found.xy.shape == (1, 15, 2)
    assert found.xy[0].ravel().tolist() == [float(rows[2][column]) for column in COLUMNS]
    grey = np.array([int(v) for v in rows[2]["Image"].split()]).reshape(96, 96)
    np.testing.assert_array_equal(found.read(), np.stack([grey] * 3, axis=2))


def test_only_rows_with_all_points_90_10_and_not_shuffled(tmp_path):
    empty = {"nose_tip_x": "", "nose_tip_y": ""}
    write(tmp_path, [row(seed, **(empty if seed < 2 else {})) for seed in range(12)])
    splits = facial.read(tmp_path).splits
    names = {split: [one.name for one in found] for split, found in splits.items()}
    lines = [f"line {n}" for n in range(4, 14)]
    assert names == {"train": lines[:9], "val": lines[9:], "test": []}


def test_an_incomplete_row_has_nan_where_the_cell_is_empty(tmp_path):
    write(tmp_path, [row(0, nose_tip_x="", nose_tip_y=""), row(1)])
    found = facial.read(tmp_path, incomplete=True).splits["train"][0]
    nose = facial.NAMES.index("nose_tip")
    assert np.isnan(found.xy[0, nose]).all()
    assert found.flags[0].tolist() == [0 if k == nose else 2 for k in range(15)]


@pytest.mark.parametrize(
    ("cells", "what"),
    [
        ({"nose_tip_x": "-5"}, "nose_tip at x -5, .* is outside its picture of 96x96 px"),
        ({"nose_tip_x": "nan"}, "'nan' is not a number"),
        ({"nose_tip_x": ""}, "a point has one coordinate and not the other"),
        ({"Image": "1 2 3"}, "wanted 9216 grey values, got 3"),
        ({"Image": " ".join(["256"] * 9216)}, "grey goes from 0 to 255, got 256 to 256"),
        ({"Image": " ".join(["x"] * 9216)}, "invalid literal"),
    ],
)
def test_a_wrong_row_is_named(tmp_path, cells, what):
    write(tmp_path, [row(0), row(1, **cells)])
    with pytest.raises(LabelError, match=rf"training\.csv, line 3: .*{what}"):
        facial.read(tmp_path)


def test_a_missing_column_or_cell_is_named(tmp_path):
    write(tmp_path, [row(0)], columns=[*COLUMNS[:-1], "Image"])
    with pytest.raises(LabelError, match="line 1: there is no column mouth_center_bottom_lip_y"):
        facial.read(tmp_path)
    write(tmp_path, [row(0)])
    path = tmp_path / "training.csv"
    path.write_text(path.read_text().rpartition(",")[0])
    with pytest.raises(LabelError, match="line 2: wanted as many cells as the first line has"):
        facial.read(tmp_path)


def test_the_flip_swaps_the_persons_sides():
    names = facial.NAMES
    swapped = [names[k] for k in facial.KEYPOINTS.flip]
    assert swapped[:4] == [
        *("right_eye_center", "left_eye_center"),
        *("right_eye_inner_corner", "right_eye_outer_corner"),
    ]
    assert swapped[10:] == [names[k] for k in (10, 12, 11, 13, 14)]
