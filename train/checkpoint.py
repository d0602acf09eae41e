"""Checkpoints: files that say themselves which network they hold and how it was trained."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

_UNREADABLE = (
    pickle.UnpicklingError,
    RuntimeError,
    EOFError,
    OSError,  # without a name: what torch makes of a file that was cut short
    LookupError,  # and this and the next of bytes that by chance begin as a pickle does
    ValueError,
)


def read(path: Path) -> dict[str, Any]:
    """A checkpoint's values. FileNotFoundError or ValueError say what was wanted of the path."""
    if not path.is_file():
        raise FileNotFoundError(f"no checkpoint {path}: `fit` writes last.pt into its `out`")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except PermissionError:
        raise
    except _UNREADABLE as error:
        raise ValueError(f"{path} is not a checkpoint that `fit` wrote") from error
    if not isinstance(state, dict) or not {"model", "config", "spec"} <= state.keys():
        raise ValueError(f"{path} is not a checkpoint that `fit` wrote")
    return state


def write(path: Path, state: Mapping[str, Any]) -> None:
    """Write a checkpoint whole or not at all."""
    part = path.with_suffix(".part")
    torch.save(dict(state), part)
    part.replace(path)
