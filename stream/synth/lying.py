"""Random numbers → how the sheets of a packet lie: their places, their heights, the bend."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stream.synth.body import Bow
from stream.synth.config import SceneConfig

Floats = NDArray[np.float64]


def draw_poses(
    rng: np.random.Generator, config: SceneConfig, cards: int, size_mm: tuple[float, float]
) -> Floats:
    """How each sheet (n, 3) lies off the middle: x mm, y mm, turn rad.

    Lean, brushing and twist run through the packet; a fan and a stray sheet stand out of it.
    """
    poses = np.zeros((cards, 3))
    high = min(1.0, cards / 26)  # a thin packet has no room to lean
    if rng.random() < config.lean:
        poses[:, :2] += _curve(rng, cards) * rng.uniform(*config.lean_mm, 2) * high
    if rng.random() < config.brushed:
        reach, angle = rng.uniform(*config.brushed_mm), rng.uniform(0, 2 * np.pi)
        poses[:, :2] += _curve(rng, cards) * _towards(angle) * (reach * high)
    if rng.random() < config.twist:
        poses[:, 2:] += _curve(rng, cards) * np.radians(rng.uniform(*config.twist_deg)) * high
    if cards > 3 and rng.random() < config.stray_sheet:
        one = int(rng.integers(1, cards - 1))
        poses[one, :2] += _towards(rng.uniform(0, 2 * np.pi)) * rng.uniform(*config.stray_mm)
        poses[one, 2] += np.radians(rng.uniform(*config.stray_deg))
    if cards > 1 and rng.random() < config.fan:
        _fan(rng, config, poses, size_mm)
    return poses


def _towards(angle_rad: float) -> Floats:
    return np.array([np.cos(angle_rad), np.sin(angle_rad)])


def _curve(rng: np.random.Generator, cards: int) -> Floats:
    """From −½ at the lowest sheet to +½ at the topmost (n, 1): straight, bent or S-shaped."""
    if cards == 1:
        return np.zeros((1, 1))
    part = np.linspace(0, 1, cards)[:, None]
    power = np.exp(rng.uniform(-0.9, 0.9))
    bent = part**power
    s_shaped = part * part * (3 - 2 * part)
    return np.asarray(bent + (s_shaped - bent) * rng.choice([0.0, 0.0, 1.0]) - 0.5)


def _fan(
    rng: np.random.Generator, config: SceneConfig, poses: Floats, size_mm: tuple[float, float]
) -> None:
    """Spread the topmost sheets to a side, or turn them about a corner, in place."""
    count = min(int(rng.integers(1, 6)), len(poses) - 1)
    part = np.arange(1, count + 1) / count
    if rng.random() < 0.5:
        way = _towards(rng.uniform(0, 2 * np.pi)) * rng.uniform(*config.fan_mm)
        poses[-count:, :2] += part[:, None] * way
        return
    turn = np.radians(rng.uniform(*config.fan_deg)) * part * rng.choice([-1, 1])
    pivot = np.array(size_mm) / 2 * rng.choice([-1, 1], 2)
    c, s = np.cos(turn), np.sin(turn)
    poses[-count:, 0] += pivot[0] - (c * pivot[0] - s * pivot[1])
    poses[-count:, 1] += pivot[1] - (s * pivot[0] + c * pivot[1])
    poses[-count:, 2] += turn


def draw_levels(
    rng: np.random.Generator, config: SceneConfig, cards: int, thickness_mm: float
) -> tuple[Floats, Floats]:
    """Where sheets end (n + 1,) as parts of the thickness, and how much of each is air (n,).

    Sheets stick together in groups with little air within; now and then a wide gap shows.
    """
    paper = 1 + rng.normal(0, rng.uniform(*config.sheet_jitter), cards).clip(-0.6, 0.6)
    stuck = rng.random(cards) < rng.uniform(*config.stick)
    air = rng.uniform(*config.air) * rng.uniform(0.3, 1.7, cards) * np.where(stuck, 0.1, 1.0)
    if cards > 3 and rng.random() < config.breaks:
        widest = min(rng.uniform(*config.break_mm), 0.12 * thickness_mm)
        at = rng.integers(1, cards, int(rng.integers(1, 4)))
        air[at] += widest / thickness_mm * cards * rng.uniform(0.4, 1.0, len(at))
    air[0] = 0.0
    edges = np.concatenate([[0.0], np.cumsum(paper + air)])
    return edges / edges[-1], air / (paper + air)


def draw_bow(
    rng: np.random.Generator, config: SceneConfig, size_mm: tuple[float, float]
) -> Bow | None:
    """A bend along one side, or none."""
    if rng.random() >= config.bowed:
        return None
    axis = int(rng.random() < 0.65)
    sag = rng.uniform(*config.bow_rel) * size_mm[axis]
    return Bow(float(sag), axis, size_mm[axis]) if sag else None
