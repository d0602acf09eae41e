"""Stacked hourglasses (Newell, Yang and Deng, 2016), trained from nothing.

    picture ─ stem ─ stride 4 ─┬─ hourglass ─ features ─┬─ heatmaps, held to the truth
                               │                        │   │
                               └─────────────────────── + ──┴─ the next hourglass ─ …

Every stack sees what the one before it made of the picture, and is supervised as the last one is.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from engines.spec import ModelSpec
from train.encoder import Residual, convolution
from train.heatmaps import Heatmaps, Outputs

DEEPEST = 4
COARSEST_CELLS = 4


class Hourglass(nn.Module):
    """Features (B, C, h, w) → the same, seen from far away and from near."""

    def __init__(self, channels: int, depth: int) -> None:
        super().__init__()
        self.past = Residual(channels, channels)
        self.down = Residual(channels, channels)
        self.inner = Hourglass(channels, depth - 1) if depth > 1 else Residual(channels, channels)
        self.up = Residual(channels, channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Features → features."""
        far = self.up(self.inner(self.down(functional.max_pool2d(x, 2))))
        near: torch.Tensor = self.past(x)
        return near + functional.interpolate(far, size=x.shape[-2:], mode="nearest")


class Stacked(Heatmaps):
    """(B, 3, H, W) float BGR pictures of 0…255 → heatmaps, of each stack."""

    def __init__(self, spec: ModelSpec, width: int, stacks: int, loss: str, target: str) -> None:
        super().__init__(spec, loss, target)
        if spec.stride != 4 or stacks < 1:
            raise ValueError(
                f"hourglasses have a stride of 4 and one stack or more, got {spec.stride}, {stacks}"
            )
        smallest, k = min(spec.heatmap_hw), len(spec.keypoints)
        depth = max(1, min(DEEPEST, (smallest // COARSEST_CELLS).bit_length() - 1))
        self.stem = nn.Sequential(
            convolution(3, width // 2, 2, 7),
            Residual(width // 2, width),
            nn.MaxPool2d(2),
            Residual(width, width),
        )
        self.hourglasses = nn.ModuleList(
            nn.Sequential(Hourglass(width, depth), convolution(width, width, 1, 1))
            for _ in range(stacks)
        )
        self.heat = nn.ModuleList(self.last(width) for _ in range(stacks))
        self.again = nn.ModuleList(nn.Conv2d(width + k, width, 1) for _ in range(stacks - 1))

    def forward(self, images: torch.Tensor) -> Outputs:
        """Pictures → what the losses are taken of."""
        x, said = self.stem(images / 127.5 - 1.0), []
        for i, hourglass in enumerate(self.hourglasses):
            features = hourglass(x)
            said.append(self.heat[i](features))
            if i < len(self.again):
                x = x + self.again[i](torch.cat([features, said[-1]], dim=1))
        return Outputs(said[-1], earlier=tuple(said[:-1]))


def build(
    spec: ModelSpec,
    width: int = 64,
    stacks: int = 2,
    *,
    loss: str = "mse",
    target: str = "gaussian",
) -> Stacked:
    """So many hourglasses of `width` channels."""
    return Stacked(spec, width, stacks, loss, target)
