"""A grid of cells: each says for every keypoint whether it is in it, and where.

    picture ─ encoder ─ last stage ─ 3K numbers a cell: a logit, and x, y from the cell's centre

A keypoint may be there any number of times. The cell that holds one is taught where it is; at the
end a cell counts if none beside it is surer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import nn
from torch.nn import functional

from engines.spec import ModelSpec
from train import cells, drawing
from train.approach import Approach, Said
from train.encoder import Normalise, convolution, create, stages
from train.example import Example
from train.places import PlaceLoss

MOST = 16
"""Points of one kind that are drawn, the surest ones."""


class Cells(NamedTuple):
    """K keypoints in the C cells of B pictures."""

    held: torch.Tensor  # (B, K, rows, columns) logits
    xy: torch.Tensor  # (B, K, C, 2) px of the picture


class Grid(Approach):
    """(B, 3, H, W) float BGR pictures of 0…255 → Cells."""

    def __init__(self, spec: ModelSpec, encoder: Any, width: int, off: PlaceLoss) -> None:
        super().__init__(spec)
        self.encoder, self.normalise, self.off = encoder, Normalise(encoder), off
        last = stages(encoder)[-1]
        self.stride = last.stride
        self.near = convolution(last.channels, width)
        self.held = cells.logits(width, len(spec.keypoints))
        self.places = nn.Conv2d(width, 2 * len(spec.keypoints), 1)

    def forward(self, images: torch.Tensor) -> Cells:
        """Pictures → cells."""
        near = self.near(self.encoder(self.normalise(images))[-1])
        held, hw = self.held(near), (near.shape[2], near.shape[3])
        off = self.places(near).view(-1, len(self.spec.keypoints), 2, hw[0] * hw[1])
        xy = off.transpose(2, 3) * self.stride + cells.centres(hw, self.stride, near)
        return Cells(held, xy)

    def loss(self, out: Cells, batch: Example) -> dict[str, torch.Tensor]:
        """Which cells hold points, and where these are in them."""
        hw = (out.held.shape[2], out.held.shape[3])
        at = cells.holding(batch.xy, hw, self.stride)  # (B, N, K)
        there = batch.xy.isfinite().all(dim=3)
        holds = (
            torch.zeros_like(out.held)
            .flatten(2)
            .scatter_reduce(2, at.transpose(1, 2), there.transpose(1, 2).to(out.held.dtype), "amax")
        )
        each = functional.binary_cross_entropy_with_logits(
            out.held.flatten(2), holds, reduction="none"
        )
        held = (each.sum(dim=2) * batch.known).sum() / batch.known.sum().clamp(min=1)
        index = at.transpose(1, 2)[..., None].expand(-1, -1, -1, 2)
        said = out.xy.gather(2, index).transpose(1, 2)  # (B, N, K, 2)
        place = self.off(said.flatten(0, 1), batch.xy.flatten(0, 1), batch.areas.flatten())
        return {"held": held, "place": place}

    def predict(self, images: torch.Tensor) -> Said:
        """Pictures → Gaussians at the surest cells' places, as high as they are sure."""
        return self.answer(self(images))

    def answer(self, out: Cells) -> Said:
        """Cells → what `predict` says of them."""
        p = cells.peaks_only(torch.sigmoid(out.held)).flatten(2)
        height, best = p.topk(min(MOST, p.shape[2]), dim=2)  # (B, K, M)
        xy = out.xy.gather(2, best[..., None].expand(-1, -1, -1, 2))
        return Said(drawing.points(xy.transpose(1, 2), height.transpose(1, 2), self.spec))


def build(
    spec: ModelSpec,
    encoder_model: str = "resnet",
    layers: int = 4,
    weights: str = "none",
    width: int = 64,
    *,
    loss: str = "smooth-l1",
    oks_sigmas: Sequence[float] | None = None,
) -> Grid:
    """Cells as large as the stride of the last of `layers` stages."""
    off = PlaceLoss(spec, loss, oks_sigmas)  # first: a wrong name is known before a download
    return Grid(spec, create(spec, encoder_model, layers, weights, width), width, off)
