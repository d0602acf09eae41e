"""Pictures whose truth is known: what models are scored on."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stream.decks import Deck

Points = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """What is true of a picture."""

    name: str
    clip: str  # pictures that are of one scene, and so err together and share their count
    kind: str  # of what sort the picture is, in one word
    cards: int  # 0 = no packet in the picture
    xy: Points  # (8, 2) frame px; NaN = hidden or not labelled
    visible: NDArray[np.bool_]  # (8,)
    diagonal_px: float  # of the box round all corners whose place is known; NaN = no packet


@dataclass(frozen=True, slots=True, eq=False)
class Sight:
    """A picture (H, W, 3) BGR and what is true of it; `pts_s` is its time in its clip.

    `deck` is what whoever shows it has named with `--deck`; all pictures of a clip have the same.
    """

    image: NDArray[np.uint8]
    truth: Truth
    pts_s: float | None = None
    deck: Deck | None = None


def nothing(name: str, clip: str, kind: str) -> Truth:
    """What is true of a picture without a packet."""
    return Truth(name, clip, kind, 0, np.full((8, 2), np.nan), np.zeros(8, np.bool_), math.nan)


def diagonal(xy: Points) -> float:
    """Corners (K, 2) px → the diagonal of the box round those that are known; NaN if none is."""
    known = xy[np.isfinite(xy).all(axis=1)]
    return float(np.linalg.norm(np.ptp(known, axis=0))) if len(known) else math.nan
