"""COCO-style files of well-known sets, as they are."""

from pathlib import Path

import pytest

from train import datasets
from train.datasets import coco
from train.label_files.wrong import LabelError

REAL = Path(__file__).parents[3] / "../shared/data/samples/mmpose_tests"
real_data = pytest.mark.skipif(
    not REAL.is_dir(), reason="needs ../shared/data/samples/mmpose_tests"
)

SETS = [
    ("300w/test_300w.json", 2, 2, 68, False),
    ("aflw/test_aflw.json", 2, 2, 19, False),
    ("aic/test_aic.json", 3, 9, 14, True),
    ("animalpose/test_animalpose.json", 2, 2, 20, True),
    ("ap10k/test_ap10k.json", 2, 2, 17, True),
    ("coco/test_coco.json", 4, 14, 17, True),
    ("coco/test_coco_wholebody.json", 4, 14, 17, True),
    ("cofw/test_cofw.json", 2, 2, 29, False),
    ("freihand/test_freihand.json", 8, 8, 21, False),
    ("mpii/test_mpii_trb.json", 5, 5, 40, True),
    ("ochuman/test_ochuman.json", 3, 5, 17, True),
    ("onehand10k/test_onehand10k.json", 4, 4, 21, False),
    ("wflw/test_wflw.json", 2, 4, 98, False),
]


@real_data
@pytest.mark.parametrize(("file", "pictures", "instances", "k", "mirrors"), SETS)
def test_real_files(file, pictures, instances, k, mirrors):
    dataset = datasets.load("coco", REAL / file)
    found = dataset.splits["test"]
    assert (len(found), sum(len(one.xy) for one in found)) == (pictures, instances)
    assert len(dataset.keypoints.names) == k
    assert (dataset.keypoints.flip is not None) == mirrors
    for one in found:
        assert one.read().ndim == 3
    sigmas = dataset.keypoints.oks_sigmas
    assert (sigmas == coco.PERSON_SIGMAS) == (k == 17 and not file.startswith("ap10k"))


@real_data
@pytest.mark.parametrize(
    ("file", "what"),
    [
        ("crowdpose/test_crowdpose.json", "line 3: edges must join keypoints 0..13"),
        ("coco/test_keypoint_partition_metric.json", "got 399 numbers of keypoints, wanted 51"),
        ("mpii/test_mpii.json", "line 1: wanted an object of JSON, got a list"),
        ("coco/test_coco_det_AP_H_56.json", "line 1: wanted an object of JSON, got a list"),
    ],
)
def test_real_files_that_are_wrong_or_of_another_kind(file, what):
    with pytest.raises(LabelError, match=what):
        datasets.load("coco", REAL / file)
