"""What approaches that say places, not heatmaps, are held to: points, by a loss's name."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from engines.spec import ModelSpec
from train import losses

REACH = 0.05
"""Of the input's longer side: the distance that counts as 1."""

SIGMA = 0.05
"""COCO's sigma of a keypoint for which nobody has measured one: between an eye and a wrist."""


class PlaceLoss:
    """Points, the true ones and their instances' areas → how far off they are, by a loss's name."""

    def __init__(self, spec: ModelSpec, name: str, oks_sigmas: Sequence[float] | None) -> None:
        self._of_points = losses.of_points(name)
        self._oks = name == "oks"
        self._sigmas = tuple(oks_sigmas or [SIGMA] * len(spec.keypoints))
        self._reach_px = REACH * max(spec.input_hw)

    def __call__(self, xy: torch.Tensor, truth: torch.Tensor, areas: torch.Tensor) -> torch.Tensor:
        """Points (B, K, 2) and the true ones in input px, NaN = not known; areas (B,) px²."""
        reach = torch.full_like(xy[..., 0], self._reach_px)
        if self._oks:
            reach = losses.oks_reach(areas.nan_to_num(nan=1.0), self._sigmas)
        return self._of_points(xy, truth, torch.ones_like(xy[..., 0]), reach)
