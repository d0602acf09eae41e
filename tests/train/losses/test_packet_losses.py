import math

import pytest

torch = pytest.importorskip("torch")

from train import losses  # noqa: E402


def test_missing_one_keypoint_costs_the_same_in_any_size():
    costs = []
    for n in (32, 64):
        at = torch.arange(n) - n / 2
        peak = torch.exp(-(at[:, None] ** 2 + at[None] ** 2) / (2 * 2.0**2))[None, None]
        costs.append(losses.heatmap_mse(torch.zeros(1, 1, n, n), peak, torch.ones(1, 1), 2.0))
    assert costs[0] == pytest.approx(1.0, rel=0.01)
    assert costs[1] == pytest.approx(1.0, rel=0.01)


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
