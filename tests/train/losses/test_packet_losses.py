import math

import pytest

torch = pytest.importorskip("torch")

from stream.decode import decode  # noqa: E402
from train import losses  # noqa: E402


def test_missing_one_keypoint_costs_the_same_in_any_size():
    costs = []
    for n in (32, 64):
        at = torch.arange(n) - n / 2
        peak = torch.exp(-(at[:, None] ** 2 + at[None] ** 2) / (2 * 2.0**2))[None, None]
        costs.append(losses.heatmap_mse(torch.zeros(1, 1, n, n), peak, torch.ones(1, 1), 2.0))
    assert costs[0] == pytest.approx(1.0, rel=0.01)
    assert costs[1] == pytest.approx(1.0, rel=0.01)


def gaussians(places, sigma=1.5, n=32):
    """Places (B, K, 2) in cells → heatmaps (B, K, n, n)."""
    at = torch.arange(float(n))
    x, y = (torch.exp(-((at - places[..., i, None]) ** 2) / (2 * sigma**2)) for i in (0, 1))
    return y[..., :, None] * x[..., None, :]


def centre(maps, truth, known):
    return losses.off_centre(losses.found_off(maps, truth, known, 1.5), known)


def along(maps, truth, known, edges=((0, 1),)):
    return losses.off_along(losses.found_off(maps, truth, known, 1.5), known, edges)


@pytest.mark.parametrize("off", [(0.0, 0.0), (0.4, 0.0), (-0.3, 0.6)])
def test_a_peak_beside_its_corner_costs_its_distance_in_sigmas(off):
    truth = torch.tensor([[[15.3, 17.8], [10.0, 20.5]]])
    maps = gaussians(truth + torch.tensor(off))
    got = centre(maps, truth, torch.ones(1, 2))
    assert got == pytest.approx(math.hypot(*off) / 1.5, abs=0.02)


def test_a_broad_peak_is_no_nearer_for_being_broad():
    """Its cells around the truth would average to the truth."""
    truth = torch.tensor([[[15.3, 17.8]]])
    broad = gaussians(truth + 1.2, sigma=4.0)
    assert centre(broad, truth, torch.ones(1, 1)) == pytest.approx(1.2 * 2**0.5 / 1.5, abs=0.1)


@pytest.mark.parametrize("seed", range(3))
def test_what_is_measured_is_what_the_decoder_says(seed):
    torch.manual_seed(seed)
    truth = torch.tensor([[[15.3, 17.8], [12.0, 20.5]]])
    maps = gaussians(truth + 0.7) + 0.4 * gaussians(truth + torch.randn(1, 2, 2))
    found = decode(maps.numpy(), 1.5).xy
    off = losses.found_off(maps, truth, torch.ones(1, 2), 1.5)
    assert off.clear.all()
    assert off.sigmas.numpy() * 1.5 + truth.numpy() == pytest.approx(found, abs=0.03)


def test_a_peak_that_is_somewhere_else_says_nothing():
    truth = torch.tensor([[[10.0, 10.0]]])
    assert centre(gaussians(truth + 8), truth, torch.ones(1, 1)) == 0


def test_a_peak_beside_its_corner_is_drawn_to_it():
    truth = torch.tensor([[[15.3, 17.8]]])
    place = (truth + torch.tensor([0.5, -0.7])).requires_grad_()
    centre(gaussians(place), truth, torch.ones(1, 1)).backward()
    assert place.grad[0, 0, 0] > 0 > place.grad[0, 0, 1]


@pytest.mark.parametrize(
    ("place", "height", "known"),
    [((15.0, 15.0), 0.2, 1.0), ((15.0, 15.0), 1.0, 0.0), ((1.0, 15.0), 1.0, 1.0)],
    ids=["faint", "unknown", "at the border"],
)
def test_a_corner_whose_peak_says_nothing_of_its_place_costs_nothing(place, height, known):
    truth = torch.tensor([[[*place]]])
    maps = (height * gaussians(truth + 0.5)).requires_grad_()
    cost = centre(maps, truth, torch.tensor([[known]]))
    cost.backward()
    assert cost == 0
    assert not maps.grad.any()


def test_corners_that_are_nowhere_cost_nothing_and_harm_nothing():
    maps = torch.rand(1, 2, 32, 32, requires_grad=True)
    truth = torch.full((1, 2, 2), math.nan)
    cost = centre(maps, truth, torch.ones(1, 2)) + along(maps, truth, torch.ones(1, 2))
    cost.backward()
    assert cost == 0
    assert torch.isfinite(maps.grad).all()


@pytest.mark.parametrize(
    ("offs", "cost"),
    [
        (((0.5, 0.2), (0.5, 0.2)), 0.0),  # both off alike: the edge is as it was
        (((0.3, 0.0), (-0.3, 0.0)), 0.6),
        (((0.0, 0.4), (0.3, 0.0)), 0.5),
    ],
)
def test_an_edge_costs_what_its_ends_are_off_by_against_each_other(offs, cost):
    truth = torch.tensor([[[15.3, 17.8], [10.0, 20.5]]])
    maps = gaussians(truth + torch.tensor(offs))
    assert along(maps, truth, torch.ones(1, 2)) == pytest.approx(cost / 1.5, abs=0.02)


def test_an_edge_with_an_end_that_is_faint_or_unknown_costs_nothing():
    truth = torch.tensor([[[15.0, 17.0], [10.0, 20.0], [20.0, 10.0]]])
    maps = gaussians(truth + 0.4 * torch.tensor([1.0, -1.0, 1.0])[:, None])
    maps[:, 0] *= 0.2
    known = torch.tensor([[1.0, 1.0, 0.0]])
    edges = ((0, 1), (1, 2))
    assert along(maps, truth, known, edges) == 0
    assert along(maps, truth, torch.ones(1, 3), edges) > 0
    assert along(maps, truth, known, ()) == 0


def test_channels_of_unknown_truth_do_not_pull():
    maps = torch.ones(1, 2, 8, 8, requires_grad=True)
    losses.heatmap_mse(maps, torch.zeros(1, 2, 8, 8), torch.tensor([[1.0, 0.0]]), 1.0).backward()
    assert maps.grad[0, 0].abs().min() > 0
    assert (maps.grad[0, 1] == 0).all()


def test_nothing_known_costs_nothing():
    none = torch.zeros(2, 3)
    assert losses.heatmap_mse(torch.ones(2, 3, 4, 4), torch.zeros(2, 3, 4, 4), none, 1.0) == 0
    assert losses.masked_bce(torch.ones(2, 3), torch.zeros(2, 3), none) == 0


def test_masked_bce_is_the_mean_over_what_is_known():
    logits = torch.tensor([[0.0, 2.0, -1.0]])
    truth = torch.tensor([[1.0, 0.0, 1.0]])
    got = losses.masked_bce(logits, truth, torch.tensor([[1.0, 1.0, 0.0]]))
    assert got == pytest.approx((math.log(2) + math.log(1 + math.exp(2))) / 2)


def test_the_count_loss_reads_the_bin_of_the_true_count():
    log_p = torch.log_softmax(torch.arange(52.0).repeat(2, 1, 1), dim=2)
    mean = torch.tensor([[7.0], [52.0]])
    cards = torch.tensor([7, 52])
    got = losses.count_nll(log_p, mean, cards, torch.tensor([1.0, 0.0]))
    assert got == pytest.approx(-log_p[0, 0, 6].item())
    got = losses.count_nll(log_p, mean, cards, torch.tensor([0.0, 1.0]))
    assert got == pytest.approx(-log_p[0, 0, 51].item())


def test_a_mean_far_off_is_pulled_towards_the_truth():
    mean = torch.tensor([[1.0]], requires_grad=True)
    flat = torch.full((1, 1, 52), -math.log(52))
    losses.count_nll(flat, mean, torch.tensor([40]), torch.ones(1)).backward()
    assert mean.grad.item() < 0
