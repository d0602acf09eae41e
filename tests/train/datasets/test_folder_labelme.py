"""A folder whose labels are LabelMe's."""

import json

import numpy as np
import pytest
from test_folder import write

from train.datasets import folder as reader
from train.label_files.wrong import LabelError


def labelme(*shapes, **more):
    return json.dumps({"version": "5.2.1", "shapes": shapes} | more, indent=1)


def point(label, x, y, **more):
    return {"label": label, "points": [[x, y]], "shape_type": "point"} | more


def test_labelme_points_by_name_and_rectangles_by_group(tmp_path):
    box = {"label": "cat", "points": [[50, 40], [10, 5]], "shape_type": "rectangle", "group_id": 2}
    shapes = [
        point("right_eye", 20.5, 10.5, group_id=1),
        point("left_eye", 30.5, 11.5, group_id=1),
        point("left_eye", 40, 12, group_id=2),
        box,
    ]
    size = {"imageHeight": 48, "imageWidth": 64, "imagePath": "a.jpg", "imageData": None}
    write(tmp_path, {"train/sub/a.json": labelme(*shapes, **size), "val/b.json": labelme()})
    dataset = reader.read(tmp_path)
    assert dataset.keypoints.names == ("left_eye", "right_eye")
    assert dataset.keypoints.flip == (1, 0)
    [one] = dataset.splits["train"]
    assert one.name == "train/images/sub/a.jpg"
    nan = np.nan
    # LabelMe's 0.5, 0.5 is the first pixel's centre
    np.testing.assert_array_equal(one.xy, [[[30, 11], [20, 10]], [[39.5, 11.5], [nan, nan]]])
    np.testing.assert_array_equal(one.boxes, [[nan] * 4, [10, 5, 40, 35]])
    assert dataset.splits["val"][0].xy.shape == (0, 2, 2)


def test_the_pictures_very_corners_are_inside(tmp_path):
    write(tmp_path, {"train/a.json": labelme(point("a", 0, 0), point("b", 64, 48))})
    [one] = reader.read(tmp_path).splits["train"]
    assert one.xy.tolist() == [[[-0.5, -0.5], [63.5, 47.5]]]


def test_another_size_than_the_pictures_is_refused(tmp_path):
    size = {"imageHeight": 96, "imageWidth": 128}
    write(tmp_path, {"train/a.json": labelme(point("a", 9, 9), **size)})
    says = r"a\.json, line 1: its labels are of a picture of 128x96 px, and it has 64x48"
    with pytest.raises(LabelError, match=says):
        reader.read(tmp_path)


def test_labelme_points_of_one_kind_are_instances(tmp_path):
    shapes = [point("seed", x, 10, group_id=None) for x in (5, 15, 25)]
    write(tmp_path, {"train/a.json": labelme(*shapes)})
    dataset = reader.read(tmp_path)
    assert dataset.keypoints.names == ("seed",)
    assert dataset.splits["train"][0].xy[:, 0, 0].tolist() == [4.5, 14.5, 24.5]


def test_labelme_takes_its_names_from_data_yaml(tmp_path):
    text = labelme(point("tip", 5, 6))
    write(tmp_path, {"train/a.json": text}, "kpt_names: [tip, base]")
    dataset = reader.read(tmp_path)
    assert dataset.keypoints.names == ("tip", "base")
    assert dataset.splits["train"][0].flags.tolist() == [[2, 0]]
    write(tmp_path, {"train/a.json": labelme(point("top", 5, 6))})
    with pytest.raises(LabelError, match=r"a\.json, line 4: no keypoint is called 'top'; there"):
        reader.read(tmp_path)


def test_as_many_labels_as_data_yaml_says_are_wanted(tmp_path):
    text = labelme(point("tip", 5, 6), point("tip ", 7, 8))
    write(tmp_path, {"train/a.json": text}, "kpt_shape: [3, 3]\nflip_idx: [0, 2, 1]")
    says = "data.yaml says 3 keypoints in kpt_shape, and the labels have 2, tip, tip : name all of"
    with pytest.raises(ValueError, match=says):
        reader.read(tmp_path)


@pytest.mark.parametrize(
    ("shape", "what"),
    [
        (point("tip", 70, 6), "tip at x 69.5, y 5.5 is outside its picture of 64x48 px"),
        (point("tip", -1, 6), "tip at x -1.5, y 5.5 is outside"),
        (point("tip", float("nan"), 6), "nan is not a number"),
        (point("tip", 1, 6) | {"points": [[1, 6], [2, 3]]}, "a point has 1 of x, y"),
        (point("tip", 1, 6) | {"points": [[1]]}, "a point has 1 of x, y"),
        (point("tip", 1, 6, shape_type="polygon"), "wanted a point, .* got a polygon"),
        ({"label": "tip", "points": [[1, 2]]}, "it has no 'shape_type'"),
        (point("base", 1, 6), "a second 'base' in one group: use group_id"),
        ("tip", "string indices must be integers"),
    ],
)
def test_a_wrong_shape_of_labelme_is_named(tmp_path, shape, what):
    good = point("base", 5, 6)
    text = labelme(good, point("other", 5, 6), shape)
    lines = text.splitlines()
    at = [n for n, line in enumerate(lines, start=1) if line in ("  {", '  "tip"')][2]
    write(tmp_path, {"train/a.json": text, "train/b.json": labelme(good)})
    with pytest.raises(LabelError, match=rf"a\.json, line {at}: {what}"):
        reader.read(tmp_path)
    assert len(reader.read(tmp_path, skip_bad=True).splits["train"]) == 1


def test_broken_json_is_named(tmp_path):
    write(tmp_path, {"train/a.json": '{"shapes": [\n\n}'})
    with pytest.raises(LabelError, match=r"a\.json, line 3: broken JSON, Expecting value"):
        reader.read(tmp_path)
    (tmp_path / "train/labels/a.json").write_text('{"shape": []}')
    with pytest.raises(LabelError, match=r"a\.json, line 1: it has no list 'shapes'"):
        reader.read(tmp_path)
