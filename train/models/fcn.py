"""Fully convolutional network, FCN-8s (Long, Shelhamer and Darrell, 2015), on any encoder.

    picture ─ encoder ─ 8 ─ 16 ─ 32      (the last three stages, with 5 of them)
                        │    │    └─ scores ─ ×2 ─┐
                        │    └────── scores ────── + ─ ×2 ─┐
                        └─────────── scores ────────────── + ─ enlarged ─ heatmaps

Scores are one map a keypoint; what enlarges them is learnt, and starts as bilinear.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn import functional

from engines.spec import ModelSpec
from train.encoder import Normalise, create, stages
from train.heatmaps import Heatmaps, Outputs, named


class Fcn(Heatmaps):
    """(B, 3, H, W) float BGR pictures of 0…255 → heatmaps."""

    def __init__(self, spec: ModelSpec, encoder: Any, loss: str, target: str) -> None:
        super().__init__(spec, loss, target)
        self.encoder, self.normalise = encoder, Normalise(encoder)
        given = stages(encoder)[-3:]
        times, rest = divmod(given[0].stride, spec.stride)
        if times < 1 or rest:
            raise ValueError(
                f"the third last stage must be as coarse as the heatmaps, got a stride of "
                f"{given[0].stride} for heatmaps of {spec.stride}: take more layers or less stride"
            )
        k = len(spec.keypoints)
        self.scores = nn.ModuleList(self.last(stage.channels) for stage in given)
        self.twice = nn.ModuleList(_enlarging(k, 2) for _ in given[1:])
        self.enlarge = _enlarging(k, times)

    def forward(self, images: torch.Tensor) -> Outputs:
        """Pictures → what the losses are taken of."""
        found = self.encoder(self.normalise(images))[-3:]
        x = self.scores[-1](found[-1])
        for i in reversed(range(len(found) - 1)):
            x = _as_large(self.twice[i](x), found[i].shape[-2:]) + self.scores[i](found[i])
        return Outputs(_as_large(self.enlarge(x), self.spec.heatmap_hw))


def _as_large(maps: torch.Tensor, hw: tuple[int, ...]) -> torch.Tensor:
    """Maps of about that size → of that size: where a stage's side was odd, by one cell."""
    if maps.shape[-2:] == hw:
        return maps
    return functional.interpolate(maps, size=hw, mode="bilinear", align_corners=False)


def _enlarging(k: int, times: int) -> nn.Module:
    """Maps (B, K, h, w) → `times` as large."""
    if times == 1:
        return nn.Identity()
    layer = nn.ConvTranspose2d(k, k, 2 * times, times, times // 2, bias=False)
    at = 1 - (torch.arange(2 * times) - times + 0.5).abs() / times
    with torch.no_grad():
        layer.weight.zero_()
        for channel in range(k):
            layer.weight[channel, channel] = at[:, None] * at
    return layer


def build(
    spec: ModelSpec,
    encoder_model: str = "vgg",
    layers: int = 5,
    weights: str = "none",
    width: int = 64,
    *,
    loss: str = "mse",
    target: str = "gaussian",
) -> Fcn:
    """A network on any timm model, or on "vgg" or "resnet" of that width, trained from nothing."""
    named(loss, target)
    return Fcn(spec, create(spec, encoder_model, layers, weights, width), loss, target)
