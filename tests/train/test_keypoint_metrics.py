import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from train import keypoint_metrics as metrics
from train import sizes
from train.keypoint_metrics import Compared
from train.labels import Keypoints, Labelled

PAIR = Keypoints(("left_eye", "right_eye"))
PX = sizes.pixels
EYES = sizes.of_name("interocular", PAIR)
NAN = np.nan
NONE = [NAN, NAN]


def compared(true, found, name="a", **more):
    truth = Labelled.of(name, np.zeros((4, 4), np.uint8), np.reshape(true, (-1, 2, 2)), **more)
    xy = np.reshape(np.array(found, float), (-1, 2, 2))
    return Compared(truth, xy, np.ones(len(xy)))


TWO = compared([[[0, 0], [10, 0]], [[50, 50], [50, 70]]], [[[3, 4], [10, 1]], [[50, 50], NONE]])
"""Eyes 10 and 20 px apart; distances found 5, 1 and 0, and the other's right eye is not."""


def test_the_mean_distance_is_of_found_points_to_the_nearest_of_their_kind():
    assert metrics.mean_distance([TWO]).value == pytest.approx(2)
    other = compared([[[0, 0], [3, 0]]], [[[3, 0], [3, 0]]], "b")  # a left eye on the right one
    figure = metrics.mean_distance([TWO, other])
    assert figure.value == pytest.approx((5 + 1 + 0 + 3 + 0) / 5)
    assert (figure.n, figure.clips) == (5, 2)


def test_what_has_nothing_to_be_measured_by_has_no_distance():
    nothing = compared(np.zeros((0, 2, 2)), [[[3, 4], [10, 1]]], "b")
    unlabelled = compared([[[0, 0], NONE]], [[[0, 2], [10, 1]]], "c")
    figure = metrics.mean_distance([nothing, unlabelled])
    assert (figure.value, figure.n) == (2, 1)
    assert math.isnan(metrics.mean_distance([nothing]).value)


@pytest.mark.parametrize(("px", "share"), [(0.5, 1 / 4), (1, 2 / 4), (4.9, 2 / 4), (5, 3 / 4)])
def test_pck_is_the_share_of_true_points_with_one_near(px, share):
    assert metrics.pck([TWO], px, PX).value == share


def test_pck_by_size_takes_each_instances_own():
    assert metrics.pck([TWO], 0.1, EYES).value == 2 / 4  # within 1 px and within 2 px
    assert metrics.pck([TWO], 0.5, EYES).value == 3 / 4
    sizeless = compared([[[0, 0], NONE]], [[[0, 0], NONE]], "b")
    assert metrics.pck([TWO, sizeless], 0.5, EYES).n == 4
    assert metrics.pck([TWO, sizeless], 0.5, PX).n == 5


def test_nothing_found_is_a_miss():
    missed = compared([[[0, 0], [10, 0]]], np.zeros((0, 2, 2)))
    assert metrics.pck([missed], 1e6, PX).value == 0
    assert metrics.nme([missed], PX).value == math.inf
    assert metrics.astray([missed], 1, PX).n == 0


def test_astray_is_the_share_of_found_points_near_no_true_one():
    assert metrics.astray([TWO], 1, PX).value == pytest.approx(1 / 3)
    assert metrics.astray([TWO], 0.5, EYES).value == 0
    nothing = compared(np.zeros((0, 2, 2)), [[[3, 4], [10, 1]]], "b")
    assert metrics.astray([TWO, nothing], 1, PX).value == pytest.approx(3 / 5)


def test_a_point_that_an_unlabelled_one_might_be_is_not_judged():
    far = [[[0, 0], [99, 99]]]
    assert metrics.astray([compared([[[0, 0], NONE]], far)], 1, PX).n == 1
    sizeless = compared([[[0, 0], [0, 0]]], [[[0, 0], [99, 99]]])
    assert metrics.astray([sizeless], 1, EYES).n == 0


def test_in_a_crowd_nobody_is_astray():
    found = [[[0, 0], [10, 1]], [[50, 50], [80, 80]]]
    one = compared([[[0, 0], [10, 0]]], found)
    assert metrics.astray([one], 2, PX).value == pytest.approx(2 / 4)
    crowd = replace(one.truth, crowds=np.array([[40.0, 40, 20, 20, 400]]))
    figure = metrics.astray([replace(one, truth=crowd)], 2, PX)
    assert (figure.value, figure.n) == (pytest.approx(1 / 3), 3)


def test_a_faint_point_is_a_guess_that_is_not_shown():
    faint = replace(TWO, faint=np.array([[True, False], [False, False]]))  # the one 5 px off
    assert metrics.pck([faint], 5, PX).value == 3 / 4
    assert metrics.mean_distance([faint]).value == pytest.approx(1 / 2)
    assert metrics.astray([faint], 1, PX).value == 0


def test_nme_is_an_instances_mean_error_over_its_size():
    whole = compared([[[0, 0], [10, 0]], [[50, 50], NONE]], [[[3, 4], [10, 1]], [[50, 52], NONE]])
    assert metrics.nme([whole], EYES).value == pytest.approx((5 + 1) / 2 / 10)
    assert metrics.nme([whole], PX).value == pytest.approx(((5 + 1) / 2 + 2) / 2)
    figure = metrics.nme([TWO, whole], EYES)
    assert figure.value == pytest.approx(((5 + 1) / 2 / 10 * 2 + (0 + math.hypot(40, 69)) / 40) / 3)


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1))
def test_similarity_is_cocos_formula(seed):
    rng = np.random.default_rng(seed)
    true, found = rng.uniform(0, 30, (2, 3, 2, 2))
    true[0, 1] = true[1] = found[2, 0] = NAN
    areas, sigmas = rng.uniform(1, 500, 3), (0.05, 0.1)
    one = compared(true, found, areas=areas)
    got = metrics.similarity(found, one.truth, sigmas)
    for m, n in np.ndindex(3, 3):
        each = [
            0.0
            if np.isnan(found[m, k]).any()
            else math.exp(
                -(math.dist(found[m, k], true[n, k]) ** 2) / (2 * areas[n] * (2 * sigmas[k]) ** 2)
            )
            for k in range(2)
            if np.isfinite(true[n, k]).all()
        ]
        want = sum(each) / len(each) if each else NAN
        assert got[m, n] == pytest.approx(want, abs=1e-12, nan_ok=True)
    best = np.max(got[:, [0, 2]], axis=0)
    assert metrics.oks([one], sigmas).value == pytest.approx(best.mean())


def test_an_area_nobody_measured_is_the_boxs():
    boxes = np.array([[0, 0, 4, 5], [0, 0, 4, 5]])
    truth = compared(TWO.truth.xy, TWO.xy, areas=np.array([7, NAN]), boxes=boxes).truth
    assert metrics.areas(truth).tolist() == [7, 20]
    with pytest.raises(ValueError, match="a: an instance needs an area or a box for its OKS"):
        metrics.oks([TWO], (0.1, 0.1))


def test_what_does_not_fit_is_said():
    with pytest.raises(ValueError, match=r"found must be \(M, 2, 2\), got \(1, 3, 2\)"):
        Compared(TWO.truth, np.zeros((1, 3, 2)), np.ones(1))
    with pytest.raises(ValueError, match="2 keypoints need as many sigmas, got 3"):
        metrics.similarity(TWO.xy, TWO.truth, (0.1, 0.1, 0.1))
