"""Heatmap network: a timm encoder, a light decoder to stride 4, and three heads.

    picture ─ encoder ─ 2 ─ 4 ─ 8 ─ 16 ─ 32          (stages, by stride)
                            ├───┴────┴────┴─ decoder ─ features at stride 4 ─┬─ heatmaps
                            │                             seen from there ───┴─ visibility, presence
                            └─ detached, with the heatmaps ──────────────────── count

The count head reads the encoder's features and the heatmaps detached: what it wants to know by
heart of the few real counts must not pull at what finds the corners.
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
from train.count_head import CountHead, mixture
from train.layers import depthwise


class Outputs(NamedTuple):
    """What training sees: B pictures, K keypoints, C cards at the most."""

    heatmaps: torch.Tensor  # (B, K, h, w), unbounded, 0 = nothing, 1 = peak
    visibility: torch.Tensor  # (B, K) logits
    presence: torch.Tensor  # (B,) logit of "there is a packet"
    mean: torch.Tensor  # (B, R) cards, by each reading of the count head
    log_p: torch.Tensor  # (B, R, C) log-probability of 1..C cards, given a packet


class Trunk(NamedTuple):
    """What is said of B pictures without counting."""

    fine: torch.Tensor  # (B, C, h, w) features of the encoder's first stage that is used
    heatmaps: torch.Tensor  # (B, K, h, w)
    visibility: torch.Tensor  # (B, K) logits
    presence: torch.Tensor  # (B,) logit


class Decoder(nn.Module):
    """Encoder stages of stride ≥ 4 → features at the first one's stride, coarse to fine."""

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


class HeatmapModel(nn.Module):
    """(B, 3, H, W) float BGR pictures of 0…255 → Outputs."""

    def __init__(self, spec: ModelSpec, encoder: Any, width: int = 64) -> None:
        super().__init__()
        self.spec = spec
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
        self.heat = nn.Sequential(depthwise(width, width), last)
        self.seen = nn.Sequential(
            nn.Linear(channels[-1] + width, 128), nn.ReLU(), nn.Linear(128, len(spec.keypoints) + 1)
        )
        self.count = CountHead(channels[0], spec)
        mean, std = _normalisation(encoder)
        self.mean: torch.Tensor
        self.std: torch.Tensor
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1) * 255.0, persistent=False)
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1) * 255.0, persistent=False)

    def trunk(self, images: torch.Tensor) -> Trunk:
        """Pictures → everything but the count."""
        stages = self.encoder((images.flip(1) - self.mean) / self.std)
        stages = [stages[i] for i in self.used]
        features = self.decoder(stages)
        heatmaps = self.heat(features)
        visibility, presence = self._visibility(stages[-1], features, heatmaps)
        return Trunk(stages[0], heatmaps, visibility, presence)

    def forward(self, images: torch.Tensor) -> Outputs:
        """Pictures → what the losses are taken of."""
        fine, heatmaps, visibility, presence = self.trunk(images)
        counts = self.count(fine, heatmaps, visibility)
        return Outputs(heatmaps, visibility, presence, *counts)

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
        count = torch.cat([1.0 - present, present * mixture(out.log_p)], dim=1)
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
