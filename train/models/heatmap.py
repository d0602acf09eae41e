"""Heatmap network: a timm encoder, a light decoder to stride 4, and three heads.

    picture ─ encoder ─ 2 ─ 4 ─ 8 ─ 16 ─ 32          (stages, by stride)
                            └───┴────┴────┴─ decoder ─ features at stride 4 ─┬─ heatmaps
                                                          seen from there ───┼─ visibility, presence
                                                          detached ──────────┴─ count

The count head reads the features and the heatmaps detached: what it wants to know by heart of the
few real counts must not pull at what finds the corners. It sees the corners as numbers too (their
places relative to each other, where thickness is a difference of two), which is what lets rendered
packets of every count teach it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import timm
import torch
from safetensors.torch import load_file
from torch import nn
from torch.nn import functional

from engines.spec import ModelSpec


class Outputs(NamedTuple):
    """What training sees: B pictures, K keypoints, C cards at the most."""

    heatmaps: torch.Tensor  # (B, K, h, w), unbounded, 0 = nothing, 1 = peak
    visibility: torch.Tensor  # (B, K) logits
    presence: torch.Tensor  # (B,) logit of "there is a packet"
    mean: torch.Tensor  # (B,) cards
    log_p: torch.Tensor  # (B, C) log-probability of 1..C cards, given a packet


def _block(inner: int, outer: int, stride: int = 1) -> nn.Sequential:
    """Depthwise 3×3, pointwise, batch norm, ReLU."""
    return nn.Sequential(
        nn.Conv2d(inner, inner, 3, stride, 1, groups=inner, bias=False),
        nn.Conv2d(inner, outer, 1, bias=False),
        nn.BatchNorm2d(outer),
        nn.ReLU(inplace=True),
    )


class Decoder(nn.Module):
    """Encoder stages of stride ≥ 4 → features at the first one's stride, coarse to fine."""

    def __init__(self, channels: list[int], width: int) -> None:
        super().__init__()
        self.laterals = nn.ModuleList(nn.Conv2d(c, width, 1) for c in channels)
        self.smooth = nn.ModuleList(_block(width, width) for _ in channels)

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


class CountHead(nn.Module):
    """Detached features, heatmaps and visibility → a distribution over 1..C cards.

    The distribution is a discretised logistic: P(c) = σ((c+½−μ)/s) − σ((c−½−μ)/s), its ends open
    (Salimans et al., PixelCNN++, 2017). It has two numbers to learn instead of C bins, so a
    count between two that were seen is nothing new to it.
    """

    def __init__(self, width: int, spec: ModelSpec) -> None:
        super().__init__()
        k = len(spec.keypoints)
        self.cards = spec.max_cards or 1
        self.look = nn.Sequential(_block(width + k, 64, 2), _block(64, 96, 2), _block(96, 128, 2))
        self.edges = spec.edges
        numbers = 4 * k + 2 * len(spec.edges) + 1
        self.numbers = nn.Sequential(
            nn.Linear(numbers, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 2)
        )
        # Geometry speaks first; the look of the packet begins as no correction to it.
        self.correction = nn.Linear(128 + 128, 2)
        nn.init.zeros_(self.correction.weight)
        nn.init.zeros_(self.correction.bias)

    def forward(
        self, features: torch.Tensor, heatmaps: torch.Tensor, visibility: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """(B, width, h, w), (B, K, h, w), (B, K) → mean (B,), log-probabilities (B, C)."""
        features, heatmaps = features.detach(), heatmaps.detach()
        look = self.look(torch.cat([features, heatmaps], dim=1)).mean(dim=(2, 3))
        geometry = self._geometry(heatmaps, visibility.detach().sigmoid())
        hidden = self.numbers[:4](geometry)
        look = functional.dropout(torch.cat([look, hidden], dim=1), 0.3, self.training)
        raw = self.numbers[4](hidden) + self.correction(look)
        mean = 25.0 + 10.0 * raw[:, 0]
        spread = functional.softplus(raw[:, 1:] + 1.0) + 0.25
        edge = torch.arange(1, self.cards, device=raw.device, dtype=raw.dtype) + 0.5
        below = torch.sigmoid((edge - mean[:, None]) / spread)
        one, zero = torch.ones_like(mean)[:, None], torch.zeros_like(mean)[:, None]
        p = torch.cat([below, one], dim=1) - torch.cat([zero, below], dim=1)
        return mean, torch.log(p.clamp(min=1e-7))

    def _geometry(self, heatmaps: torch.Tensor, visibility: torch.Tensor) -> torch.Tensor:
        """Heatmaps → corners free of place and scale, and the vectors along the edges (B, …)."""
        h, w = heatmaps.shape[-2:]
        flat = heatmaps.flatten(2)
        peak = flat.amax(dim=2, keepdim=True)
        # The centroid of what stands above half the peak: sub-cell, and the same for a low peak.
        weight = functional.relu(flat - 0.5 * peak) + 1e-9
        weight = weight / weight.sum(dim=2, keepdim=True)
        columns = torch.arange(w, device=flat.device, dtype=flat.dtype).repeat(h)
        rows = torch.arange(h, device=flat.device, dtype=flat.dtype).repeat_interleave(w)
        xy = torch.stack([(weight * columns).sum(2), (weight * rows).sum(2)], dim=2)
        peak = peak.squeeze(2).clamp(0.0, 1.0)
        trust = (peak + 1e-3) / (peak + 1e-3).sum(dim=1, keepdim=True)
        offset = xy - (trust[..., None] * xy).sum(dim=1, keepdim=True)
        scale = (trust * (offset**2).sum(dim=2)).sum(dim=1).clamp(min=1e-4).sqrt()
        offset = offset / scale[:, None, None]
        a, c = [e[0] for e in self.edges], [e[1] for e in self.edges]
        along = 5.0 * (offset[:, a] - offset[:, c])
        parts = [offset.flatten(1), along.flatten(1), visibility, peak, scale[:, None] / w]
        return torch.cat(parts, dim=1)


class HeatmapModel(nn.Module):
    """(B, 3, H, W) float BGR pictures of 0…255 → Outputs."""

    def __init__(self, spec: ModelSpec, encoder: Any, width: int = 64) -> None:
        super().__init__()
        self.spec = spec
        self.trunk_learns = True
        self.encoder = encoder
        info = encoder.feature_info.get_dicts()
        self.used = [i for i, stage in enumerate(info) if stage["reduction"] >= spec.stride]
        if not self.used or info[self.used[0]]["reduction"] != spec.stride:
            strides = [stage["reduction"] for stage in info]
            raise ValueError(
                f"the encoder must have a stage of stride {spec.stride}, got {strides}"
            )
        channels = [info[i]["num_chs"] for i in self.used]
        self.decoder = Decoder(channels, width)
        last = nn.Conv2d(width, len(spec.keypoints), 1)
        nn.init.normal_(last.weight, std=1e-3)  # start from an empty heatmap, not from noise
        self.heat = nn.Sequential(_block(width, width), last)
        self.seen = nn.Sequential(
            nn.Linear(channels[-1] + width, 128), nn.ReLU(), nn.Linear(128, len(spec.keypoints) + 1)
        )
        self.count = CountHead(width, spec)
        mean, std = _normalisation(encoder)
        self.mean: torch.Tensor
        self.std: torch.Tensor
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1) * 255.0, persistent=False)
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1) * 255.0, persistent=False)

    def train(self, mode: bool = True) -> HeatmapModel:
        """As any module, but what is frozen keeps its batch statistics too."""
        super().train(mode)
        if not self.trunk_learns:
            for part in (self.encoder, self.decoder, self.heat, self.seen):
                part.eval()
        return self

    def freeze_trunk(self) -> None:
        """Let nothing but the count head learn from now on."""
        self.trunk_learns = False
        self.requires_grad_(requires_grad=False)
        self.count.requires_grad_()

    def forward(self, images: torch.Tensor) -> Outputs:
        """Pictures → what the losses are taken of."""
        stages = self.encoder((images.flip(1) - self.mean) / self.std)
        stages = [stages[i] for i in self.used]
        features = self.decoder(stages)
        heatmaps = self.heat(features)
        visibility, presence = self._visibility(stages[-1], features, heatmaps)
        mean, log_p = self.count(features.float(), heatmaps.float(), visibility.float())
        return Outputs(heatmaps, visibility, presence, mean, log_p)

    def _visibility(
        self, coarse: torch.Tensor, features: torch.Tensor, heatmaps: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Coarse features, and the fine ones where the corners are → logits (B, K), (B,)."""
        where = heatmaps.detach().amax(dim=1).flatten(1)
        weight = torch.softmax(where * 10.0, dim=1).unsqueeze(2)
        near = torch.bmm(features.flatten(2), weight.to(features.dtype)).squeeze(2)
        logits = self.seen(torch.cat([coarse.mean(dim=(2, 3)), near], dim=1))
        return logits[:, :-1], logits[:, -1]

    def predict(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Pictures → heatmaps (B, K, h, w), visibility (B, K), count (B, C+1), as engines do."""
        out = self(images)
        present = torch.sigmoid(out.presence)[:, None]
        given = torch.exp(out.log_p)
        given = given / given.sum(dim=1, keepdim=True)
        count = torch.cat([1.0 - present, present * given], dim=1)
        return out.heatmaps.clamp(0.0, 1.0), torch.sigmoid(out.visibility), count


def _normalisation(encoder: Any) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """The encoder's own mean and standard deviation, RGB, of pictures in 0…1."""
    cfg = getattr(encoder, "pretrained_cfg", None) or encoder.default_cfg
    return tuple(cfg["mean"]), tuple(cfg["std"])


def build(
    spec: ModelSpec, encoder_model: str, layers: int, weights: str = "none", width: int = 64
) -> HeatmapModel:
    """A model for `spec` on the first `layers` stages of a timm model.

    `weights` is a safetensors file of the encoder, "timm" for timm's own download, or "none".
    """
    encoder = timm.create_model(
        encoder_model,
        features_only=True,
        pretrained=weights == "timm",
        out_indices=tuple(range(layers)),
    )
    if weights not in {"timm", "none"}:
        _load(encoder, Path(weights))
    return HeatmapModel(spec, encoder, width)


def _load(encoder: nn.Module, path: Path) -> None:
    """Weights of the whole timm model → the stages that are used. ValueError if any is lacking."""
    if not path.is_file():
        raise FileNotFoundError(f"no weights at {path}: name a safetensors file, 'timm' or 'none'")
    state = {key: value.float() for key, value in load_file(path).items()}
    lacking = encoder.load_state_dict(state, strict=False).missing_keys
    lacking = [key for key in lacking if not key.endswith("num_batches_tracked")]
    if lacking:
        raise ValueError(f"{path} lacks {len(lacking)} of the encoder's weights, e.g. {lacking[0]}")
