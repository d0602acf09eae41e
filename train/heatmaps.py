"""What all networks that learn heatmaps have in common: their loss, and how they answer."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import nn

from engines.spec import ModelSpec
from train import cells, losses, naming, targets
from train.approach import Approach, Said
from train.count_head import mixture
from train.example import Example

SHARP = 20.0
"""How much more a cell counts the higher it is, as a power of e: a peak of 0.5 outweighs the whole
rest of a map of 64 × 64 cells."""


class Outputs(NamedTuple):
    """What training sees: B pictures, K keypoints; None for what the network does not say."""

    heatmaps: torch.Tensor  # (B, K, h, w), unbounded, 0 = nothing, 1 = peak; or logits
    visibility: torch.Tensor | None = None  # (B, K) logits
    presence: torch.Tensor | None = None  # (B,) logit of "there is a packet"
    mean: torch.Tensor | None = None  # (B, R) cards, by each reading of the count head
    log_p: torch.Tensor | None = None  # (B, R, C) log-probability of 1..C cards, given a packet
    earlier: tuple[torch.Tensor, ...] = ()  # heatmaps of the stacks before the last


class Heatmaps(Approach):
    """An approach whose `forward` gives Outputs, made towards `target` and held to `loss`."""

    count_weight = 0.3
    centre_weight = 0.0

    def __init__(self, spec: ModelSpec, loss: str = "mse", target: str = "gaussian") -> None:
        super().__init__(spec)
        self.targets = targets.of_name(target)
        self.loss_name, self.compare = loss, losses.of_heatmaps(loss)
        self._sigma_cells = spec.sigma_px / spec.stride

    def last(self, channels: int) -> nn.Conv2d:
        """What turns features into heatmaps: it starts from empty ones, not from noise."""
        last = nn.Conv2d(channels, len(self.spec.keypoints), 1)
        nn.init.normal_(last.weight, std=1e-3)
        if self.compare.logits and last.bias is not None:
            nn.init.constant_(last.bias, cells.RARE)
        return last

    def heights(self, heatmaps: torch.Tensor) -> torch.Tensor:
        """Outputs, which may be logits → heights, which may be beyond 0…1 if they are not."""
        return torch.sigmoid(heatmaps) if self.compare.logits else heatmaps

    def loss(self, out: Outputs, batch: Example) -> dict[str, torch.Tensor]:
        """Every stack's heatmaps, and what else the network says, beside the truth."""
        batch = naming.settled(batch, self.heights(out.heatmaps), self.targets, self.spec)
        truth = self.targets(batch.xy, self.spec)
        each = [self._of_heatmaps(m, truth, batch.known) for m in (*out.earlier, out.heatmaps)]
        parts = {"heatmap": torch.stack(each).mean()}
        if self.centre_weight:
            heights = self.heights(out.heatmaps).float()
            place = cells.from_input(batch.xy[:, 0], self.spec.stride)
            off = losses.found_off(heights, place, batch.known, self._sigma_cells)
            along = losses.off_along(off, batch.known, self.spec.edges)
            parts["centre"] = self.centre_weight * losses.off_centre(off, batch.known)
            parts["edges"] = self.centre_weight * along
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

    def _of_heatmaps(
        self, heatmaps: torch.Tensor, truth: torch.Tensor, known: torch.Tensor
    ) -> torch.Tensor:
        """What the heatmaps cost, one Gaussian that is left out about 1 with most losses."""
        if self.loss_name == "mse":
            return losses.heatmap_mse(heatmaps, truth, known, self._sigma_cells)
        energy = torch.pi * self._sigma_cells**2 / (heatmaps.shape[-1] * heatmaps.shape[-2])
        # a sum over the number of points already
        scale = 1.0 if self.loss_name == "focal" else 1.0 / energy
        return scale * self.compare(heatmaps, truth, known)

    def predict(self, images: torch.Tensor) -> Said:
        """Pictures → heatmaps, and visibility and count where the network says them."""
        out: Outputs = self(images)
        count = None
        if out.presence is not None and out.log_p is not None:
            present = torch.sigmoid(out.presence)[:, None]
            count = torch.cat([1.0 - present, present * mixture(out.log_p)], dim=1)
        visibility = None if out.visibility is None else torch.sigmoid(out.visibility)
        return Said(self.compare.heights(out.heatmaps), visibility, count)


def named(loss: str, target: str) -> None:
    """Raise ValueError for a name that is none, which is better known before a download."""
    losses.of_heatmaps(loss)
    targets.of_name(target)


def at_peaks(features: torch.Tensor, heights: torch.Tensor) -> torch.Tensor:
    """Features (B, C, h, w) as they are at each of the peaks of heights (B, K, h, w), which follow.

    → (B, K·C + K). Whether a finger lies on a point is to be seen where the point is.
    """
    where = heights.detach().flatten(2)
    weight = torch.softmax(SHARP * where, dim=2).to(features.dtype)
    near = torch.bmm(weight, features.flatten(2).transpose(1, 2))
    return torch.cat([near.flatten(1), where.amax(dim=2).to(features.dtype)], dim=1)


def seen_head(deep: int, fine: int, spec: ModelSpec) -> nn.Sequential:
    """`deep` features of a whole picture and `at_peaks` of `fine` ones → who is seen.

    Logits of visibility (B, K), and for packets of presence too.
    """
    k = len(spec.keypoints)
    numbers, logits = deep + k * (fine + 1), k + int(spec.max_cards is not None)
    return nn.Sequential(nn.Linear(numbers, 256), nn.ReLU(), nn.Linear(256, logits))


def parted(logits: torch.Tensor, spec: ModelSpec) -> tuple[torch.Tensor, torch.Tensor | None]:
    """What `seen_head` says → visibility (B, K), and presence (B,) of packets."""
    return (logits, None) if spec.max_cards is None else (logits[:, :-1], logits[:, -1])
