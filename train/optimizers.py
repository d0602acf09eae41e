"""A network's parameters → what takes the steps of training, each group at a rate of its own."""

from __future__ import annotations

from typing import Any

import torch

from train.approach import Approach
from train.config import Config

COUNT_LR = 2.0
"""Learning rate of the count head, in those of the rest."""


def of(groups: list[dict[str, Any]], config: Config) -> torch.optim.Optimizer:
    """Parameters in groups → what takes the steps, as the configuration names it."""
    if config.optimizer == "adam":
        return torch.optim.Adam(groups)
    return torch.optim.AdamW(groups)


def groups(model: Approach, config: Config) -> list[dict[str, Any]]:
    """Parameters → the groups of an optimizer.

    A count head, which starts from nothing and pulls at nobody, learns faster.
    """
    named = dict(model.named_parameters())
    counts = {name: p for name, p in named.items() if name.startswith("count.")}
    others = {name: p for name, p in named.items() if name not in counts}
    return [*decaying(others, config.lr, config), *decaying(counts, COUNT_LR * config.lr, config)]


def decaying(
    named: dict[str, torch.nn.Parameter], peak: float, config: Config
) -> list[dict[str, Any]]:
    """Parameters by name → two groups: weights decay, biases and normalisation do not."""
    weights = [p for p in named.values() if p.ndim > 1]
    rest = [p for p in named.values() if p.ndim <= 1]
    decays = ((weights, config.weight_decay), (rest, 0.0))
    return [{"params": p, "lr": peak, "peak": peak, "weight_decay": d} for p, d in decays]
