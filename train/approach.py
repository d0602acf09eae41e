"""What every way to find keypoints is: a network with a spec, a loss and one kind of answer."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, NamedTuple

import torch
from torch import nn

from engines.spec import ModelSpec
from train.example import Example


class Said(NamedTuple):
    """What engines hand on of B pictures: the one signature of every exported graph."""

    heatmaps: torch.Tensor  # (B, K, h, w) in 0…1
    visibility: torch.Tensor | None = None  # (B, K) in 0…1
    cards: torch.Tensor | None = None  # (B, C+1) over 0…C cards


class Approach(nn.Module, ABC):
    """(B, 3, H, W) float BGR pictures of 0…255 → keypoints, in whatever form it likes to learn."""

    def __init__(self, spec: ModelSpec) -> None:
        super().__init__()
        self.spec = spec

    @abstractmethod
    def forward(self, images: torch.Tensor) -> Any:
        """Pictures → what the loss is taken of."""

    @abstractmethod
    def loss(self, out: Any, batch: Example) -> dict[str, torch.Tensor]:
        """What `forward` said of a batch → losses by name, weighted, ready to be added."""

    @abstractmethod
    def predict(self, images: torch.Tensor) -> Said:
        """Pictures → the answer that is exported. A place is a Gaussian, its height the trust."""
