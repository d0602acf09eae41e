import json
from pathlib import Path

import numpy as np
import pytest
from drawn import picture

from train.datasets import coco
from train.label_files.wrong import LabelError

PERSON = {
    "id": 1,
    "name": "person",
    "keypoints": ["nose", "left_eye", "right_eye"],
    "skeleton": [[1, 2], [1, 3]],
}


def image(n, **more):
    return {"id": n, "file_name": f"{n}.jpg", "width": 64, "height": 48, **more}


def annotation(n, image_id, /, **more):
    entry = {
        "id": n,
        "image_id": image_id,
        "category_id": 1,
        "keypoints": [10, 20, 2, 30, 21, 1, 0, 0, 0],
        "num_keypoints": 2,
        "bbox": [5.5, 6, 30, 20],
        "area": 321.5,
        "iscrowd": 0,
    }
    return entry | more


def write(path, images, annotations, categories=(PERSON,), pictures=None):
    """A COCO file of one value a line, and its pictures, beside it unless said otherwise."""
    path.parent.mkdir(parents=True, exist_ok=True)
    whole = {"images": images, "annotations": annotations, "categories": list(categories)}
    path.write_text(json.dumps(whole, indent=1))
    for entry in images:
        picture((pictures or path.parent) / entry["file_name"])


def line_of(path, text):
    lines = path.read_text().splitlines()
    return next(n for n, line in enumerate(lines, start=1) if text in line)


def example(folder):
    annotations = [annotation(n, n) for n in range(1, 10)]
    write(folder / "all.json", [image(n) for n in range(1, 11)], annotations)


def spoil(folder):
    example(folder)
    path = folder / "all.json"
    whole = json.loads(path.read_text())
    whole["annotations"][3]["keypoints"][0] = 640
    path.write_text(json.dumps(whole, indent=1))
    return f"all.json, line {line_of(path, '640') - 5}"  # where the annotation begins


def test_an_annotation_is_an_instance_with_its_box_area_and_visibility(tmp_path):
    second = annotation(8, 1, keypoints=[0, 0, 2, 63, 47, 2, 64, 48, 1], bbox=[0, 0, 64, 48])
    write(tmp_path / "train.json", [image(1)], [annotation(7, 1), second])
    dataset = coco.read(tmp_path)
    assert dataset.keypoints.names == ("nose", "left_eye", "right_eye")
    assert dataset.keypoints.edges == ((0, 1), (0, 2))
    assert dataset.keypoints.flip == (0, 2, 1)
    [one] = dataset.splits["train"]
    nan = np.nan
    np.testing.assert_array_equal(
        one.xy, [[[10, 20], [30, 21], [nan, nan]], [[0, 0], [63, 47], [64, 48]]]
    )
    assert one.flags.tolist() == [[2, 1, 0], [2, 2, 1]]
    assert one.boxes.tolist() == [[5.5, 6, 30, 20], [0, 0, 64, 48]]
    assert one.areas.tolist() == [321.5, 321.5]


def test_a_crowd_is_no_instance_and_a_picture_without_annotation_kept(tmp_path):
    annotations = [annotation(1, 1, iscrowd=1), annotation(2, 2)]
    write(tmp_path / "val.json", [image(1), image(2), image(3)], annotations)
    found = coco.read(tmp_path).splits["val"]
    assert [(one.name, len(one.xy)) for one in found] == [("1.jpg", 0), ("2.jpg", 1), ("3.jpg", 0)]
    assert found[0].xy.shape == (0, 3, 2)
    assert [one.crowds.tolist() for one in found] == [[[5.5, 6, 30, 20, 321.5]], [], []]
    del annotations[0]["bbox"]
    write(tmp_path / "val.json", [image(1), image(2)], annotations)
    with pytest.raises(LabelError, match=r"val\.json, line \d+: a crowd needs its bbox"):
        coco.read(tmp_path)


def test_a_box_alone_is_an_instance_without_keypoints(tmp_path):
    boxed = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4]}
    write(tmp_path / "train.json", [image(1)], [boxed])
    [one] = coco.read(tmp_path).splits["train"]
    assert one.flags.tolist() == [[0, 0, 0]]
    assert one.boxes.tolist() == [[1, 2, 3, 4]]
    assert np.isnan(one.areas).all()


CAT = {"id": 2, "name": "cat", "keypoints": ["tail"]}
HOUSE = {"id": 3, "name": "house"}


def test_a_box_or_an_area_of_size_0_is_not_known(tmp_path):
    nothing = [annotation(1, 1, bbox=[0, 0, 0, 0], area=0), annotation(2, 1, bbox=[3, 4, 5, 0])]
    write(tmp_path / "train.json", [image(1)], nothing)
    [one] = coco.read(tmp_path).splits["train"]
    assert np.isnan(one.boxes).all()
    assert np.isnan(one.areas[0])


def test_the_category_with_keypoints_is_taken_or_the_one_that_is_named(tmp_path):
    tail = annotation(2, 1, category_id=2, keypoints=[5, 6, 2])
    house = {"id": 3, "image_id": 1, "category_id": 3, "bbox": [1, 2, 3, 4]}
    path = tmp_path / "train.json"
    write(path, [image(1)], [annotation(1, 1), house], [HOUSE, PERSON])
    [one] = coco.read(path).splits["train"]
    assert one.xy.shape == (1, 3, 2)
    write(path, [image(1)], [annotation(1, 1), tail], [PERSON, CAT])
    with pytest.raises(LabelError, match=r"2 categories have keypoints .* \['person', 'cat'\]"):
        coco.read(path)
    dataset = coco.read(path, category="cat")
    assert dataset.keypoints.names == ("tail",)
    assert dataset.splits["train"][0].xy.tolist() == [[[5, 6]]]
    with pytest.raises(LabelError, match=r"no category is called 'dog'; .*'person', 'cat'"):
        coco.read(path, category="dog")


def test_categories_with_the_same_keypoints_are_one(tmp_path):
    other = PERSON | {"id": 5, "name": "statue"}
    annotations = [annotation(1, 1), annotation(2, 1, category_id=5)]
    write(tmp_path / "train.json", [image(1)], annotations, [PERSON, other])
    assert len(coco.read(tmp_path).splits["train"][0].xy) == 2
    assert len(coco.read(tmp_path, category="statue").splits["train"][0].xy) == 1


def test_files_are_splits_by_name_and_others_are_cut_80_10_10_in_order(tmp_path):
    both = tmp_path / "both"
    names = [("annotations/person_keypoints_train2017.json", 1), ("annotations/val.json", 2)]
    for name, n in names[:1]:
        write(both / name, [image(n)], [annotation(n, n)], pictures=both / "train2017")
    write(both / "annotations/instances_val2017.json", [image(2)], [])  # has no keypoints
    write(both / "annotations/person_keypoints_val2017.json", [image(3)], [], [PERSON])
    sides = coco.read(both).splits
    assert [one.name for one in sides["train"]] == ["train2017/1.jpg"]
    assert [one.name for one in sides["val"]] == ["annotations/3.jpg"]
    example(tmp_path / "one")
    sides = {split: len(found) for split, found in coco.read(tmp_path / "one").splits.items()}
    assert sides == {"train": 8, "val": 1, "test": 1}


@pytest.mark.parametrize(
    ("file", "pictures"),
    [
        ("annotations/person_keypoints_default.json", "images/default"),  # CVAT
        ("result.json", "images"),  # Label Studio
        ("train/_annotations.coco.json", "train"),  # Roboflow
        ("annotations/person_keypoints_val2017.json", "val2017"),  # COCO
    ],
)
def test_where_tools_put_files_and_pictures(tmp_path, file, pictures):
    write(tmp_path / file, [image(1)], [annotation(1, 1)], pictures=tmp_path / pictures)
    [one] = [one for found in coco.read(tmp_path).splits.values() for one in found]
    assert one.name == f"{pictures}/1.jpg"


def test_pictures_are_named_by_windows_and_by_their_whole_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    home, whole = Path("home"), tmp_path / "home" / "images" / "2.jpg"
    names = ["images\\1.jpg", str(whole), str(tmp_path / "elsewhere" / "3.jpg")]
    for path in (Path("home/images/1.jpg"), whole, Path("elsewhere/3.jpg")):
        picture(path)
    images = [image(n, file_name=name) for n, name in enumerate(names)]
    text = json.dumps({"images": images, "annotations": [], "categories": [PERSON]})
    (home / "train.json").write_text(text)
    found = coco.read(home).splits["train"]
    assert [one.name for one in found] == ["images/1.jpg", *names[1:]]
    assert [one.hw for one in found] == [(48, 64)] * 3


def test_null_is_not_said(tmp_path):
    entry = annotation(1, 1, area=None, bbox=None, keypoints=None)
    write(tmp_path / "train.json", [image(1, width=None, height=None)], [entry])
    [one] = coco.read(tmp_path).splits["train"]
    assert one.flags.tolist() == [[0, 0, 0]]
    assert np.isnan([*one.boxes[0], one.areas[0]]).all()
    nameless = [{"id": 1, "name": "box", "keypoints": None}]
    write(tmp_path / "train.json", [image(1)], [annotation(1, 1), entry], nameless)
    assert coco.read(tmp_path).keypoints.names == ("point_0", "point_1", "point_2")
    write(tmp_path / "train.json", [image(1)], [entry], nameless)
    with pytest.raises(LabelError, match="neither it nor any annotation has keypoints"):
        coco.read(tmp_path)


def test_the_size_that_the_file_says_is_that_of_the_picture(tmp_path):
    write(tmp_path / "train.json", [image(1, width=128, height=96)], [annotation(1, 1)])
    says = r"line 3: its labels are of a picture of 128x96 px, and it has 64x48: bring both to one"
    with pytest.raises(LabelError, match=says):
        coco.read(tmp_path)
    far = annotation(1, 1, keypoints=[90, 20, 2] * 3)
    entry = image(1)
    del entry["width"]
    write(tmp_path / "train.json", [entry], [far])
    with pytest.raises(LabelError, match="nose at x 90, y 20 is outside its picture of 64x48 px"):
        coco.read(tmp_path)


@pytest.mark.parametrize(
    ("more", "what"),
    [
        ({"keypoints": [1, 2, 2]}, "got 3 numbers of keypoints, wanted 9: 3 times x, y, visib"),
        ({"keypoints": [-4, 2, 2] * 3}, "nose at x -4, y 2 is outside its picture of 64x48"),
        ({"keypoints": [float("nan"), 2, 2] * 3}, "nan is not a number"),
        ({"keypoints": ["a", 2, 2] * 3}, "'a' is not a number"),
        ({"keypoints": [1, 2, 0.5] * 3}, "visibility must be 0, 1 or 2, got 0.5"),
        ({"bbox": [1, 2, 3]}, "a box must be x, y, width, height"),
        ({"bbox": [1, 2, -3, 4]}, "a box must be x, y, width, height"),
        ({"area": -1}, "an area must be 0 or more"),
        ({"image_id": 77}, "no picture has the id 77"),
        ({"keypoints": 7}, "not iterable"),
    ],
)
def test_a_wrong_annotation_is_named_by_its_line(tmp_path, more, what):
    path = tmp_path / "train.json"
    write(path, [image(1), image(2)], [annotation(1, 1), annotation(2, 2, **more)])
    lines = path.read_text().splitlines()
    at = max(n for n, line in enumerate(lines, start=1) if line.strip() == '"id": 2,') - 1
    assert lines[at - 1].strip() == "{"
    with pytest.raises(LabelError, match=rf"train\.json, line {at}: .*{what}"):
        coco.read(tmp_path)
    skipped = coco.read(tmp_path, skip_bad=True)
    assert len(skipped.skipped) == 1


def test_a_missing_picture_and_a_second_of_one_id_are_named(tmp_path):
    path = tmp_path / "train.json"
    write(path, [image(1), image(2)], [])
    (tmp_path / "2.jpg").unlink()
    with pytest.raises(LabelError, match=r"train\.json, line 9: there is no picture 2\.jpg"):
        coco.read(tmp_path)
    write(path, [image(1), image(1)], [])
    with pytest.raises(LabelError, match="line 9: a second picture has the id 1"):
        coco.read(tmp_path)


def test_a_file_of_another_kind_is_named(tmp_path):
    path = tmp_path / "train.json"
    path.write_text('{"images": [],\n "annotations": [\n}')
    with pytest.raises(LabelError, match=r"train\.json, line 3: broken JSON, Expecting value"):
        coco.read(tmp_path)
    path.write_text("[]")
    with pytest.raises(LabelError, match="line 1: wanted an object of JSON, got a list"):
        coco.read(tmp_path)
    path.write_text("{}")
    with pytest.raises(LabelError, match="line 1: it has no list 'images'"):
        coco.read(tmp_path)


def test_a_skeleton_of_something_else_is_named_and_can_be_left_out(tmp_path):
    wrong = PERSON | {"skeleton": [[1, 4]]}
    write(tmp_path / "train.json", [image(1)], [annotation(1, 1)], [wrong])
    with pytest.raises(LabelError, match=r"edges must join keypoints 0\.\.2"):
        coco.read(tmp_path)
    from_0 = PERSON | {"skeleton": [[0, 1], [0, 2]]}
    write(tmp_path / "train.json", [image(1)], [annotation(1, 1)], [from_0])
    with pytest.raises(LabelError, match=r"a skeleton counts from 1, got \[\[0, 1\], \[0, 2\]\]"):
        coco.read(tmp_path)
    dataset = coco.read(tmp_path, skip_bad=True)
    assert dataset.keypoints.edges == ()
    assert len(dataset.splits["train"]) == len(dataset.skipped) == 1


def test_a_picture_that_two_files_label_is_named(tmp_path):
    for name in ("a_train.json", "b_train.json"):
        write(tmp_path / name, [image(1)], [annotation(1, 1)])
    with pytest.raises(ValueError, match=r"the picture 1\.jpg is labelled twice"):
        coco.read(tmp_path)
