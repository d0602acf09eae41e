"""Random numbers → what holds or hides a packet."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Finger:
    """Something skin-coloured that reaches into the picture; sizes in parts of the picture."""

    start: tuple[float, float]  # (x, y)
    keypoint: int  # it ends near this corner of the packet
    past: tuple[float, float]
    radius_rel: float  # of the packet's extent
    colour: tuple[float, float, float]


def draw_finger(rng: np.random.Generator) -> Finger:
    """Random numbers → a finger that ends near a corner of the packet."""
    tone = rng.uniform(0.25, 1.0)
    angle = rng.uniform(0, 2 * np.pi)
    return Finger(
        start=(float(0.5 + np.cos(angle)), float(0.5 + np.sin(angle))),
        keypoint=int(rng.integers(8)),
        past=(float(rng.normal(0, 0.08)), float(rng.normal(0, 0.08))),
        radius_rel=float(rng.uniform(0.05, 0.11)),
        colour=(150 * tone, 180 * tone, 235 * tone),
    )
