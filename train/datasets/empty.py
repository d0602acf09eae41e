"""Folder of pictures without a packet → the pictures of one side of the split."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from train.datasets.held_out import is_held_out

_SUFFIXES = {".jpg", ".jpeg", ".png"}


def paths(folder: Path, *, held_out: bool) -> list[Path]:
    """The pictures of one side of the split, in all folders below, sorted.

    Raises FileNotFoundError if the folder holds no picture at all.
    """
    every = sorted(p for p in folder.rglob("*") if p.suffix.lower() in _SUFFIXES)
    if not every:
        raise FileNotFoundError(f"no .jpg or .png below {folder}")
    return [p for p in every if is_held_out(p) == held_out]


def load(folder: Path, *, held_out: bool) -> list[NDArray[np.uint8]]:
    """The pictures of one side, BGR (H, W, 3)."""
    images = (cv2.imread(str(path)) for path in paths(folder, held_out=held_out))
    return [image.astype(np.uint8, copy=False) for image in images if image is not None]
