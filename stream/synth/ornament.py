"""Random numbers → pictures of cards: ornamented backs and plain faces, BGR uint8."""

from __future__ import annotations

import colorsys

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Floats = NDArray[np.float32]

PX_PER_MM = 6
_WIDTH, _HEIGHT = 63 * PX_PER_MM, 88 * PX_PER_MM
_HUES = (0.99, 0.0, 0.01, 0.6, 0.62, 0.57, 0.35, 0.75, 0.08, 0.45)


def back(rng: np.random.Generator) -> Image:
    """A card's back: a pattern in one ink, most often inside a white border."""
    x, y = _plane()
    paper, ink = _paper(rng), _ink(rng)
    amount = _pattern(rng, x, y)
    edge = np.minimum(31.5 - np.abs(x), 44 - np.abs(y))  # mm to the card's edge
    if rng.random() < 0.6:
        amount = _frames(rng, edge, amount)
    if rng.random() < 0.5:
        amount = _medallion(rng, x, y, amount)
    if rng.random() < 0.35:
        amount = 1 - amount
    if rng.random() < 0.72:
        amount = amount * _step(edge - rng.uniform(2.0, 6.5))
    second = _ink(rng) if rng.random() < 0.2 else ink
    inks = ink + (second - ink) * _step(np.abs(y) - 22)[..., None]
    return _picture(paper + (inks - paper) * amount[..., None])


def face(rng: np.random.Generator) -> Image:
    """A card's face: pips in their usual places with two indices, or a framed court picture."""
    paper = _paper(rng)
    canvas = np.ascontiguousarray(np.broadcast_to(paper, (_HEIGHT, _WIDTH, 3)).astype(np.uint8))
    rank, suit = int(rng.integers(1, 14)), int(rng.integers(4))
    ink = (30, 25, 30) if suit < 2 else (40, 30, 200)
    if rank > 10:
        x, y = _plane()
        court = _picture(
            np.stack([_pattern(rng, x, y) for _ in range(3)], axis=-1) * 215 + rng.uniform(0, 40)
        )
        inside = (np.abs(x) < 20) & (np.abs(y) < 34)
        canvas[inside] = court[inside]
        cv2.rectangle(canvas, _px(-20, -34), _px(20, 34), (120, 60, 30), 3)
    for place in _PLACES.get(rank, []):
        _pip(canvas, suit, place, 17 if rank == 1 else 8, ink)
    half = canvas.copy()
    name = {1: "A", 11: "J", 12: "Q", 13: "K"}.get(rank, str(rank))
    cv2.putText(half, name, _px(-29.5, -34.5), 0, 1.5, ink, 5, cv2.LINE_AA)
    _pip(half, suit, (-26.5, -29), 5, ink)
    turned = half[::-1, ::-1].copy()
    return np.asarray(np.where(half == canvas, turned, half))


_PLACES: dict[int, list[tuple[int, int]]] = {
    1: [(0, 0)],
    2: [(0, -28), (0, 28)],
    3: [(0, -28), (0, 0), (0, 28)],
    4: [(x, y) for x in (-11, 11) for y in (-28, 28)],
    5: [(0, 0)] + [(x, y) for x in (-11, 11) for y in (-28, 28)],
    6: [(x, y) for x in (-11, 11) for y in (-28, 0, 28)],
    7: [(0, -14)] + [(x, y) for x in (-11, 11) for y in (-28, 0, 28)],
    8: [(0, -14), (0, 14)] + [(x, y) for x in (-11, 11) for y in (-28, 0, 28)],
    9: [(0, 0)] + [(x, y) for x in (-11, 11) for y in (-28, -9, 9, 28)],
    10: [(0, -19), (0, 19)] + [(x, y) for x in (-11, 11) for y in (-28, -9, 9, 28)],
}


def _pip(
    canvas: Image, suit: int, at_mm: tuple[float, float], size: float, ink: tuple[int, ...]
) -> None:
    """Draw a spade, club, heart or diamond about a place, `size` mm high; upside down below."""
    x, y = at_mm
    up = -1.0 if y > 0 else 1.0
    shift = 4

    def at(dx: float, dy: float) -> tuple[int, int]:
        px, py = (x + dx * size + 31.5) * PX_PER_MM, (y + up * dy * size + 44) * PX_PER_MM
        return round(px * 2**shift), round(py * 2**shift)

    def fill(*points: tuple[float, float]) -> None:
        shape = np.array([at(*p) for p in points], dtype=np.int32)
        cv2.fillPoly(canvas, [shape], ink, cv2.LINE_AA, shift)

    def disc(dx: float, dy: float, radius: float) -> None:
        r = round(radius * size * PX_PER_MM * 2**shift)
        cv2.circle(canvas, at(dx, dy), r, ink, -1, cv2.LINE_AA, shift)

    if suit == 0:
        disc(-0.22, 0.12, 0.24)
        disc(0.22, 0.12, 0.24)
        fill((0, -0.5), (0.44, 0.05), (-0.44, 0.05))
    if suit == 1:
        disc(0, -0.25, 0.23)
        disc(-0.25, 0.1, 0.23)
        disc(0.25, 0.1, 0.23)
    if suit < 2:
        fill((0, 0), (0.15, 0.5), (-0.15, 0.5))
    if suit == 2:
        disc(-0.22, -0.22, 0.24)
        disc(0.22, -0.22, 0.24)
        fill((0, 0.5), (0.44, -0.12), (0, -0.25), (-0.44, -0.12))
    if suit == 3:
        fill((0, -0.5), (0.38, 0), (0, 0.5), (-0.38, 0))


def _px(x_mm: float, y_mm: float) -> tuple[int, int]:
    return round((x_mm + 31.5) * PX_PER_MM), round((y_mm + 44) * PX_PER_MM)


def _plane() -> tuple[Floats, Floats]:
    """The card's pixels as mm from its middle: x (H, W) and y (H, W)."""
    xs = (np.arange(_WIDTH, dtype=np.float32) + 0.5) / PX_PER_MM - 31.5
    ys = (np.arange(_HEIGHT, dtype=np.float32) + 0.5) / PX_PER_MM - 44
    shape = (_HEIGHT, _WIDTH)
    return np.broadcast_to(xs, shape), np.broadcast_to(ys[:, None], shape)


def _step(mm: NDArray[np.floating]) -> Floats:
    """0 below zero, 1 above, softened over a pixel."""
    return np.asarray(np.clip(mm * PX_PER_MM + 0.5, 0, 1), dtype=np.float32)


def _pattern(rng: np.random.Generator, x: Floats, y: Floats) -> Floats:
    """How much ink lies where (H, W) in 0..1: a lattice, or waves that add up to an ornament."""
    period = rng.uniform(2.5, 9)
    u, v = x * (2 * np.pi / period), y * (2 * np.pi / period * rng.uniform(0.6, 1.4))
    if rng.random() < 0.4:
        u, v = u + v, u - v
    kind = rng.integers(4)
    if kind == 0:
        value = np.cos(u) * np.cos(v)
    elif kind == 1:
        value = np.maximum(np.cos(u), np.cos(v)) - rng.uniform(0.5, 0.9)
    elif kind == 2:
        value = np.cos(u) + np.cos(v) + rng.uniform(-0.8, 0.8)
    else:
        value = np.zeros_like(u)
        for _ in range(5):
            m, n = rng.integers(0, 4, 2)
            value += rng.normal() * np.cos(m * u / 2) * np.cos(n * v / 2)
        value -= np.quantile(value[::8, ::8], rng.uniform(0.3, 0.6))
    slope = 2 * np.pi / period
    return _step(value / slope)


def _frames(rng: np.random.Generator, edge: Floats, amount: Floats) -> Floats:
    """Lines round the card, `edge` mm from its edge, over the pattern."""
    at = rng.uniform(3, 8)
    for _ in range(int(rng.integers(1, 4))):
        line = _step(rng.uniform(0.2, 0.9) - np.abs(edge - at))
        amount = np.maximum(amount, line) if rng.random() < 0.7 else amount * (1 - line)
        at += rng.uniform(1, 3)
    return amount


def _medallion(rng: np.random.Generator, x: Floats, y: Floats, amount: Floats) -> Floats:
    """A rosette in the middle of the card, and its echo in the pattern round it."""
    radius, angle = np.hypot(x, y * rng.uniform(0.6, 1.0)), np.arctan2(y, x)
    petals = 2 * rng.integers(2, 8)
    size = rng.uniform(7, 18) * (1 + rng.uniform(0, 0.25) * np.cos(petals * angle))
    waves = np.cos(radius * rng.uniform(0.8, 2.5)) + np.cos(petals * angle) * rng.uniform(0, 1)
    rosette = _step(waves * 0.5)
    inside = _step(size - radius)
    rim = _step(0.4 - np.abs(size - radius))
    return np.asarray(amount * (1 - inside) * (1 - rim) + inside * np.maximum(rosette, rim))


def _paper(rng: np.random.Generator) -> Floats:
    """White to cream, BGR."""
    red = rng.uniform(228, 252)
    return np.array([red - rng.uniform(0, 22), red - rng.uniform(0, 8), red], dtype=np.float32)


def _ink(rng: np.random.Generator) -> Floats:
    """A printer's colour, BGR: red and blue most often, black now and then."""
    hue = float(_HUES[rng.integers(len(_HUES))] + rng.normal() * 0.015) % 1.0
    sat, val = float(rng.uniform(0.55, 1)), float(rng.uniform(0.3, 0.95))
    if rng.random() < 0.12:
        sat, val = 0.1, float(rng.uniform(0.05, 0.25))
    red, green, blue = colorsys.hsv_to_rgb(hue, sat, val)
    return np.array([blue, green, red], dtype=np.float32) * 255


def _picture(values: NDArray[np.floating]) -> Image:
    return np.asarray(np.clip(values, 0, 255), dtype=np.uint8)
