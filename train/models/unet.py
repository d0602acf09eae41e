"""U-Net (Ronneberger et al., 2015): small, trained from nothing, with the heads that packets need.

    picture ─ 1 ─ 2 ─ 4 ─ 8 ─ 16 ─┐       (strides; each is half as fine as the one before)
                      └───┴───┴─ up ─ features at the heatmaps' stride ─┬─ heatmaps, visibility
                                └─ detached, with the heatmaps ─────────┴─ count

The count reads what finds the corners and must not pull at it.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from engines.spec import ModelSpec
from train.count_head import CountHead
from train.encoder import convolution
from train.heatmaps import Heatmaps, Outputs, at_peaks, parted, seen_head

COUNTS = True
DEPTH = 5


class UNet(Heatmaps):
    """(B, 3, H, W) float BGR pictures of 0…255 → heatmaps, visibility, and a packet's count."""

    def __init__(
        self,
        spec: ModelSpec,
        width: int,
        *,
        loss: str,
        target: str,
        count_weight: float,
        centre_weight: float,
    ) -> None:
        super().__init__(spec, loss, target)
        if spec.stride not in (1, 2, 4, 8):
            raise ValueError(
                f"the U-Net's heatmaps have a stride of 1, 2, 4 or 8, got {spec.stride}"
            )
        channels = [max(8, min(width * 2**i // 4, 2 * width)) for i in range(DEPTH)]
        self.finest = spec.stride.bit_length() - 1
        self.down = nn.ModuleList(
            _twice(before, after) for before, after in zip([3, *channels], channels, strict=False)
        )
        self.up = nn.ModuleList(
            _twice(channels[i] + channels[i + 1], channels[i])
            for i in reversed(range(self.finest, DEPTH - 1))
        )
        fine = channels[self.finest]
        self.heat = self.last(fine)
        self.seen = seen_head(channels[-1], fine, spec)
        self.count = CountHead(fine, spec) if spec.max_cards is not None else None
        self.count_weight, self.centre_weight = count_weight, centre_weight
        if self.count is not None:
            self.count.requires_grad_(bool(count_weight))

    def forward(self, images: torch.Tensor) -> Outputs:
        """Pictures → what the losses are taken of."""
        x, past = images / 127.5 - 1.0, []
        for i, down in enumerate(self.down):
            x = down(functional.max_pool2d(x, 2) if i else x)
            past.append(x)
        for up, beside in zip(self.up, reversed(past[:-1]), strict=False):
            x = functional.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)
            x = up(torch.cat([x, beside], dim=1))
        heatmaps = self.heat(x)
        heights = self.heights(heatmaps)
        coarse = past[-1].mean(dim=(2, 3))
        seen = self.seen(torch.cat([coarse, at_peaks(x, heights)], dim=1))
        visibility, presence = parted(seen, self.spec)
        if self.count is None or (self.training and not self.count_weight):
            return Outputs(heatmaps, visibility, presence)
        return Outputs(heatmaps, visibility, presence, *self.count(x, heights, visibility))


def _twice(inner: int, outer: int) -> nn.Sequential:
    return nn.Sequential(convolution(inner, outer), convolution(outer, outer))


def build(
    spec: ModelSpec,
    width: int = 64,
    *,
    loss: str = "mse",
    target: str = "gaussian",
    count_weight: float = 0.3,
    centre_weight: float = 0.0,
) -> UNet:
    """A U-Net for `spec`: width / 4 channels at full size, 2 · width at the coarsest."""
    weights_of = {"count_weight": count_weight, "centre_weight": centre_weight}
    return UNet(spec, width, loss=loss, target=target, **weights_of)
