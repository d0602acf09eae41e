"""Which of a packet's two namings a picture holds the network to, where either is as good.

A packet turned by 180° is the same packet, named by the side that stands higher in the picture
(`stream.packet.canonical`). Of one that lies level that is a matter of a pixel: a network that is
punished for the wrong guess learns to say both halves of each, and then no corner is anywhere.
"""

from __future__ import annotations

import torch

from engines.spec import ModelSpec
from stream.packet import KEYPOINTS, TURN
from train.example import Example
from train.targets import Targets

LEVEL = 0.26
"""The sine of the angle, 15°, within which a packet's long axis counts as level."""

_HALF = len(TURN) // 2


def settled(batch: Example, heights: torch.Tensor, targets: Targets, spec: ModelSpec) -> Example:
    """A batch and the heights (B, K, h, w) said of it → the same, level packets as they were named.

    Of a level packet the naming stays whose heatmaps are nearer to what was said; where the network
    says nothing yet it is the one that was given. Keypoints other than a packet's stay as they are,
    and so do several packets in one picture, whose heatmaps are one.
    """
    if spec.keypoints != KEYPOINTS:
        return batch
    alone = batch.xy[:, 1:].isnan().flatten(1).all(dim=1)
    rows = torch.nonzero(level(batch.xy[:, 0]) & alone).flatten()
    if len(rows) == 0:
        return batch
    order = torch.tensor(TURN, device=rows.device)
    xy, known = batch.xy[rows], batch.known[rows]
    said = heights[rows].detach().float()
    as_given = _cost(said, targets(xy, spec), known)
    as_turned = _cost(said, targets(xy[:, :, order], spec), known[:, order])
    turned = rows[as_turned < as_given]
    xy, known, visible = batch.xy.clone(), batch.known.clone(), batch.visible.clone()
    xy[turned] = xy[turned][:, :, order]
    known[turned] = known[turned][:, order]
    visible[turned] = visible[turned][:, order]
    return batch._replace(xy=xy, known=known, visible=visible)


def level(xy: torch.Tensor) -> torch.Tensor:
    """Corners (B, 8, 2) in px, NaN = not there → whether a packet lies so that none is upper (B,).

    A packet of which no long edge has both ends is not known to.
    """
    along = xy[:, _HALF:] - xy[:, :_HALF]
    whole = along.isfinite().all(dim=2, keepdim=True)
    mean = torch.where(whole, along, 0.0).sum(dim=1) / whole.sum(dim=1).clamp(min=1)
    flat: torch.Tensor = mean[:, 1].abs() < LEVEL * mean.norm(dim=1)
    return flat


def _cost(said: torch.Tensor, truth: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
    """(B, K, h, w) twice, and which channels are known (B, K) → the squared error of each (B,)."""
    return ((said - truth).square().sum(dim=(2, 3)) * known).sum(dim=1)
