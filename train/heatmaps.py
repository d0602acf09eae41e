"""What all networks that learn heatmaps have in common: their loss, and how they answer."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import nn

from engines.spec import ModelSpec
from train import losses
from train.approach import Approach, Said
from train.count_head import mixture
from train.example import Example
from train.targets import gaussians


class Outputs(NamedTuple):
    """What training sees: B pictures, K keypoints; None for what the network does not say."""

    heatmaps: torch.Tensor  # (B, K, h, w), unbounded, 0 = nothing, 1 = peak
    visibility: torch.Tensor | None = None  # (B, K) logits
    presence: torch.Tensor | None = None  # (B,) logit of "there is a packet"
    mean: torch.Tensor | None = None  # (B, R) cards, by each reading of the count head
    log_p: torch.Tensor | None = None  # (B, R, C) log-probability of 1..C cards, given a packet
    earlier: tuple[torch.Tensor, ...] = ()  # heatmaps of the stacks before the last


class Heatmaps(Approach):
    """An approach whose `forward` gives Outputs."""

    count_weight = 0.3

    def loss(self, out: Outputs, batch: Example) -> dict[str, torch.Tensor]:
        """Every stack's heatmaps, and what else the network says, beside the truth."""
        targets = drawn(batch.xy, self.spec)
        sigma_cells = self.spec.sigma_px / self.spec.stride
        each = [
            losses.heatmap_mse(maps, targets, batch.known, sigma_cells)
            for maps in (*out.earlier, out.heatmaps)
        ]
        parts = {"heatmap": torch.stack(each).mean()}
        if out.visibility is not None:
            parts["visible"] = 0.2 * losses.masked_bce(
                out.visibility, batch.visible.nan_to_num(), batch.visible.isfinite().float()
            )
        if out.presence is not None:
            present = (batch.cards > 0).float()
            # A packet of which hardly anything is seen is neither present nor absent.
            enough = (batch.visible.nan_to_num().sum(1) >= 4).float()
            decided = torch.where(batch.cards > 0, enough, 1.0)
            parts["present"] = 0.3 * losses.masked_bce(out.presence, present, decided)
            if out.log_p is not None and out.mean is not None:
                counted = batch.countable * present
                nll = losses.count_nll(out.log_p, out.mean, batch.cards, counted)
                parts["count"] = self.count_weight * nll
        return parts

    def predict(self, images: torch.Tensor) -> Said:
        """Pictures → heatmaps, and visibility and count where the network says them."""
        out: Outputs = self(images)
        count = None
        if out.presence is not None and out.log_p is not None:
            present = torch.sigmoid(out.presence)[:, None]
            count = torch.cat([1.0 - present, present * mixture(out.log_p)], dim=1)
        visibility = None if out.visibility is None else torch.sigmoid(out.visibility)
        return Said(out.heatmaps.clamp(0.0, 1.0), visibility, count)


def drawn(xy: torch.Tensor, spec: ModelSpec) -> torch.Tensor:
    """Keypoints (B, N, K, 2) in input px → heatmaps (B, K, h, w), the highest of N in each cell."""
    return gaussians(xy.flatten(0, 1), spec).unflatten(0, xy.shape[:2]).amax(dim=1)


class Seen(nn.Sequential):
    """Visibility of K keypoints, and with `presence` whether there is a packet at all."""

    def __init__(self, channels: int, keypoints: int, *, presence: bool) -> None:
        super().__init__(
            nn.Linear(channels, 128), nn.ReLU(), nn.Linear(128, keypoints + int(presence))
        )
        self.keypoints = keypoints

    def forward(
        self, coarse: torch.Tensor, features: torch.Tensor, heatmaps: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Coarse features, and the fine ones where the keypoints are → logits (B, K), (B,)."""
        where = heatmaps.detach().amax(dim=1).flatten(1)
        weight = torch.softmax(where * 10.0, dim=1).unsqueeze(2)
        near = torch.bmm(features.flatten(2), weight.to(features.dtype)).squeeze(2)
        logits = super().forward(torch.cat([coarse.mean(dim=(2, 3)), near], dim=1))
        if logits.shape[1] == self.keypoints:
            return logits, None
        return logits[:, :-1], logits[:, -1]
