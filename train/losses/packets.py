"""What a packet model's heads are held against: heatmaps, visibility, presence and count."""

from __future__ import annotations

import torch
from torch.nn import functional


def heatmap_mse(
    heatmaps: torch.Tensor, targets: torch.Tensor, known: torch.Tensor, sigma_cells: float
) -> torch.Tensor:
    """Channel-wise mean squared error over the channels (B, K) whose truth is known.

    Scaled by the number of cells over πσ², the energy of one Gaussian, so that an empty answer
    to one keypoint costs 1 whatever the size of the heatmap.
    """
    cells = heatmaps.shape[-1] * heatmaps.shape[-2]
    scale = cells / (torch.pi * sigma_cells**2)
    each = ((heatmaps - targets) ** 2).mean(dim=(-2, -1)) * scale
    return (each * known).sum() / known.sum().clamp(min=1)


def masked_bce(logits: torch.Tensor, truth: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
    """Binary cross-entropy over the entries that are known."""
    each = functional.binary_cross_entropy_with_logits(logits, truth, reduction="none")
    return (each * known).sum() / known.sum().clamp(min=1)


def count_nll(
    log_p: torch.Tensor, mean: torch.Tensor, cards: torch.Tensor, known: torch.Tensor
) -> torch.Tensor:
    """Negative log-likelihood of the true count, over the pictures whose count is known.

    log_p (B, R, C) is over 1..C cards, by R readings that learn each by itself. The smooth-L1 pull
    on the means (B, R) is there for a start so far off that the distribution's tail has no slope
    left.
    """
    index = (cards.clamp(1, log_p.shape[-1]) - 1)[:, None, None].expand(*log_p.shape[:2], 1)
    nll = -log_p.gather(2, index).squeeze(2)
    truth = cards.to(mean.dtype)[:, None].expand_as(mean)
    pull = functional.smooth_l1_loss(mean, truth, reduction="none")
    each = (nll + 0.1 * pull).mean(dim=1)
    return (each * known).sum() / known.sum().clamp(min=1)
