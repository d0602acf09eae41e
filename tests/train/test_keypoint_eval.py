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
