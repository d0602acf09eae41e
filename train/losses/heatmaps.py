"""Losses of heatmaps by name.

A loss is called with a network's outputs (B, K, h, w), targets (B, K, h, w) in [0, 1] and how well
each channel's truth is known (B, K), 0 = not at all, 1 = wholly; it gives one number. Whether the
outputs are heights or logits is the loss's to say: `heights` makes of them what engines give.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch.nn import functional

from train.named import find

Formula = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]


@dataclass(frozen=True, slots=True)
class HeatmapLoss:
    """A formula, and what it takes a network's outputs for."""

    formula: Formula
    logits: bool  # a height is the sigmoid of an output; otherwise the output itself

    def __call__(
        self, outputs: torch.Tensor, targets: torch.Tensor, known: torch.Tensor
    ) -> torch.Tensor:
        """Outputs (B, K, h, w), targets alike, known (B, K) → the loss, in float32."""
        return self.formula(outputs.float(), targets.float(), known.float())

    def heights(self, outputs: torch.Tensor) -> torch.Tensor:
        """A network's outputs → heatmaps in [0, 1]."""
        return torch.sigmoid(outputs) if self.logits else outputs.clamp(0.0, 1.0)


def _mean(each: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
    """Cells (B, K, h, w) → their mean over the channels that are known."""
    return (each.mean(dim=(-2, -1)) * known).sum() / known.sum().clamp(min=1)


def mse(heights: torch.Tensor, targets: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
    """Mean squared error."""
    return _mean((heights - targets) ** 2, known)


def l1(heights: torch.Tensor, targets: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
    """Mean absolute error."""
    return _mean((heights - targets).abs(), known)


def smooth_l1(heights: torch.Tensor, targets: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
    """x²/2 where the error x is below 1, |x| − ½ beyond (Girshick 2015)."""
    return _mean(functional.smooth_l1_loss(heights, targets, reduction="none"), known)


def bce(logits: torch.Tensor, targets: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
    """Binary cross-entropy of every cell: −y·log p − (1 − y)·log(1 − p), p the logit's sigmoid."""
    each = functional.binary_cross_entropy_with_logits(logits, targets, reduction="none")
    return _mean(each, known)


def focal(logits: torch.Tensor, targets: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
    """Penalty-reduced pixelwise focal loss (CenterNet, Zhou et al. 2019), α = 2, β = 4.

    −(1 − p)²·log p at the points' cells, −(1 − y)⁴·p²·log(1 − p) at all others; their sum over the
    number of the points' cells. CenterNet puts points on whole cells, where y = 1. Here a point may
    lie between cells: its cell is one above ½ and no lower than its eight neighbours, which comes
    to the same where all points lie on whole cells.
    """
    highest = functional.max_pool2d(targets, 3, stride=1, padding=1)
    at_point = (targets > 0.5) & (targets >= highest)
    p = logits.sigmoid()
    hit = -((1 - p) ** 2) * functional.logsigmoid(logits)
    other = -((1 - targets) ** 4) * p**2 * functional.logsigmoid(-logits)
    each = torch.where(at_point, hit, other).sum(dim=(-2, -1))
    points = (at_point.sum(dim=(-2, -1)) * known).sum()
    return (each * known).sum() / points.clamp(min=1)


_ALPHA, _OMEGA, _EPSILON, _THETA = 2.1, 14.0, 1.0, 0.5


def awing(heights: torch.Tensor, targets: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
    """Adaptive wing loss (Wang, Bo and Fuxin 2019), α = 2.1, ω = 14, ε = 1, θ = ½, unweighted.

    ω·ln(1 + |x/ε|^(α−y)) where the error |x| is below θ, beyond it the straight line A·|x| − C
    that goes on with the same slope: the higher the target, the steeper near 0.
    """
    error, power = (heights - targets).abs(), _ALPHA - targets
    ratio = math.log(_THETA / _EPSILON)
    at_theta = torch.exp(power * ratio)  # (θ/ε)^(α−y)
    slope = _OMEGA * power * torch.exp((power - 1) * ratio) / _EPSILON / (1 + at_theta)
    offset = _THETA * slope - _OMEGA * torch.log1p(at_theta)
    # 0 to a power has no slope that autograd would know
    near = _OMEGA * torch.log1p((error.clamp(1e-12, _THETA) / _EPSILON) ** power)
    return _mean(torch.where(error < _THETA, near, slope * error - offset), known)


HEATMAP_LOSSES = {
    "mse": HeatmapLoss(mse, logits=False),
    "l1": HeatmapLoss(l1, logits=False),
    "smooth-l1": HeatmapLoss(smooth_l1, logits=False),
    "bce": HeatmapLoss(bce, logits=True),
    "focal": HeatmapLoss(focal, logits=True),
    "awing": HeatmapLoss(awing, logits=False),
}


def of_heatmaps(name: str) -> HeatmapLoss:
    """The loss of that name; ValueError says which there are."""
    return find(HEATMAP_LOSSES, name, "loss of heatmaps")
