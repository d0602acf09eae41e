import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

from train import losses  # noqa: E402
from train.datasets.coco import PERSON_SIGMAS  # noqa: E402

NAMES = ["mse", "l1", "smooth-l1", "oks"]


def draw(seed, spread=5.0):
    rng = np.random.default_rng(seed)
    truth = rng.uniform(0, 100, (3, 17, 2))
    outputs = truth + rng.normal(0, spread, truth.shape)
    known = rng.integers(0, 2, (3, 17)).astype(float)
    truth[known == 0] = np.nan
    areas = rng.uniform(50, 5000, 3)
    return outputs, truth, known, areas


def mean_of(formula, outputs, truth, known, areas):
    """Over the coordinates of all known points, in units of s·k."""
    found = [
        formula((outputs[b, k, c] - truth[b, k, c]) / (2 * PERSON_SIGMAS[k] * math.sqrt(areas[b])))
        for b, k, c in np.ndindex(outputs.shape)
        if known[b, k]
    ]
    return sum(found) / max(len(found), 1)


def smooth(x):
    return x * x / 2 if abs(x) < 1 else abs(x) - 0.5


def oks(outputs, truth, known, areas):
    """1 − mean over instances of COCO's OKS."""
    each = []
    for b in range(len(truth)):
        similar = [
            math.exp(-(math.dist(outputs[b, k], truth[b, k]) ** 2) / (2 * areas[b] * (2 * s) ** 2))
            for k, s in enumerate(PERSON_SIGMAS)
            if known[b, k]
        ]
        each += [1 - sum(similar) / len(similar)] if similar else []
    return sum(each) / max(len(each), 1)


REFERENCE = {
    "mse": lambda *drawn: mean_of(lambda x: x * x, *drawn),
    "l1": lambda *drawn: mean_of(abs, *drawn),
    "smooth-l1": lambda *drawn: mean_of(smooth, *drawn),
    "oks": oks,
}


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=20)
@given(seed=st.integers(0, 2**32 - 1))
def test_a_loss_is_what_its_formula_says(name, seed):
    outputs, truth, known, areas = draw(seed)
    reach = losses.oks_reach(torch.tensor(areas), PERSON_SIGMAS)
    got = losses.of_points(name)(*map(torch.tensor, (outputs, truth, known)), reach)
    assert got.item() == pytest.approx(
        REFERENCE[name](outputs, truth, known, areas), rel=1e-5, abs=1e-5
    )


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=20)
@given(seed=st.integers(0, 2**32 - 1), spread=st.sampled_from([0.0, 1.0, 1e3, 1e6]))
def test_a_slope_is_finite_and_of_known_points_only(name, seed, spread):
    outputs, truth, known, areas = draw(seed, spread)
    areas[0], known[0] = np.nan, 1  # of an instance without a size or with no place nothing is NaN
    truth[0] = np.nan
    leaf = torch.tensor(outputs, requires_grad=True)
    reach = losses.oks_reach(torch.tensor(areas), PERSON_SIGMAS)
    loss = losses.of_points(name)(leaf, torch.tensor(truth), torch.tensor(known), reach)
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(leaf.grad).all()
    assert (leaf.grad[torch.tensor(np.isnan(truth[..., 0]))] == 0).all()


@pytest.mark.parametrize("name", NAMES)
def test_nothing_known_costs_nothing(name):
    points, none = torch.ones(2, 3, 2), torch.zeros(2, 3)
    assert losses.of_points(name)(points, points + 9, none, torch.ones(2, 3)) == 0


def test_an_instance_of_few_points_weighs_as_much_as_any_other():
    truth = torch.zeros(2, 4, 2)
    outputs = truth.clone()
    outputs[0] = 1e3  # all four of one instance wrong, the one point of the other right
    known = torch.tensor([[1.0, 1, 1, 1], [1, 0, 0, 0]])
    assert losses.of_points("oks")(outputs, truth, known, torch.ones(2, 4)) == pytest.approx(0.5)
    assert losses.of_points("oks")(truth, truth, known, torch.ones(2, 4)) == 0
