import numpy as np
import pytest

pytest.importorskip("pycocotools")

from train import keypoint_eval
from train.datasets import coco
from train.keypoint_metrics import Compared
from train.labels import Keypoints, Labelled

PEOPLE = Keypoints(coco.PERSON, oks_sigmas=coco.PERSON_SIGMAS)


def test_an_instance_of_which_nothing_is_known_is_left_out_of_the_oks():
    xy = np.random.default_rng(0).uniform(0, 60, (2, 17, 2))
    xy[1] = np.nan
    truth = Labelled.of("a", np.zeros((64, 64, 3), np.uint8), xy, boxes=np.zeros((2, 4)))
    figures = keypoint_eval.figures([Compared(truth, xy[:1], np.ones(1))], PEOPLE, "box")
    assert (figures["OKS"].value, figures["OKS"].n) == (1, 1)
    assert figures["OKS-AP50"].value == pytest.approx(1)


def test_errors_are_not_measured_in_an_instance_of_one_label_without_a_box():
    xy = np.random.default_rng(0).uniform(0, 60, (2, 17, 2))
    there = xy[1] + 2.0  # what was found of it, which its one label says little of
    xy[1, 1:] = np.nan
    truth = Labelled.of("a", np.zeros((64, 64, 3), np.uint8), xy)
    found = Compared(truth, np.stack([xy[0], there]), np.array([0.5, 1.0]))
    figures = keypoint_eval.figures([found], PEOPLE, "box")
    assert (figures["OKS"].value, figures["OKS"].n) == (1, 1)
    assert figures["OKS-AP"].value == pytest.approx(1)  # neither missed nor wrongly found
    assert figures["OKS-AR"].value == pytest.approx(1)


def test_an_area_is_enough_to_measure_one_label_in():
    xy = np.full((1, 17, 2), np.nan)
    xy[0, 0] = 20
    truth = Labelled.of("a", np.zeros((64, 64, 3), np.uint8), xy, areas=np.full(1, 2000.0))
    figures = keypoint_eval.figures(
        [Compared(truth, np.full((1, 17, 2), 20.0), np.ones(1))], PEOPLE, "box"
    )
    assert (figures["OKS"].value, figures["OKS"].n) == (1, 1)
    assert figures["OKS-AP"].value == pytest.approx(1)


def test_pictures_in_which_nothing_can_be_measured_have_no_figure():
    xy = np.full((1, 17, 2), np.nan)
    xy[0, 0] = 20
    truth = Labelled.of("a", np.zeros((64, 64, 3), np.uint8), xy)
    figures = keypoint_eval.figures([Compared(truth, xy, np.ones(1))], PEOPLE, "box")
    assert figures["OKS"].n == 0
    assert np.isnan([figures["OKS"].value, figures["OKS-AP"].value]).all()
