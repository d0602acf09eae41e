"""Places → heatmaps, and back, as operations of a network: what is exported answers in heatmaps."""

from __future__ import annotations

import torch
from torch.nn import functional

from engines.spec import ModelSpec
from train.targets import gaussians


def points(xy: torch.Tensor, height: torch.Tensor, spec: ModelSpec) -> torch.Tensor:
    """Points (B, N, K, 2) in input px and heights (B, N, K) in 0…1 → heatmaps (B, K, h, w).

    Each is a Gaussian of its height; where those of several instances meet, the highest counts.
    """
    maps = gaussians(xy.flatten(0, 1), spec) * height.flatten(0, 1)[..., None, None]
    return maps.view(-1, xy.shape[1], *maps.shape[1:]).amax(dim=1)


def centroids(heatmaps: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Heatmaps (…, K, h, w) of one peak each → its place (…, K, 2) in cells, its height (…, K).

    The centroid of what stands above a quarter of the peak, squared, so that no cell comes in with
    a jump: right to 0.01 cells for a Gaussian of any height.
    """
    h, w = heatmaps.shape[-2:]
    flat = heatmaps.float().flatten(-2)
    peak = flat.amax(dim=-1, keepdim=True)
    return _centroid(_above(flat, peak), *_cells(h, w, flat)), peak.squeeze(-1)


def highest(heatmaps: torch.Tensor, sigma_cells: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Heatmaps (…, K, h, w) → the place of the highest peak (…, K, 2) in cells, its height (…, K).

    The centroid, as above, of what stands within 3 σ of the highest cell. What is further away is
    another guess, and a place between two guesses is neither.
    """
    h, w = heatmaps.shape[-2:]
    flat = heatmaps.float().flatten(-2)
    peak, best = flat.max(dim=-1, keepdim=True)
    columns, rows = _cells(h, w, flat)
    row = torch.div(best, w, rounding_mode="floor")
    near = (columns - (best - row * w)) ** 2 + (rows - row) ** 2 <= (3.0 * sigma_cells) ** 2
    return _centroid(near * _above(flat, peak), columns, rows), peak.squeeze(-1)


def _above(flat: torch.Tensor, peak: torch.Tensor) -> torch.Tensor:
    """Flat heatmaps and their peaks → what stands above a quarter of the peak, squared."""
    return functional.relu(flat - 0.25 * peak).square() + 1e-6


def _centroid(weight: torch.Tensor, columns: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
    """Weights (…, h · w) of cells → their centre of mass (…, 2)."""
    weight = weight / weight.sum(dim=-1, keepdim=True)
    return torch.stack([(weight * columns).sum(-1), (weight * rows).sum(-1)], dim=-1)


def _cells(h: int, w: int, like: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The column and the row (h · w,) of each cell of flat heatmaps."""
    columns = torch.arange(w, device=like.device, dtype=like.dtype).repeat(h)
    rows = torch.arange(h, device=like.device, dtype=like.dtype).repeat_interleave(w)
    return columns, rows
