import json
from pathlib import Path

import numpy as np
import pytest
from drawn import picture

from train.datasets import persons
from train.label_files.wrong import LabelError

REAL = Path(__file__).parents[3] / "../shared/data/samples/persons"
real_data = pytest.mark.skipif(not REAL.is_dir(), reason="needs ../shared/data/samples/persons")


def write(folder, entries):
    for entry in entries:
        picture(folder / entry["file"])
    text = json.dumps({"names": persons.NAMES, "images": entries}, indent=1)
    (folder / "lspet500.json").write_text(text)


def entry(name, **joints):
    """A picture of 64×48 px whose joint k is at (2 k, 3 k), but for those given by name."""
    rows = [[2.0 * k, 3.0 * k, 1] for k in range(14)]
    for joint, value in joints.items():
        rows[persons.NAMES.index(joint)] = value
    return {"file": f"images/{name}.jpg", "width": 64, "height": 48, "keypoints": rows}


def example(folder):
    write(folder, [entry(name) for name in "abcde"])


def spoil(folder):
    write(
        folder, [entry(name, neck=[2, 60, 1]) if name == "c" else entry(name) for name in "abcde"]
    )
    lines = (folder / "lspet500.json").read_text().splitlines()
    at = next(n for n, line in enumerate(lines, start=1) if "images/c.jpg" in line)
    return f"lspet500.json, line {at - 1}"  # where the entry begins


def test_a_joint_of_flag_0_is_not_labelled_wherever_it_is_said_to_be(tmp_path):
    write(tmp_path, [entry("a", neck=[-26.1, 900, 0])])
    [one] = persons.read(tmp_path).splits["train"]
    neck = persons.NAMES.index("neck")
    assert np.isnan(one.xy[0, neck]).all()
    assert one.flags[0].tolist() == [0 if k == neck else 2 for k in range(14)]
    assert one.xy[0, 1].tolist() == [2, 3]


@pytest.mark.parametrize(
    ("wrong", "what"),
    [
        (entry("a", neck=[2, -3, 1]), "neck at x 2, y -3 is outside its picture of 64x48 px"),
        (entry("a", neck=[2, 3]), "wanted 14 joints of x, y, flag"),
        (entry("a", neck=[2, float("nan"), 1]), "nan is not a number"),
        (entry("a", neck=[2, None, 1]), "None is not a number"),
        (entry("a") | {"width": 128, "height": 96}, "its labels are of a picture of 128x96 px"),
        ({"file": "images/a.jpg"}, "it has no 'keypoints'"),
    ],
)
def test_a_wrong_entry_is_named(tmp_path, wrong, what):
    write(tmp_path, [wrong])
    with pytest.raises(LabelError, match=rf"lspet500\.json, line 19: {what}"):
        persons.read(tmp_path)


def test_a_missing_picture_is_named(tmp_path):
    write(tmp_path, [entry("a")])
    (tmp_path / "images/a.jpg").unlink()
    with pytest.raises(LabelError, match=r"line 19: there is no picture .*a\.jpg"):
        persons.read(tmp_path)


def test_other_joints_are_another_format(tmp_path):
    (tmp_path / "lspet500.json").write_text('{"names": ["nose"], "images": []}')
    with pytest.raises(LabelError, match="line 1: names must be right_ankle, right_knee"):
        persons.read(tmp_path)


@real_data
def test_the_real_people():
    dataset = persons.read(REAL)
    assert {split: len(found) for split, found in dataset.splits.items()} == {
        "train": 400,
        "val": 100,
        "test": 0,
    }
    assert dataset.splits["train"][0].name == "images/im00001.jpg"
    labelled = [np.isfinite(one.xy).all(axis=2).sum() for one in dataset.splits["train"]]
    assert min(labelled) >= 6
    # The limbs' ends are joined to their middles: else names and order do not belong together.
    xy = np.concatenate([one.xy for one in dataset.splits["train"]])
    shin = np.linalg.norm(xy[:, 0] - xy[:, 1], axis=1)
    across = np.linalg.norm(xy[:, 0] - xy[:, 8], axis=1)
    assert np.nanmedian(shin) < 0.6 * np.nanmedian(across)
