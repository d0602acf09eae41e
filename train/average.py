"""Checkpoints of rounds that started from one another → their mean, which errs less than each.

Networks that were trained on from the same weights lie in one basin: the mean of their weights is a
network as good or better, at no cost in use (Wortsman et al., Model soups, 2022).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from train import checkpoint
from train.config import Config


def average(paths: Sequence[Path], out: Path) -> None:
    """Write the mean of checkpoints of one network as a checkpoint, whole or not at all.

    Clips count as held out where all that saw real ones held them out, and the mean goes by the
    configuration of the first of these: it has seen what any of them has. Raises
    ValueError for networks that differ, FileNotFoundError, OSError.
    """
    states = [checkpoint.read(path) for path in paths]
    first = states[0]
    for path, state in zip(paths, states, strict=True):
        if state["spec"] != first["spec"] or _shapes(state) != _shapes(first):
            raise ValueError(f"{path} is another network than {paths[0]}: there is no mean of them")
    configs = [Config.from_json(state["config"]) for state in states]
    real = [config for config in configs if config.data] or configs
    held = set.intersection(*(set(config.hold_out) for config in real))
    kept = tuple(count for count in real[0].hold_out if count in held)
    mean = {
        "model": {
            name: _mean([state["model"][name] for state in states]) for name in first["model"]
        },
        "epoch": sum(state["epoch"] for state in states),
        "config": replace(real[0], hold_out=kept, resume=False).to_json(),
        "spec": first["spec"],
    }
    checkpoint.write(out, mean)


def _shapes(state: dict[str, Any]) -> dict[str, torch.Size]:
    return {name: value.shape for name, value in state["model"].items()}


def _mean(values: list[torch.Tensor]) -> torch.Tensor:
    """The mean of weights; counters, which are whole numbers, stay as the first has them."""
    if not values[0].is_floating_point():
        return values[0]
    return torch.stack([value.double() for value in values]).mean(dim=0).to(values[0].dtype)
