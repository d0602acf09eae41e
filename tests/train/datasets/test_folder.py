import json

import numpy as np
import pytest
from drawn import picture
from hypothesis import given, settings
from hypothesis import strategies as st

from train import datasets
from train.datasets import folder as reader
from train.label_files.wrong import LabelError

YOLO = "0 0.5 0.5 0.25 0.5 0.25 0.5 2 0.75 0.25 1\n"


def write(folder, labels, description=None):
    """Label files by "train/a.txt" and the like, each with a picture of 64×48 px."""
    for place, text in labels.items():
        split, _, name = place.partition("/")
        path = folder / split / "labels" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        picture((folder / split / "images" / name).with_suffix(".jpg"))
    if description is not None:
        (folder / "data.yaml").write_text(description)


def example(folder):
    write(folder, {"train/a.txt": "3 4\n5.5 6\n", "train/b.txt": "1 2", "val/a.txt": ""})


def spoil(folder):
    (folder / "train/labels/a.txt").write_text("3 4\n\n64.5 6\n")
    return "train/labels/a.txt, line 3"


def test_lines_of_x_y_are_instances_of_one_point(tmp_path):
    example(tmp_path)
    dataset = reader.read(tmp_path)
    assert dataset.keypoints.names == ("point",)
    assert dataset.keypoints.flip == (0,)
    first, second = dataset.splits["train"]
    assert first.xy.tolist() == [[[3, 4]], [[5.5, 6]]]
    assert second.name == "train/images/b.jpg"
    [empty] = dataset.splits["val"]
    assert empty.xy.shape == (0, 1, 2)


def test_yolo_lines_are_boxes_and_keypoints_with_visibility(tmp_path):
    write(tmp_path, {"train/a.txt": YOLO + YOLO.replace("0.25 0.5 2", "0 0 0"), "val/b.txt": YOLO})
    picture(tmp_path / "train/images/empty.png")
    dataset = reader.read(tmp_path)
    assert dataset.keypoints.names == ("point_0", "point_1")
    one, empty = dataset.splits["train"]
    # a fraction's 0 is the picture's edge, half a pixel before the first pixel's centre
    assert one.xy[0].tolist() == [[15.5, 23.5], [47.5, 11.5]]
    assert np.isnan(one.xy[1, 0]).all()
    assert one.flags.tolist() == [[2, 1], [0, 1]]
    assert one.boxes.tolist() == [[24, 12, 16, 24]] * 2
    assert empty.xy.shape == (0, 2, 2)


def test_yolo_without_visibility(tmp_path):
    write(tmp_path, {"train/a.txt": "0 .5 .5 .2 .2 .25 .5 .75 .25 0 0 .125 .875"})
    dataset = reader.read(tmp_path)
    [one] = dataset.splits["train"]
    assert one.flags.tolist() == [[2, 2, 0, 2]]
    assert one.xy[0, 3].tolist() == [7.5, 41.5]


@pytest.mark.parametrize("flag", ["2", "1.0", "2.00000"])
def test_the_columns_say_whether_there_is_visibility(tmp_path, flag):
    line = "0 .5 .5 .2 .2" + f" .25 .5 {flag}" * 2  # as long as 3 keypoints without
    write(tmp_path, {"train/a.txt": line})
    assert reader.read(tmp_path).splits["train"][0].flags.tolist() == [[float(flag)] * 2]


@pytest.mark.parametrize(
    "layout",
    [
        {"train": "train/{}", "val": "valid/{}", "test": "test/{}"},  # Roboflow
        {"train": "{}/train", "val": "{}/val", "test": "{}/test"},  # Ultralytics, CVAT
    ],
)
@pytest.mark.parametrize("kind", [".txt", ".json"])
def test_where_tools_put_pictures_and_labels(tmp_path, layout, kind):
    shape = {"label": "tip", "points": [[16, 24]], "shape_type": "point"}
    text = YOLO if kind == ".txt" else json.dumps({"shapes": [shape]})
    for place in layout.values():
        picture(tmp_path / place.format("images") / "a.jpg")
        label = (tmp_path / place.format("labels") / "a").with_suffix(kind)
        label.parent.mkdir(parents=True)
        label.write_text(text)
    for split, [one] in reader.read(tmp_path).splits.items():
        assert one.name == f"{layout[split].format('images')}/a.jpg"
        assert one.xy[0, 0].tolist() == [15.5, 23.5]


def test_a_box_of_size_0_is_not_known(tmp_path):
    write(tmp_path, {"train/a.txt": "0 0 0 0 0 .25 .5 .75 .25"})
    [one] = reader.read(tmp_path).splits["train"]
    assert np.isnan(one.boxes).all()


def test_data_yaml_says_what_the_columns_are(tmp_path):
    described = (
        "names: {0: person}\nkpt_shape: [3, 2]\nflip_idx: [0, 2, 1]\nskeleton: [[0, 1], [0, 2]]\n"
        "kpt_names:\n  0: [nose, one, two]\n"
    )
    line = "0 .5 .5 .2 .2 .25 .5 1 .25 .5 1"  # it could be 2 keypoints with visibility as well
    write(tmp_path, {"train/a.txt": line}, described)
    dataset = reader.read(tmp_path)
    assert dataset.keypoints.names == ("nose", "one", "two")
    assert dataset.keypoints.flip == (0, 2, 1)
    assert dataset.keypoints.edges == ((0, 1), (0, 2))
    assert dataset.splits["train"][0].xy[0, 1].tolist() == [63.5, 11.5]


@pytest.mark.parametrize(
    ("line", "what"),
    [
        (YOLO[:-3], "got 10 columns, wanted 11: class, box and 2 keypoints of 3"),
        (YOLO.replace("0.75", "1.75"), "point_1 at x 111.5, y 11.5 is outside .* 64x48 px"),
        (YOLO.replace("0.75", "-0.75"), "point_1 at x -48.5, y 11.5 is outside"),
        (YOLO.replace("0.75", "nan"), "'nan' is not a number"),
        (YOLO.replace("0.75", "0,75"), "'0,75' is not a number"),
        (YOLO.replace("1\n", "7\n"), "visibility must be 0, 1 or 2, got 7"),
        (YOLO.replace("0 0.5 0.5", "0 0.5 1.5"), "a box must be fractions from 0 to 1"),
        (YOLO.replace("0 0.5 0.5", "-1 0.5 0.5"), "a class must be 0, 1, 2 …, got -1"),
    ],
)
def test_a_wrong_line_of_yolo_is_named(tmp_path, line, what):
    write(tmp_path, {"train/a.txt": YOLO, "train/b.txt": f"{YOLO}\n{line}", "val/c.txt": YOLO})
    with pytest.raises(LabelError, match=rf"b\.txt, line 3: {what}"):
        reader.read(tmp_path)
    dataset = reader.read(tmp_path, skip_bad=True)
    assert [one.name for one in dataset.splits["train"]] == ["train/images/a.jpg"]
    assert len(dataset.skipped) == 1


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("1 2 3", "got 3 columns, wanted x y"),
        ("1", "got 1 columns, wanted x y"),
        ("1 -2", "point at x 1, y -2 is outside its picture of 64x48 px"),
        ("1 nan", "'nan' is not a number"),
        ("1 inf", "'inf' is not a number"),
        ("1 one", "'one' is not a number"),
        ("1 1e999", "'1e999' is not a number"),
    ],
)
def test_a_wrong_line_of_points_is_named(tmp_path, line, what):
    write(tmp_path, {"train/a.txt": "1 2\n", "train/b.txt": f"1 2\n{line}\n3 4"})
    with pytest.raises(LabelError, match=rf"b\.txt, line 2: {what}"):
        reader.read(tmp_path)
    assert len(reader.read(tmp_path, skip_bad=True).splits["train"]) == 1


PLACES = st.tuples(st.floats(0, 63), st.floats(0, 47))


@settings(max_examples=15)
@given(points=st.lists(PLACES, max_size=5))
def test_points_that_are_written_are_read(tmp_path_factory, points):
    home = tmp_path_factory.mktemp("points")
    write(home, {"train/a.txt": "".join(f"{x!r} {y!r}\n" for x, y in points)})
    [one] = reader.read(home).splits["train"]
    assert one.xy[:, 0].tolist() == [list(point) for point in points]


@settings(max_examples=15)
@given(
    data=st.data(),
    k=st.integers(1, 4),
    each=st.sampled_from([2, 3]),
    n=st.integers(0, 3),
)
def test_yolo_that_is_written_is_read(tmp_path_factory, data, k, each, n):
    home = tmp_path_factory.mktemp("yolo")
    rows = st.lists(st.tuples(PLACES, st.integers(0, 2)), min_size=k, max_size=k)
    instances = data.draw(st.lists(rows, min_size=n, max_size=n))
    lines = []
    for instance in instances:
        words = ["0", "0.5", "0.5", "1", "1"]
        for (x, y), flag in instance:
            words += [repr((x + 0.5) / 64), repr((y + 0.5) / 48), str(flag)][:each]
        lines.append(" ".join(words))
    write(home, {"train/a.txt": "\n".join(lines)}, f"kpt_shape: [{k}, {each}]")
    [one] = reader.read(home).splits["train"]
    wanted = np.array([[xy for xy, _ in i] for i in instances]).reshape(n, k, 2)
    flags = np.array([[flag for _, flag in i] for i in instances], int).reshape(n, k)
    flags = flags if each == 3 else np.full((n, k), 2)
    assert one.flags.tolist() == flags.tolist()
    np.testing.assert_allclose(one.xy, np.where(flags[..., None] > 0, wanted, np.nan), atol=1e-9)
    assert one.boxes.tolist() == [[0, 0, 64, 48]] * n


def test_columns_that_are_no_format_are_named(tmp_path):
    write(tmp_path, {"train/a.txt": "1 2 3 4"})
    with pytest.raises(LabelError, match=r"a\.txt, line 1: got 4 columns, wanted x y, or class,"):
        reader.read(tmp_path)


def test_a_missing_picture_a_missing_label_and_two_pictures_are_named(tmp_path):
    example(tmp_path)
    images, labels = tmp_path / "train/images", tmp_path / "train/labels"
    (labels / "c.txt").write_text("1 2")
    with pytest.raises(LabelError, match=r"c\.txt, line 1: there is no picture of this name in"):
        reader.read(tmp_path)
    (labels / "c.txt").unlink()
    picture(images / "a.png")
    with pytest.raises(LabelError, match=r"a\.txt, line 1: a\.jpg and a\.png share it"):
        reader.read(tmp_path)
    (images / "a.png").rename(images / "d.png")
    with pytest.raises(LabelError, match=r"d\.txt, line 1: there is no such file for train/images"):
        reader.read(tmp_path)
    assert len(reader.read(tmp_path, skip_bad=True).splits["train"]) == 2


def test_a_folder_without_a_labelled_picture_is_named(tmp_path):
    write(tmp_path, {"train/a.txt": "-1 2"})
    assert reader.read(tmp_path, skip_bad=True).splits["train"] == []
    with pytest.raises(ValueError, match="holds no labelled picture; skipped 1"):
        datasets.load("folder", tmp_path, skip_bad=True)


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("names: [a]\nkpt_shape: [2, 4]", 2, r"kpt_shape must be \[K, 2\] or \[K, 3\]"),
        ("names: [a]\nkpt_shape: 2", 2, "kpt_shape is not of its kind, got 2"),
        ("kpt_shape: [2, 3]\nflip_idx: [0, 1, 2]", 2, "flip must swap keypoints"),
        ("kpt_shape: [2, 3]\nkpt_names: [a, b, c]", 2, "wanted names for 2 keypoints, got 3"),
        ("kpt_shape: [2, 3]\n\nskeleton: [[1, 2]]", 3, r"edges must join keypoints 0\.\.1"),
        ("a: [\nb: }", 2, "broken YAML"),
        ("- a", 1, "wanted keys and values"),
        ("a: b\n# \x07", 1, "broken YAML, special characters are not allowed"),
    ],
)
def test_a_wrong_data_yaml_is_named(tmp_path, text, line, what):
    write(tmp_path, {"train/a.txt": YOLO}, text)
    with pytest.raises(LabelError, match=rf"data\.yaml, line {line}: {what}"):
        reader.read(tmp_path)
