"""Each loss is what its paper's formula gives in plain NumPy, and its slope is finite."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

from engines.spec import ModelSpec  # noqa: E402
from train import losses  # noqa: E402
from train.targets import gaussians  # noqa: E402

NAMES = ["mse", "l1", "smooth-l1", "bce", "focal", "awing"]


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def smooth_l1(x, y):
    return x**2 / 2 if abs(x := x - y) < 1 else abs(x) - 0.5


def bce(x, y):
    return -y * np.log(sigmoid(x)) - (1 - y) * np.log(1 - sigmoid(x))


def awing(x, y):
    alpha, omega, epsilon, theta = 2.1, 14.0, 1.0, 0.5
    ratio = theta / epsilon
    a = omega / (1 + ratio ** (alpha - y)) * (alpha - y) * ratio ** (alpha - y - 1) / epsilon
    c = theta * a - omega * np.log(1 + ratio ** (alpha - y))
    if abs(y - x) < theta:
        return omega * np.log(1 + (abs(y - x) / epsilon) ** (alpha - y))
    return a * abs(y - x) - c


def focal(x, y):
    """Of one cell; y = 1 is a point's."""
    p = sigmoid(x)
    return -((1 - p) ** 2) * np.log(p) if y == 1 else -((1 - y) ** 4) * p**2 * np.log(1 - p)


CELL = {
    "mse": lambda x, y: (x - y) ** 2,
    "l1": lambda x, y: abs(x - y),
    "smooth-l1": smooth_l1,
    "bce": bce,
    "focal": focal,
    "awing": awing,
}


def reference(name, outputs, targets, known):
    cells = np.vectorize(CELL[name])(outputs, targets)
    if name == "focal":
        points = ((targets == 1) * known[..., None, None]).sum()
        return (cells * known[..., None, None]).sum() / max(points, 1)
    return (cells.mean(axis=(2, 3)) * known).sum() / max(known.sum(), 1)


def draw(seed, spread=2.0):
    """Outputs, targets of points on whole cells, and which channels are known."""
    rng = np.random.default_rng(seed)
    spec = ModelSpec("t", ("a", "b", "c"), (), (0, 1, 2), (7, 8), 1, 1.5)
    xy = rng.integers(0, (8, 7), (2, 2, 3, 2)).astype(float)
    xy[rng.random((2, 2, 3)) < 0.3] = np.nan
    targets = gaussians(torch.tensor(xy), spec).numpy()
    return rng.normal(0, spread, targets.shape), targets, rng.integers(0, 2, (2, 3)).astype(float)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=20)
@given(seed=st.integers(0, 2**32 - 1))
def test_a_loss_is_what_its_formula_says(name, seed):
    outputs, targets, known = draw(seed)
    got = losses.of_heatmaps(name)(*map(torch.tensor, (outputs, targets, known)))
    assert got.item() == pytest.approx(reference(name, outputs, targets, known), rel=1e-5, abs=1e-5)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=20)
@given(seed=st.integers(0, 2**32 - 1), spread=st.sampled_from([0.0, 1.0, 30.0, 1e4]))
def test_a_slope_is_finite_and_of_known_channels_only(name, seed, spread):
    outputs, targets, known = draw(seed, spread)
    outputs[0] = targets[0]  # no error at all has a slope too
    leaf = torch.tensor(outputs, requires_grad=True)
    losses.of_heatmaps(name)(leaf, torch.tensor(targets), torch.tensor(known)).backward()
    assert torch.isfinite(leaf.grad).all()
    assert (leaf.grad[torch.tensor(known) == 0] == 0).all()


@pytest.mark.parametrize("name", NAMES)
def test_the_slope_leads_to_the_target(name):
    _, targets, _ = draw(4)
    loss, known = losses.of_heatmaps(name), torch.ones(2, 3)
    leaf = torch.zeros(targets.shape, requires_grad=True)
    adam = torch.optim.Adam([leaf], lr=0.1)
    for _ in range(200):
        adam.zero_grad()
        loss(leaf, torch.tensor(targets), known).backward()
        adam.step()
    heights = loss.heights(leaf.detach()).numpy()
    assert (heights[targets == 1] > 0.9).all()
    assert (heights[targets < 0.01] < 0.1).all()
    assert 0 <= heights.min() <= heights.max() <= 1


@pytest.mark.parametrize("name", NAMES)
def test_half_precision_is_judged_in_full(name):
    outputs, targets, known = map(torch.tensor, draw(5))
    loss = losses.of_heatmaps(name)
    got = loss(outputs.bfloat16(), targets.bfloat16(), known.bfloat16())
    assert got.dtype == torch.float32
    full = loss(outputs.bfloat16().float(), targets.bfloat16().float(), known.float())
    assert got.item() == pytest.approx(full.item())


def test_a_point_between_cells_is_one_point_of_the_focal_loss():
    spec = ModelSpec("t", ("a",), (), (0,), (16, 16), 1, 1.5)
    targets = gaussians(torch.tensor([[[7.3, 8.4]]]), spec)
    assert targets.max() < 1
    loss, known = losses.of_heatmaps("focal"), torch.ones(1, 1)
    sure = torch.full((1, 1, 16, 16), -20.0)
    missed = loss(sure, targets, known)
    sure[0, 0, 8, 7] = 20.0
    assert loss(sure, targets, known) < 1e-6
    assert missed == pytest.approx(20.0, rel=1e-3)


def test_an_unknown_name_is_told_what_there_is():
    with pytest.raises(ValueError, match=r"'fokal', there are mse.* awing; did you mean 'focal'"):
        losses.of_heatmaps("fokal")
    with pytest.raises(ValueError, match=r"loss of points is called 'awing', .* oks$"):
        losses.of_points("awing")
