"""Losses of points by name.

A loss is called with points (B, K, 2), the true ones (B, K, 2), how well each is known (B, K), and
the reach of each (B, K): the distance that counts as 1, in the points' unit. Inputs' sides for a
regression, say, or `oks_reach`. A true point that is NaN is not known, whatever `known` says.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch.nn import functional

from train.named import find

PointLoss = Callable[[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]


def oks_reach(areas: torch.Tensor, sigmas: Sequence[float]) -> torch.Tensor:
    """Areas (B,) of instances in px², COCO's sigma of each of K keypoints → reaches (B, K) in px.

    s·k, with s² the area and k = 2σ (cocodataset.org/#keypoints-eval).
    """
    return areas.sqrt()[:, None] * 2 * torch.as_tensor(sigmas, dtype=areas.dtype).to(areas.device)


def _errors(
    outputs: torch.Tensor, truth: torch.Tensor, known: torch.Tensor, reach: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Errors (B, K, 2) in reaches, 0 where nothing is known, and how well they are known (B, K)."""
    some = truth.isfinite().all(dim=-1) & (known > 0)
    # NaN times 0 is NaN, in the gradient too: what is not known must be gone before it is used
    there = torch.where(some[..., None], truth, outputs.detach()).float()
    unit = torch.where(some, reach, 1.0)[..., None]
    return (outputs.float() - there) / unit, torch.where(some, known, 0).float()


def _mean(each: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
    """Coordinates (B, K, 2) → their mean over the points that are known."""
    return (each.mean(dim=-1) * known).sum() / known.sum().clamp(min=1)


def mse(
    outputs: torch.Tensor, truth: torch.Tensor, known: torch.Tensor, reach: torch.Tensor
) -> torch.Tensor:
    """Mean squared error of the coordinates, in reaches."""
    errors, known = _errors(outputs, truth, known, reach)
    return _mean(errors**2, known)


def l1(
    outputs: torch.Tensor, truth: torch.Tensor, known: torch.Tensor, reach: torch.Tensor
) -> torch.Tensor:
    """Mean absolute error of the coordinates, in reaches."""
    errors, known = _errors(outputs, truth, known, reach)
    return _mean(errors.abs(), known)


def smooth_l1(
    outputs: torch.Tensor, truth: torch.Tensor, known: torch.Tensor, reach: torch.Tensor
) -> torch.Tensor:
    """x²/2 where a coordinate's error x is below its reach, |x| − ½ beyond (Girshick 2015)."""
    errors, known = _errors(outputs, truth, known, reach)
    each = functional.smooth_l1_loss(errors, torch.zeros_like(errors), reduction="none")
    return _mean(each, known)


def oks(
    outputs: torch.Tensor, truth: torch.Tensor, known: torch.Tensor, reach: torch.Tensor
) -> torch.Tensor:
    """1 − object keypoint similarity, averaged over the instances with a known point.

    exp(−d²/2s²k²) with s·k from `oks_reach`, averaged over an instance's known points, as COCO
    defines it: an instance of which few points are known weighs as much as any other. A point many
    reaches off has no slope left, so that a start far off wants another loss.
    """
    errors, known = _errors(outputs, truth, known, reach)
    alike = torch.exp(-(errors**2).sum(dim=-1) / 2)
    points = known.sum(dim=-1)
    similarity = (alike * known).sum(dim=-1) / points.clamp(min=1e-6)
    some = (points > 0).float()
    return ((1 - similarity) * some).sum() / some.sum().clamp(min=1)


POINT_LOSSES: dict[str, PointLoss] = {"mse": mse, "l1": l1, "smooth-l1": smooth_l1, "oks": oks}


def of_points(name: str) -> PointLoss:
    """The loss of that name; ValueError says which there are."""
    return find(POINT_LOSSES, name, "loss of points")
