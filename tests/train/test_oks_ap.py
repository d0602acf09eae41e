"""The figures are COCO's: those of its scorer on its own files, and those of its rules."""

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("pycocotools")

import plain_ap
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from train.datasets import coco
from train.keypoint_metrics import Compared
from train.labels import Labelled
from train.oks_ap import FIGURES, oks_ap

REAL = Path(__file__).parents[2] / "../shared/data/samples/mmpose_tests"
real_data = pytest.mark.skipif(
    not REAL.is_dir(), reason="needs ../shared/data/samples/mmpose_tests"
)
FILES = ["coco/test_coco", "ochuman/test_ochuman", "wflw/test_wflw", "aflw/test_aflw",
         "cofw/test_cofw", "300w/test_300w", "animalpose/test_animalpose",
         "freihand/test_freihand"]  # fmt: skip


def by_rules(compared, sigmas):
    pictures = []
    for one in compared:
        t = one.truth
        true = [(*row, False) for row in zip(t.xy, t.flags, t.boxes, t.areas, strict=True)]
        none = np.full(t.xy.shape[1:], np.nan), np.zeros(t.xy.shape[1])
        true += [(*none, row[:4], row[4], True) for row in t.crowds]
        pictures.append((true, list(zip(one.xy, one.scores, strict=True))))
    return plain_ap.figures(pictures, sigmas)


def by_scorer(path, compared, sigmas):
    """The file itself and COCO's result format, through the scorer as its manual has it."""
    written = json.loads(path.read_text())
    for entry in written["annotations"]:  # some files leave out what the scorer asks for
        entry.setdefault("iscrowd", 0)
        entry.setdefault("num_keypoints", sum(v > 0 for v in entry["keypoints"][2::3]))
    truth = COCO()
    truth.dataset = written
    truth.createIndex()
    ids = {Path(image["file_name"]).name: image["id"] for image in written["images"]}
    [category] = {entry["category_id"] for entry in written["annotations"]}
    results = [
        {
            "image_id": ids[Path(one.truth.name).name],
            "category_id": category,
            "keypoints": np.column_stack([xy, np.ones(len(xy))]).ravel().tolist(),
            "score": float(score),
        }
        for one in compared
        for xy, score in zip(one.xy, one.scores, strict=True)
    ]
    scorer = COCOeval(truth, truth.loadRes(results), "keypoints")
    scorer.params.kpt_oks_sigmas = np.array(sigmas)
    scorer.evaluate()
    scorer.accumulate()
    scorer.summarize()
    return [math.nan if value < 0 else value for value in scorer.stats]


def found_on(labelled, rng):
    """What might be found: the first instance and most others, some far off, and some at random."""
    height, width = labelled.read().shape[:2]
    found = []
    for i, (xy, area) in enumerate(zip(labelled.xy, labelled.areas, strict=True)):
        for _ in range(rng.choice([0, 1, 1, 2]) if i else 1):
            wide = rng.choice([0.01, 0.05, 0.2]) if i else 0.01
            noise = rng.normal(0, wide * math.sqrt(area), xy.shape)
            anywhere = rng.uniform(0, (width, height), xy.shape)
            found.append(np.where(np.isnan(xy), anywhere, xy) + noise)
    found += [rng.uniform(0, (width, height), labelled.xy.shape[1:])] * rng.integers(0, 3)
    made = np.reshape(found, (-1, *labelled.xy.shape[1:]))
    return Compared(labelled, made, rng.uniform(0, 1, len(made)))


@real_data
@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("seed", [0, 1])
def test_real_files_score_as_coco_scores_them(file, seed):
    path = REAL / f"{file}.json"
    dataset = coco.read(path)
    rng = np.random.default_rng(seed)
    k = len(dataset.keypoints.names)
    sigmas = dataset.keypoints.oks_sigmas or tuple(rng.uniform(0.03, 0.1, k))
    compared = [found_on(one, rng) for one in dataset.splits["test"]]
    got = oks_ap(compared, sigmas)
    assert tuple(got) == FIGURES
    np.testing.assert_allclose([*got.values()], by_scorer(path, compared, sigmas), atol=1e-6)
    np.testing.assert_allclose([*got.values()], by_rules(compared, sigmas), atol=1e-6)
    assert 0 < got["AP50"] <= 1


def drawn(rng, crowds=2, unlabelled=0.2):
    """A picture of 0 … 5 instances of 4 points, small to large, crowds, and 0 … 25 found."""
    n = rng.integers(0, 6)
    sides = rng.choice([20.0, 60, 150], n)
    centres = rng.uniform(0, 300, (n, 1, 2))
    xy = centres + rng.uniform(-0.5, 0.5, (n, 4, 2)) * sides[:, None, None]
    boxes = np.column_stack([centres[:, 0] - sides[:, None] / 2, sides, sides])
    xy[rng.random((n, 4)) < 0.2] = np.nan
    xy[rng.random(n) < unlabelled] = np.nan
    truth = Labelled.of("a", np.zeros((4, 4), np.uint8), xy, boxes=boxes, areas=sides**2 * 0.6)
    found = rng.uniform(0, 300, (rng.integers(0, 4), 4, 2))
    if n:
        near = rng.integers(0, n, rng.integers(0, 22))
        there = np.where(np.isnan(xy[near]), centres[near], xy[near])
        wide = rng.choice([0.01, 0.05, 0.3], (len(near), 1, 1)) * sides[near, None, None]
        found = np.concatenate([found, there + rng.normal(0, 1, there.shape) * wide])
    found[rng.random(found.shape[:2]) < 0.1] = np.nan
    many = rng.uniform(
        [0, 0, 20, 20, 400], [200, 200, 150, 150, 9000], (rng.integers(crowds + 1), 5)
    )
    return Compared(replace(truth, crowds=many), found, rng.random(len(found)))


@settings(max_examples=12)
@given(st.integers(0, 2**32 - 1))
def test_drawn_pictures_score_as_the_rules_say(seed):
    rng = np.random.default_rng(seed)
    compared = [drawn(rng) for _ in range(rng.integers(1, 5))]
    sigmas = tuple(rng.uniform(0.05, 0.2, 4))
    got = [*oks_ap(compared, sigmas).values()]
    np.testing.assert_allclose(got, by_rules(compared, sigmas), atol=1e-6)


def test_a_perfect_answer_scores_1_and_none_scores_0():
    rng = np.random.default_rng(3)
    truths = [drawn(rng, 0, 0).truth for _ in range(4)]
    sigmas = (0.1,) * 4
    right = [Compared(t, t.xy, np.ones(len(t.xy))) for t in truths]
    perfect = oks_ap(right, sigmas)
    assert perfect["AP"] == perfect["AR"] == pytest.approx(1)
    nothing = [Compared(t, np.zeros((0, 4, 2)), np.zeros(0)) for t in truths]
    assert oks_ap(nothing, sigmas)["AP"] == 0


def test_a_point_not_found_is_worth_nothing_but_costs_no_more():
    xy = np.array([[[0.0, 0], [40, 0], [0, 40], [40, 40]]])
    truth = Labelled.of("a", np.zeros((4, 4), np.uint8), xy, areas=np.array([1600.0]))
    found = np.where(np.arange(4)[:, None] == 3, np.nan, xy)
    got = oks_ap([Compared(truth, found, np.ones(1))], (0.1,) * 4)  # an OKS of 3/4
    assert got["AP"] == pytest.approx(0.6)
    assert (got["AP50"], got["AP75"]) == (pytest.approx(1), pytest.approx(1))
    assert math.isnan(got["AP large"])


def test_an_instance_without_any_label_needs_its_box():
    truth = Labelled.of(
        "pic", np.zeros((4, 4), np.uint8), np.full((1, 4, 2), np.nan), areas=np.ones(1)
    )
    with pytest.raises(ValueError, match="pic: an instance without a label needs its box"):
        oks_ap([Compared(truth, np.zeros((1, 4, 2)), np.ones(1))], (0.1,) * 4)


def test_nothing_is_printed(capsys):
    oks_ap([drawn(np.random.default_rng(1))], (0.1,) * 4)
    assert capsys.readouterr().out == ""
