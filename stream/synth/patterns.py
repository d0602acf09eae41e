"""Random numbers → patterns for backs of cards: how much ink lies where on the card's plane."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Draw = Callable[[np.random.Generator, Floats, Floats], NDArray[np.floating]]

PX_PER_MM = 6


def step(mm: NDArray[np.floating]) -> Floats:
    """0 below zero, 1 above, softened over a pixel."""
    return np.asarray(np.clip(mm * PX_PER_MM + 0.5, 0, 1), dtype=np.float32)


def pattern(rng: np.random.Generator, x: Floats, y: Floats) -> Floats:
    """Places x, y (H, W) mm → how much ink lies there (H, W) in 0..1.

    Most are the same in both halves of the card, as most decks' backs are.
    """
    way = rng.random()
    if way < 0.5:
        x, y = np.abs(x), np.abs(y)
    elif way < 0.75:
        x, y = x * np.sign(y), np.abs(y)
    draw = _KINDS[int(rng.choice(len(_KINDS), p=_WEIGHTS))]
    return np.asarray(np.clip(draw(rng, x, y), 0, 1), dtype=np.float32)


def _lattice(rng: np.random.Generator, x: Floats, y: Floats) -> NDArray[np.floating]:
    """Nets, checks and dots, and waves that add up to an ornament."""
    period = rng.uniform(2.0, 9)
    u, v = x * (2 * np.pi / period), y * (2 * np.pi / period * rng.uniform(0.6, 1.4))
    if rng.random() < 0.4:
        u, v = u + v, u - v
    kind = rng.integers(4)
    if kind == 0:
        value = np.cos(u) * np.cos(v)
    elif kind == 1:
        value = np.maximum(np.cos(u), np.cos(v)) - rng.uniform(0.5, 0.95)
    elif kind == 2:
        value = np.cos(u) + np.cos(v) + rng.uniform(-0.8, 0.8)
    else:
        value = np.zeros_like(u)
        for _ in range(5):
            m, n = rng.integers(0, 4, 2)
            value += rng.normal() * np.cos(m * u / 2) * np.cos(n * v / 2)
        value -= np.quantile(value[::8, ::8], rng.uniform(0.3, 0.6))
    return step(value * (period / (2 * np.pi)))


def _stripes(rng: np.random.Generator, x: Floats, y: Floats) -> NDArray[np.floating]:
    """Stripes at any angle, straight, zigzag or wavy."""
    angle, period = rng.uniform(0, np.pi), rng.uniform(1.2, 12)
    u = x * np.cos(angle) + y * np.sin(angle)
    v = y * np.cos(angle) - x * np.sin(angle)
    bend = rng.choice([0.0, 0.0, 1.0])
    u = u + bend * rng.uniform(0.5, 4) * np.sin(v * 2 * np.pi / rng.uniform(5, 30))
    filled = rng.uniform(-0.7, 0.7)
    return step((np.cos(u * 2 * np.pi / period) - filled) * period / (2 * np.pi))


def _dots(rng: np.random.Generator, x: Floats, y: Floats) -> NDArray[np.floating]:
    """Discs or rings in rows, each row shifted by half."""
    period = rng.uniform(1.5, 10)
    row = np.floor(y / period)
    u = (x / period + row * 0.5 * rng.integers(2)) % 1 - 0.5
    v = (y / period) % 1 - 0.5
    radius = np.hypot(u, v) * period
    size = rng.uniform(0.2, 0.48) * period
    disc = step(size - radius)
    return disc - step(size * 0.6 - radius) * rng.integers(2)


def _frames(rng: np.random.Generator, x: Floats, y: Floats) -> NDArray[np.floating]:
    """Frames within frames, or rings within rings."""
    period, ring = rng.uniform(1.5, 10), rng.random() < 0.4
    away = np.minimum(31.5 - np.abs(x), 44 - np.abs(y))
    if ring:
        away = np.hypot(x, y * rng.uniform(0.5, 1))
    level = np.cos(away * 2 * np.pi / period) - rng.uniform(-0.6, 0.6)
    return step(level * period / (2 * np.pi))


def _mandala(rng: np.random.Generator, x: Floats, y: Floats) -> NDArray[np.floating]:
    """Petals round the middle, or rays from it."""
    radius, angle = np.hypot(x, y), np.arctan2(y, x)
    value = np.zeros_like(radius)
    fold = 2 * rng.integers(2, 12)
    for k in range(1, 4):
        wave = np.cos(radius * rng.uniform(0.2, 1.6) + rng.uniform(0, 6))
        value += wave * np.cos(k * fold * angle / 2) + 0.5 * np.cos(radius * rng.uniform(0.3, 2))
    return step((value - rng.uniform(-0.5, 0.5)) * 0.8)


def _damask(rng: np.random.Generator, x: Floats, y: Floats) -> NDArray[np.floating]:
    """Blots of smooth noise, with outlines now and then: leaves and clouds."""
    coarse = rng.normal(size=(88, 63)).astype(np.float32)
    smooth = cv2.GaussianBlur(coarse, (0, 0), rng.uniform(0.9, 5))
    smooth = (smooth - np.median(smooth)) / smooth.std()
    u, v = (x + 31.5).astype(np.float32), (y + 44).astype(np.float32)
    mode = cv2.BORDER_REFLECT
    field = cv2.remap(np.asarray(smooth), u, v, cv2.INTER_CUBIC, borderMode=mode)
    if rng.random() < 0.4:
        return step(rng.uniform(0.1, 0.5) - np.abs(np.asarray(field)))
    return step(np.asarray(field) * rng.uniform(0.3, 2))


def _weave(rng: np.random.Generator, x: Floats, y: Floats) -> NDArray[np.floating]:
    """Fine engraved lines that swing with one another."""
    period, depth = rng.uniform(0.8, 2.5), rng.uniform(0.5, 4)
    a, b = rng.uniform(4, 30, 2)
    swing = depth * np.sin(x * 2 * np.pi / a) * np.cos(y * 2 * np.pi / b)
    first = np.cos((x + swing) * 2 * np.pi / period)
    second = np.cos((y - swing) * 2 * np.pi / period)
    value = np.maximum(first, second) if rng.random() < 0.5 else first * second
    return step((value - rng.uniform(-0.3, 0.6)) * period / 4)


def _triangles(rng: np.random.Generator, x: Floats, y: Floats) -> NDArray[np.floating]:
    """Three sets of lines: triangles, hexagons, stars."""
    period = rng.uniform(3, 14)
    waves = [
        np.cos((x * np.cos(t) + y * np.sin(t)) * 2 * np.pi / period)
        for t in np.arange(3) * np.pi / 3 + np.pi / 6
    ]
    value = np.max(waves, axis=0) - 0.9 if rng.random() < 0.5 else np.sum(waves, axis=0)
    return step((value - rng.uniform(-0.4, 0.4)) * period / (2 * np.pi))


def _plain(rng: np.random.Generator, x: Floats, y: Floats) -> NDArray[np.floating]:
    """One colour, or from one colour to another."""
    if rng.random() < 0.5:
        return np.ones_like(x)
    angle = rng.uniform(0, 2 * np.pi)
    return np.asarray(0.5 + (x * np.cos(angle) + y * np.sin(angle)) / 90)


_KINDS: tuple[Draw, ...] = (
    _lattice, _stripes, _dots, _frames, _mandala, _damask, _weave, _triangles, _plain,
)  # fmt: skip
_WEIGHTS = np.array([0.3, 0.08, 0.07, 0.06, 0.1, 0.12, 0.1, 0.08, 0.09])
