"""Folder of pictures without a packet → pictures, split so that no picture stands on both sides.

Crops of one picture share the name before `_c` and a number, or before `_full` or `_tile`: the
split goes by that name.
"""

from __future__ import annotations

import re
import zlib
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

HELD_OUT = 0.25
"""Share of the names that training does not see."""

_SUFFIXES = {".jpg", ".jpeg", ".png"}


def original(path: Path) -> str:
    """The name of the picture that a file is a crop of."""
    return re.sub(r"_(c\d+|full|tile)$", "", path.stem)


def is_held_out(path: Path) -> bool:
    """Whether a file belongs to the part that only evaluation may see; by its original's name."""
    return zlib.crc32(original(path).encode()) % 1000 < HELD_OUT * 1000


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
