"""Count head: two readings of the cards, by the corners' geometry and by the look of the packet."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional

from engines.spec import ModelSpec
from train.drawing import centroids
from train.layers import depthwise

DROPOUT = 0.2
"""Real clips show few counts each: neither reading may learn them by heart."""


class Counts(NamedTuple):
    """B pictures, R readings, C cards at the most."""

    mean: torch.Tensor  # (B, R) cards
    log_p: torch.Tensor  # (B, R, C) log-probability of 1..C cards, given a packet


class CountHead(nn.Module):
    """Detached features, heatmaps and visibility → two distributions over 1..C cards.

    One reading sees the corners as numbers (where thickness is the difference of two, so that
    rendered packets of every count can teach it), the other looks at the encoder's fine features
    too. Each learns by itself, and their equal mixture is the answer: they err for different
    reasons, and where they disagree the mixture is wide (deep ensembles, Lakshminarayanan et
    al., 2017).

    Each distribution is a discretised logistic: P(c) = σ((c+½−μ)/s) − σ((c−½−μ)/s), its ends open
    (Salimans et al., PixelCNN++, 2017). It has two numbers to learn instead of C bins, so a
    count between two that were seen is nothing new to it.
    """

    def __init__(self, channels: int, spec: ModelSpec) -> None:
        super().__init__()
        k = len(spec.keypoints)
        self.cards = spec.max_cards or 1
        self.edges = spec.edges
        numbers = 4 * k + 2 * len(spec.edges) + 1
        self.scale = RunningScale(numbers)
        self.look = nn.Sequential(
            depthwise(channels + k, 64, 2),
            depthwise(64, 64),
            depthwise(64, 128, 2),
            depthwise(128, 128, 2),
        )
        # No number is dropped on the way in: the thickness is the difference of two.
        self.by_geometry = nn.Sequential(_dense(numbers, 256), _dense(256, 256), Summed(256, 2))
        self.beside = _dense(numbers, 128)
        self.by_look = nn.Sequential(_dense(128 + 2 * 128, 128), Summed(128, 2))

    def reset(self) -> None:
        """Forget everything that was learnt."""
        for part in self.modules():
            reset = getattr(part, "reset_parameters", None)
            if callable(reset):
                reset()

    def forward(
        self, features: torch.Tensor, heatmaps: torch.Tensor, visibility: torch.Tensor
    ) -> Counts:
        """(B, channels, h, w), (B, K, h, w), (B, K) → two readings."""
        features, heatmaps = features.detach(), heatmaps.detach()
        numbers = geometry(heatmaps, visibility.detach().sigmoid(), self.edges)
        numbers = self.scale(numbers).clamp(-6.0, 6.0)
        maps = self.look(torch.cat([features, heatmaps], dim=1))
        seen = torch.cat(
            [maps.mean(dim=(2, 3)), maps.amax(dim=(2, 3)), self.beside(numbers)], dim=1
        )
        raw = torch.stack([self.by_geometry(numbers), self.by_look(seen)], dim=1).float()
        mean = 25.0 + 10.0 * raw[..., 0]
        return Counts(mean, self._distribution(mean, functional.softplus(raw[..., 1] + 1.0) + 0.25))

    def _distribution(self, mean: torch.Tensor, spread: torch.Tensor) -> torch.Tensor:
        """μ (B, R) and s (B, R) in cards → log-probabilities (B, R, C)."""
        edge = torch.arange(1, self.cards, device=mean.device, dtype=mean.dtype) + 0.5
        below = torch.sigmoid((edge - mean[..., None]) / spread[..., None])
        one, zero = torch.ones_like(mean)[..., None], torch.zeros_like(mean)[..., None]
        p = torch.cat([below, one], dim=-1) - torch.cat([zero, below], dim=-1)
        return torch.log(p.clamp(min=1e-7))


class Summed(nn.Linear):
    """A linear layer written as multiply and sum.

    A runtime that computes in bf16 does so from the first layer to the last matrix product or
    convolution, and keeps full precision after it. So written, nothing after the heatmaps is a
    product to it: a corner in 8 bits would be a quarter of a cell off, which is a card.
    """

    def forward(self, numbers: torch.Tensor) -> torch.Tensor:
        """(B, inner) → (B, outer)."""
        return (numbers[..., None] * self.weight.T).sum(dim=1) + self.bias


class RunningScale(nn.Module):
    """Numbers (B, N) → the same with mean 0 and deviation 1 over all that training has seen.

    Unlike batch normalisation it goes by the running figures in training too: those of a batch
    waver by more than the one card that they should tell apart.
    """

    SLOWEST = 1e-3

    def __init__(self, numbers: int) -> None:
        super().__init__()
        self.batches: torch.Tensor
        self.mean: torch.Tensor
        self.square: torch.Tensor
        self.register_buffer("batches", torch.zeros(()))
        self.register_buffer("mean", torch.zeros(numbers))
        self.register_buffer("square", torch.ones(numbers))

    def reset_parameters(self) -> None:
        """Forget what was seen."""
        self.batches.zero_()
        self.mean.zero_()
        self.square.fill_(1.0)

    def forward(self, numbers: torch.Tensor) -> torch.Tensor:
        """(B, N) → (B, N)."""
        if self.training:
            with torch.no_grad():
                self.batches += 1
                rate = (1.0 / self.batches).clamp(min=self.SLOWEST)
                self.mean.lerp_(numbers.mean(dim=0), rate)
                self.square.lerp_(numbers.square().mean(dim=0), rate)
        variance = (self.square - self.mean.square()).clamp(min=1e-6)
        return (numbers - self.mean) / variance.sqrt()


def mixture(log_p: torch.Tensor) -> torch.Tensor:
    """Log-probabilities (B, R, C) of R readings → one distribution (B, C), each weighing alike."""
    p = torch.exp(log_p).mean(dim=1)
    return p / p.sum(dim=1, keepdim=True)


def geometry(
    heatmaps: torch.Tensor, visibility: torch.Tensor, edges: tuple[tuple[int, int], ...]
) -> torch.Tensor:
    """Heatmaps (B, K, h, w), visibility (B, K) → corners free of place and scale, as numbers.

    K offsets from their centroid, in parts of their spread; the vectors along the E edges;
    visibility, peaks, and the spread in parts of the picture: (B, 4K + 2E + 1).
    """
    xy, peak = centroids(heatmaps)
    peak = peak.clamp(0.0, 1.0)
    trust = (peak + 1e-3) / (peak + 1e-3).sum(dim=1, keepdim=True)
    offset = xy - (trust[..., None] * xy).sum(dim=1, keepdim=True)
    scale = (trust * (offset * offset).sum(dim=2)).sum(dim=1).clamp(min=1e-4).sqrt()
    offset = offset / scale[:, None, None]
    a, c = [e[0] for e in edges], [e[1] for e in edges]
    along = offset[:, a] - offset[:, c]
    spread = scale[:, None] / heatmaps.shape[-1]
    parts = [offset.flatten(1), along.flatten(1), visibility, peak, spread]
    return torch.cat(parts, dim=1)


def _dense(inner: int, outer: int) -> nn.Sequential:
    return nn.Sequential(Summed(inner, outer), nn.ReLU(), nn.Dropout(DROPOUT))
