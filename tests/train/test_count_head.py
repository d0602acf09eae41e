import numpy as np
import pytest

torch = pytest.importorskip("torch")

from engines.spec import ModelSpec  # noqa: E402
from stream.packet import EDGES, FLIP, KEYPOINTS, MAX_CARDS  # noqa: E402
from train import count_head  # noqa: E402
from train.targets import gaussians  # noqa: E402

SPEC = ModelSpec("t", KEYPOINTS, EDGES, FLIP, (128, 128), 4, 6.0, MAX_CARDS)
CORNERS = np.array(
    [(30, 30), (80, 34), (28, 38), (78, 42), (40, 80), (90, 84), (38, 88), (88, 92)], np.float32
)


@pytest.fixture(scope="module")
def head():
    torch.manual_seed(1)
    return count_head.CountHead(16, SPEC).eval()


@torch.no_grad()
def test_each_distribution_is_one_and_sits_about_its_mean(head):
    counts = head(torch.randn(4, 16, 32, 32), torch.rand(4, 8, 32, 32), torch.ones(4, 8))
    assert counts.mean.shape == (4, 2)
    torch.testing.assert_close(counts.log_p.exp().sum(2), torch.ones(4, 2), atol=1e-4, rtol=0)
    best = counts.log_p.argmax(2) + 1
    assert ((best - counts.mean.clamp(1, 52)).abs() <= 1).all()


def test_the_mixture_is_as_wide_as_its_readings_disagree():
    log_p = torch.full((2, 2, 52), -np.inf)
    log_p[0, :, 29] = 0.0
    log_p[1, 0, 19] = log_p[1, 1, 39] = 0.0
    p = count_head.mixture(log_p)
    cards = torch.arange(1.0, 53.0)
    torch.testing.assert_close(p @ cards, torch.tensor([30.0, 30.0]))
    assert p[0, 29] == 1
    assert p[1, 19] == p[1, 39] == 0.5


def seen(xy):
    heatmaps = gaussians(torch.from_numpy(xy)[None], SPEC)
    return count_head.geometry(heatmaps, torch.ones(1, 8), SPEC.edges)[0]


def test_geometry_knows_no_place_and_no_size():
    here = seen(CORNERS)
    assert here.shape == (4 * 8 + 2 * len(EDGES) + 1,)
    moved = seen(CORNERS + np.float32([11.3, -6.7]))
    shape = 2 * 8 + 2 * len(EDGES)  # then visibility, peaks, size
    torch.testing.assert_close(moved[:shape], here[:shape], atol=0.03, rtol=0)
    smaller = seen((CORNERS * np.float32(0.8)).astype(np.float32))
    torch.testing.assert_close(smaller[:shape], here[:shape], atol=0.03, rtol=0)
    assert smaller[-1].item() == pytest.approx(0.8 * here[-1].item(), rel=0.02)


def test_geometry_is_finer_than_a_cell():
    at = 16 + 2 * EDGES.index((0, 2)) + 1  # y along the edge from a face's corner to its back's
    for thickness in (8.0, 8.5, 9.0, 11.0):
        xy = CORNERS.copy()
        xy[[2, 3, 6, 7], 1] += thickness - 8.0
        got = seen(xy)
        cells = got[at].item() * got[-1].item() * 32
        assert abs(cells) == pytest.approx(thickness / 4, abs=0.03)


def test_an_empty_heatmap_gives_numbers(head):
    counts = head(torch.zeros(1, 16, 32, 32), torch.zeros(1, 8, 32, 32), torch.zeros(1, 8))
    assert torch.isfinite(counts.log_p).all()


def test_the_running_scale_goes_by_all_that_was_seen():
    torch.manual_seed(0)
    scale = count_head.RunningScale(2)
    seen = torch.randn(50, 16, 2) * torch.tensor([3.0, 0.1]) + torch.tensor([5.0, -2.0])
    for batch in seen:
        scale(batch)
    every = seen.flatten(0, 1)
    one = torch.tensor([[8.0, -1.9]])
    wanted = (one - every.mean(0)) / every.std(0, correction=0)
    torch.testing.assert_close(scale.eval()(one), wanted, atol=1e-3, rtol=1e-3)
    torch.testing.assert_close(scale(one), wanted, atol=1e-3, rtol=1e-3)  # and no more changes
