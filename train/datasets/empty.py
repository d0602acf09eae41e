"""Folder of pictures without a packet → the pictures of one side of the split."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from stream.synth.art import SUFFIXES, within
from train import pictures
from train.datasets.held_out import is_held_out

SIDE_PX = 1024
"""Longer side that they are brought down to: two fifths of one still fill a network's input."""


def paths(folder: Path, *, held_out: bool) -> list[Path]:
    """The pictures of one side of the split, in all folders below, sorted.

    Raises FileNotFoundError if the folder holds no picture at all.
    """
    every = sorted(p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES)
    if not every:
        raise FileNotFoundError(f"no picture ({', '.join(sorted(SUFFIXES))}) below {folder}")
    return [p for p in every if is_held_out(p) == held_out]


def load(folder: Path, *, held_out: bool) -> list[NDArray[np.uint8]]:
    """The pictures of one side, BGR (H, W, 3).

    Raises ValueError naming one that is broken, FileNotFoundError if there is none.
    """
    sought = paths(folder, held_out=held_out)
    if not sought:
        side = "held out" if held_out else "learnt from"
        raise FileNotFoundError(
            f"none of the pictures below {folder} is {side}, which goes by their names: add some"
        )
    return [within(pictures.read(path), SIDE_PX) for path in sought]
