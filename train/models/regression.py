"""Regression (Toshev and Szegedy, 2014): a backbone, and 2K numbers that are the places.

    picture ─ encoder ─ last stage ─ 1×1 ─ flat ─┬─ 2K: x, y of each keypoint
                                                 └─ K: whether it can be seen

Without the second kind, a picture of nothing would get points as sure as any other's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import nn

from engines.spec import ModelSpec
from train import drawing, losses
from train.approach import Approach, Said
from train.encoder import Normalise, create, stages
from train.example import Example
from train.places import PlaceLoss


class Places(NamedTuple):
    """K keypoints of B pictures."""

    xy: torch.Tensor  # (B, K, 2) px of the pictures
    seen: torch.Tensor  # (B, K) logits


class Regression(Approach):
    """(B, 3, H, W) float BGR pictures of 0…255 → Places."""

    def __init__(self, spec: ModelSpec, encoder: nn.Module, width: int, off: PlaceLoss) -> None:
        super().__init__(spec)
        self.off = off
        self.encoder, self.normalise = encoder, Normalise(encoder)
        last = stages(encoder)[-1]
        cells = -(-spec.input_hw[0] // last.stride) * -(-spec.input_hw[1] // last.stride)
        self.narrow = nn.Sequential(nn.Conv2d(last.channels, width, 1), nn.ReLU(inplace=True))
        self.dense = nn.Sequential(nn.Linear(width * cells, 4 * width), nn.ReLU(inplace=True))
        self.places = nn.Linear(4 * width, 2 * len(spec.keypoints))
        self.seen = nn.Linear(4 * width, len(spec.keypoints))
        self.size: torch.Tensor
        size = torch.tensor(spec.input_hw[::-1], dtype=torch.float32)
        self.register_buffer("size", size, persistent=False)

    def forward(self, images: torch.Tensor) -> Places:
        """Pictures → places."""
        coarse = self.encoder(self.normalise(images))[-1]
        dense = self.dense(self.narrow(coarse).flatten(1))
        # 0 is the middle, ±1 are the borders
        xy = (self.places(dense).unflatten(1, (-1, 2)) + 1.0) / 2.0 * self.size - 0.5
        return Places(xy, self.seen(dense))

    def loss(self, out: Places, batch: Example) -> dict[str, torch.Tensor]:
        """Places beside those of the instance that the picture is about."""
        truth = batch.xy[:, 0]
        there = truth.isfinite().all(dim=2).float()
        seen = losses.masked_bce(out.seen, there, batch.known)
        return {"place": self.off(out.xy, truth, batch.areas[:, 0]), "seen": 0.1 * seen}

    def predict(self, images: torch.Tensor) -> Said:
        """Pictures → Gaussians at the places, as high as they are sure to be seen."""
        out = self(images)
        return Said(drawing.points(out.xy[:, None], torch.sigmoid(out.seen)[:, None], self.spec))


def build(
    spec: ModelSpec,
    encoder_model: str = "resnet",
    layers: int = 5,
    weights: str = "none",
    width: int = 64,
    *,
    loss: str = "smooth-l1",
    oks_sigmas: Sequence[float] | None = None,
) -> Regression:
    """A network on any timm model, or on "vgg" or "resnet", trained from nothing."""
    off = PlaceLoss(spec, loss, oks_sigmas)  # first: a wrong name is known before a download
    return Regression(spec, create(spec, encoder_model, layers, weights, width), width, off)
