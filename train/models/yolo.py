"""One shot, as YOLO-pose (Maji et al., 2022) does it: cells with a box, its objectness, keypoints.

    picture ─ encoder ─ last stage ─ a cell: logit, box, and x, y, logit of each keypoint

The cell that holds a box's middle is taught its instance. All instances that are sure enough are
drawn, the surest one as high as it is sure, the others half as high: it is the one that is found.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import nn
from torch.nn import functional
from torchvision.ops import complete_box_iou_loss

from engines.spec import ModelSpec
from train import cells, drawing, losses
from train.approach import Approach, Said
from train.encoder import Normalise, convolution, create, stages
from train.example import Example
from train.places import PlaceLoss

EXPORTS_ALL = False  # boxes are not asked for

MOST = 16
"""Instances that are drawn, at most."""

SURE = 0.25
"""The objectness from which an instance is drawn beside the surest one."""


class Instances(NamedTuple):
    """What each of the C cells of B pictures says of an instance whose middle it may hold."""

    object: torch.Tensor  # (B, 1, rows, columns) logits
    box: torch.Tensor  # (B, C, 4) left, top, right, bottom in px, from the pixels' edges
    xy: torch.Tensor  # (B, C, K, 2) px
    seen: torch.Tensor  # (B, C, K) logits


class Yolo(Approach):
    """(B, 3, H, W) float BGR pictures of 0…255 → Instances."""

    def __init__(self, spec: ModelSpec, encoder: Any, width: int, off: PlaceLoss) -> None:
        super().__init__(spec)
        self.encoder, self.normalise, self.off = encoder, Normalise(encoder), off
        last, k = stages(encoder)[-1], len(spec.keypoints)
        self.stride = last.stride
        self.near = nn.Sequential(convolution(last.channels, width), convolution(width, width))
        self.object = cells.logits(width, 1)
        self.box = nn.Conv2d(width, 4, 1)
        self.points = nn.Conv2d(width, 3 * k, 1)

    def forward(self, images: torch.Tensor) -> Instances:
        """Pictures → instances."""
        near = self.near(self.encoder(self.normalise(images))[-1])
        hw, k = (near.shape[2], near.shape[3]), len(self.spec.keypoints)
        middles = cells.centres(hw, self.stride, near)
        box = self.box(near).flatten(2).transpose(1, 2)
        centre = middles + 0.5 + self.stride * box[..., :2]
        # e^6 is some 400 cells; beyond it nothing is learnt, and nothing overflows
        half = self.stride * torch.exp(box[..., 2:].clamp(-6.0, 6.0))
        points = self.points(near).flatten(2).transpose(1, 2).unflatten(2, (k, 3))
        xy = middles[:, None] + self.stride * points[..., :2]
        box = torch.cat([centre - half, centre + half], dim=2)
        return Instances(self.object(near), box, xy, points[..., 2])

    def loss(self, out: Instances, batch: Example) -> dict[str, torch.Tensor]:
        """Objectness of all cells; box and keypoints of those that hold an instance's middle."""
        corner, size = batch.boxes[..., :2], batch.boxes[..., 2:]
        is_one = batch.boxes.isfinite().all(dim=2)  # (B, N)
        hw = (out.object.shape[2], out.object.shape[3])
        at = cells.holding(corner + size / 2 - 0.5, hw, self.stride)
        logits = out.object.flatten(1)
        holds = torch.zeros_like(logits).scatter_reduce(1, at, is_one.to(logits.dtype), "amax")
        each = functional.binary_cross_entropy_with_logits(logits, holds, reduction="none")
        parts = {"object": each.sum(dim=1).mean()}

        picture, instance = torch.nonzero(is_one, as_tuple=True)
        cell = at[picture, instance]
        box = torch.cat([corner, corner + size], dim=2)[picture, instance]
        parts["box"] = complete_box_iou_loss(out.box[picture, cell], box, "sum") / max(len(box), 1)
        truth, area = batch.xy[picture, instance], batch.areas[picture, instance]
        parts["place"] = self.off(out.xy[picture, cell], truth, area)
        there = truth.isfinite().all(dim=2).float()
        known = batch.known[picture]
        parts["seen"] = 0.1 * losses.masked_bce(out.seen[picture, cell], there, known)
        return parts

    def predict(self, images: torch.Tensor) -> Said:
        """Pictures → Gaussians at the keypoints of the surest instances."""
        return self.answer(self(images))

    def answer(self, out: Instances) -> Said:
        """Instances → what `predict` says of them."""
        p = cells.peaks_only(torch.sigmoid(out.object)).flatten(1)
        sure, best = p.topk(min(MOST, p.shape[1]), dim=1)  # (B, M), the surest first
        k = len(self.spec.keypoints)
        xy = out.xy.gather(1, best[..., None, None].expand(-1, -1, k, 2))
        seen = torch.sigmoid(out.seen.gather(1, best[..., None].expand(-1, -1, k)))
        others = torch.where(sure >= SURE, 0.5 * sure, torch.zeros_like(sure))
        height = torch.cat([sure[:, :1], others[:, 1:]], dim=1)
        return Said(drawing.points(xy, height[..., None] * seen, self.spec))


def build(
    spec: ModelSpec,
    encoder_model: str = "resnet",
    layers: int = 5,
    weights: str = "none",
    width: int = 64,
    *,
    loss: str = "smooth-l1",
    oks_sigmas: Sequence[float] | None = None,
) -> Yolo:
    """Cells as large as the stride of the last of `layers` stages."""
    off = PlaceLoss(spec, loss, oks_sigmas)  # first: a wrong name is known before a download
    return Yolo(spec, create(spec, encoder_model, layers, weights, width), width, off)
