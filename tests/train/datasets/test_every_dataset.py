"""What holds for every file of train/datasets.

The test of a format, test_<name>.py beside this, has `example(folder)`, which writes a few pictures
with their labels, and `spoil(folder)`, which makes one label wrong and returns the place to name.
"""

import importlib

import numpy as np
import pytest

from engines import ModelSpec
from train import datasets
from train.label_files.wrong import LabelError, check_inside
from train.labels import SPLITS


@pytest.fixture(params=datasets.names())
def name(request):
    return request.param


def of(name):
    return importlib.import_module(f"test_{name}")


def every(dataset):
    return [one for split in SPLITS for one in dataset.splits[split]]


def test_all_formats_are_found():
    wanted = {"cardcut", "cats", "coco", "faces", "facial", "folder", "persons"}
    assert wanted <= set(datasets.names())
    assert "empty" not in datasets.names()


def test_it_reads_what_is_written_in_its_format(name, tmp_path):
    of(name).example(tmp_path)
    dataset = datasets.load(name, tmp_path)
    assert dataset.skipped == []
    assert dataset.splits["train"]
    for one in every(dataset):
        image = one.read()
        assert image.dtype == np.uint8
        assert image.shape == (*image.shape[:2], 3)
        for xy in one.xy:
            check_inside(xy, image.shape[:2], dataset.keypoints.names)
    assert any(one.flags.any() for one in every(dataset))


def test_its_keypoints_fit_a_model(name, tmp_path):
    of(name).example(tmp_path)
    points = datasets.load(name, tmp_path).keypoints
    flip = points.flip or tuple(range(len(points.names)))
    spec = ModelSpec("m", points.names, points.edges, flip, (64, 64), 4, 2.0)
    assert ModelSpec.from_json(spec.to_json()) == spec


def test_twice_read_is_the_same(name, tmp_path):
    of(name).example(tmp_path)
    first, second = (datasets.load(name, tmp_path) for _ in range(2))
    assert first.keypoints == second.keypoints
    for split in SPLITS:
        names = [[one.name for one in dataset.splits[split]] for dataset in (first, second)]
        assert names[0] == names[1]
    for a, b in zip(every(first), every(second), strict=True):
        np.testing.assert_array_equal(a.xy, b.xy)


def test_a_wrong_label_is_one_line_that_names_its_place(name, tmp_path):
    of(name).example(tmp_path)
    good = every(datasets.load(name, tmp_path))
    place = of(name).spoil(tmp_path)
    with pytest.raises(LabelError) as caught:
        datasets.load(name, tmp_path)
    line = str(caught.value)
    assert f"{place}: " in line
    assert str(tmp_path) in line
    assert "\n" not in line
    dataset = datasets.load(name, tmp_path, skip_bad=True)
    assert dataset.skipped == [line]
    assert len(every(dataset)) == len(good) - 1


def test_a_folder_without_its_files_is_named(name, tmp_path):
    with pytest.raises(FileNotFoundError, match=str(tmp_path)):
        datasets.load(name, tmp_path)


def test_an_option_that_it_does_not_have_is_named(name, tmp_path):
    with pytest.raises(ValueError, match="has no option colour; it has"):
        datasets.load(name, tmp_path, colour="red")


def test_a_name_without_a_file_is_answered_with_those_there_are(tmp_path):
    with pytest.raises(ValueError, match=r"no dataset is called 'dogs'; there are .*cats, coco"):
        datasets.load("dogs", tmp_path)


@pytest.mark.parametrize(
    ("name", "text", "made"),
    [
        ("faces", "", {}),
        ("faces", "layout=kaggle", {"layout": "kaggle"}),
        ("facial", "incomplete=yes", {"incomplete": True}),
        ("cats", "points=mouth,left_eye", {"points": ("mouth", "left_eye")}),
        ("cardcut", " hold_out = 51,9 ;", {"hold_out": (51, 9)}),
        ("coco", "category=a cat", {"category": "a cat"}),
    ],
)
def test_words_are_a_formats_options(name, text, made):
    assert datasets.options(name, text) == made


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("faces", "colour=red", r"faces has no option 'colour'; it has \['layout'\]"),
        ("faces", "layout", "an option of a dataset is written NAME=VALUE, got 'layout'"),
        ("persons", "folder=x", "persons has no option 'folder'; it has none"),
        ("facial", "incomplete=1", "incomplete is yes or no, got '1'"),
        ("cardcut", "hold_out=a", "hold_out is numbers with commas between, got 'a'"),
    ],
)
def test_words_that_are_no_option_are_one_line(name, text, says):
    with pytest.raises(ValueError, match=says):
        datasets.options(name, text)
