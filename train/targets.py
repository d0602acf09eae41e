"""Keypoints → the heatmaps that a network is trained towards."""

from __future__ import annotations

import torch

from engines.spec import ModelSpec


def gaussians(xy: torch.Tensor, spec: ModelSpec) -> torch.Tensor:
    """Keypoints (B, K, 2) in input px → heatmaps (B, K, h, w) with a peak of 1.

    exp(−d²/2σ²), d the distance in input pixels from the cell's centre. A keypoint that is NaN
    gives an empty heatmap.
    """
    rows, columns = (
        (torch.arange(n, device=xy.device, dtype=xy.dtype) + 0.5) * spec.stride - 0.5
        for n in spec.heatmap_hw
    )
    place = torch.nan_to_num(xy, nan=-1e6)
    gx = torch.exp(-((columns - place[..., :1]) ** 2) / (2 * spec.sigma_px**2))
    gy = torch.exp(-((rows - place[..., 1:]) ** 2) / (2 * spec.sigma_px**2))
    return gy[..., :, None] * gx[..., None, :]
