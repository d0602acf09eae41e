"""Heatmap network: a timm encoder, a light decoder, and heads.

    picture ─ encoder ─ 2 ─ 4 ─ 8 ─ 16 ─ 32          (stages, by stride)
                            ├───┴────┴────┴─ decoder ─ features at stride 4 ─┬─ heatmaps
                            │                             seen from there ───┴─ visibility, presence
                            └─ detached, with the heatmaps ──────────────────── count

The count head, which only packets have, reads the encoder's features and the heatmaps detached:
what it wants to know by heart of the few real counts must not pull at what finds the corners.

With the decoder `bilinear` the last stage is enlarged to the size of the heatmaps, 1×1 convolutions
make them of it, and there is nothing else.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import nn
from torch.nn import functional

from engines.spec import ModelSpec
from train.count_head import CountHead
from train.encoder import Normalise, create, early, stages
from train.heatmaps import Heatmaps, Outputs, at_peaks, named, parted, seen_head
from train.layers import depthwise

COUNTS = True


class Trunk(NamedTuple):
    """What is said of B pictures without counting."""

    fine: torch.Tensor  # (B, C, h, w) features of the encoder's first stage that is used
    heatmaps: torch.Tensor  # (B, K, h, w)
    visibility: torch.Tensor  # (B, K) logits
    presence: torch.Tensor | None  # (B,) logit, of packets only


class Decoder(nn.Module):
    """Encoder stages of the heatmaps' stride and above → features there, coarse to fine."""

    def __init__(self, channels: list[int], width: int) -> None:
        super().__init__()
        self.laterals = nn.ModuleList(nn.Conv2d(c, width, 1) for c in channels)
        self.smooth = nn.ModuleList(depthwise(width, width) for _ in channels)

    def forward(self, stages: list[torch.Tensor]) -> torch.Tensor:
        """Stages fine to coarse → (B, width, h, w)."""
        up: torch.Tensor | None = None
        for i in reversed(range(len(stages))):
            here = self.laterals[i](stages[i])
            if up is not None:
                here = here + functional.interpolate(
                    up, size=here.shape[-2:], mode="bilinear", align_corners=False
                )
            up = self.smooth[i](here)
        assert up is not None  # noqa: S101 - there is at least one stage
        return up


class HeatmapModel(Heatmaps):
    """(B, 3, H, W) float BGR pictures of 0…255 → heatmaps and visibility."""

    frozen = 0

    def __init__(self, spec: ModelSpec, encoder: Any, width: int, loss: str, target: str) -> None:
        super().__init__(spec, loss, target)
        self.encoder = encoder
        given = stages(encoder)
        self.used = [i for i, stage in enumerate(given) if stage.stride >= spec.stride]
        if not self.used or given[self.used[0]].stride != spec.stride:
            strides = [stage.stride for stage in given]
            raise ValueError(
                f"the encoder must have a stage of stride {spec.stride}, got {strides}; "
                "heatmap's decoder bilinear takes any"
            )
        channels = [given[i].channels for i in self.used]
        self.decoder = Decoder(channels, width)
        last = self.last(width)
        self.heat = nn.Sequential(depthwise(width, width), last)
        self.seen = seen_head(channels[-1], width, spec)
        self.normalise = Normalise(encoder)

    def freeze(self, count: int) -> None:
        """Keep the encoder's first `count` stages as they are: weights and running figures.

        The finest maps cost the most and have the least to learn: with two of them frozen a step
        of training takes two thirds of its time.
        """
        for part in early(self.encoder, count):
            for weight in part.parameters(recurse=False):  # in a ViT's root are all its stages
                weight.requires_grad = False
        self.frozen = count

    def train(self, mode: bool = True) -> HeatmapModel:
        """As any module's; what is frozen stays as it judges."""
        super().train(mode)
        for part in early(self.encoder, self.frozen):
            part.training = False
        return self

    def trunk(self, images: torch.Tensor) -> Trunk:
        """Pictures → everything but the count."""
        found = self.encoder(self.normalise(images))
        found = [found[i] for i in self.used]
        features = self.decoder(found)
        heatmaps = self.heat(features)
        near = at_peaks(features, self.heights(heatmaps))
        seen = self.seen(torch.cat([found[-1].mean(dim=(2, 3)), near], dim=1))
        return Trunk(found[0], heatmaps, *parted(seen, self.spec))

    def forward(self, images: torch.Tensor) -> Outputs:
        """Pictures → what the losses are taken of."""
        return Outputs(*self.trunk(images)[1:])


class PacketModel(HeatmapModel):
    """The same, which counts the cards too."""

    def __init__(
        self,
        spec: ModelSpec,
        encoder: Any,
        width: int,
        *,
        loss: str,
        target: str,
        count_weight: float,
        centre_weight: float,
    ) -> None:
        super().__init__(spec, encoder, width, loss, target)
        self.count = CountHead(stages(encoder)[self.used[0]].channels, spec)
        self.count_weight, self.centre_weight = count_weight, centre_weight
        self.count.requires_grad_(bool(count_weight))  # several devices wait for what may learn

    def forward(self, images: torch.Tensor) -> Outputs:
        """Pictures → what the losses are taken of."""
        fine, heatmaps, visibility, presence = self.trunk(images)
        if self.training and not self.count_weight:  # its head comes later: fit --only-count
            return Outputs(heatmaps, visibility, presence)
        counts = self.count(fine, self.heights(heatmaps), visibility)
        return Outputs(heatmaps, visibility, presence, *counts)


class BilinearModel(Heatmaps):
    """(B, 3, H, W) float BGR pictures of 0…255 → heatmaps."""

    def __init__(self, spec: ModelSpec, encoder: Any, width: int, loss: str, target: str) -> None:
        super().__init__(spec, loss, target)
        self.encoder = encoder
        first = nn.Conv2d(stages(encoder)[-1].channels, width, 1)
        self.heat = nn.Sequential(first, nn.ReLU(inplace=True), self.last(width))
        self.normalise = Normalise(encoder)

    def forward(self, images: torch.Tensor) -> Outputs:
        """Pictures → what the losses are taken of."""
        coarse = self.encoder(self.normalise(images))[-1]
        size = self.spec.heatmap_hw
        large = functional.interpolate(coarse, size=size, mode="bilinear", align_corners=False)
        return Outputs(self.heat(large))


def build(
    spec: ModelSpec,
    encoder_model: str = "tf_efficientnet_lite0",
    layers: int = 5,
    weights: str = "none",
    width: int = 64,
    *,
    decoder: str = "lateral",
    loss: str = "mse",
    target: str = "gaussian",
    frozen: int = 0,
    count_weight: float = 0.3,
    centre_weight: float = 0.0,
) -> HeatmapModel | BilinearModel:
    """A model for `spec` on the first `layers` stages of a timm model.

    `weights` is a safetensors file of the encoder, "timm" for timm's own download, or "none".
    """
    named(loss, target)
    if decoder not in {"lateral", "bilinear"}:
        raise ValueError(f"the heatmap's decoder is lateral or bilinear, got {decoder!r}")
    if decoder == "bilinear" and frozen:
        raise ValueError("the decoder bilinear freezes nothing: leave frozen out")
    if decoder == "bilinear" and spec.max_cards is not None:
        raise ValueError("the decoder bilinear counts no cards: leave it out for packets")
    encoder = create(spec, encoder_model, layers, weights, width)
    if decoder == "bilinear":
        return BilinearModel(spec, encoder, width, loss, target)
    if spec.max_cards is None:
        model = HeatmapModel(spec, encoder, width, loss, target)
    else:
        weights_of = {"count_weight": count_weight, "centre_weight": centre_weight}
        model = PacketModel(spec, encoder, width, loss=loss, target=target, **weights_of)
    model.freeze(frozen)
    return model
