"""Random numbers → ornamented backs of cards, BGR uint8."""

from __future__ import annotations

import colorsys

import cv2
import numpy as np
from numpy.typing import NDArray

from stream.synth.patterns import PX_PER_MM, pattern, step

Image = NDArray[np.uint8]
Floats = NDArray[np.float32]

WIDTH, HEIGHT = 63 * PX_PER_MM, 88 * PX_PER_MM
_HUES = (0.99, 0.0, 0.01, 0.6, 0.62, 0.57, 0.35, 0.75, 0.08, 0.45)


def back(rng: np.random.Generator) -> Image:
    """A card's back: patterns in one or two inks, most often inside a white border."""
    off_x, off_y = rng.normal(0, 0.35, 2) * (rng.random() < 0.5)  # print is seldom quite centred
    x, y = (at - off for at, off in zip(plane(), (off_x, off_y), strict=True))
    paper, ink = paper_colour(rng), ink_colour(rng)
    ground = ink_colour(rng) if rng.random() < 0.25 else paper
    if rng.random() < 0.12:  # light lines on the dark, or gold
        ground, ink = ink * 0.25, rng.choice([[90, 190, 225], [190, 195, 200], [230, 235, 240]])
    border = rng.uniform(1.2, 7.0) if rng.random() < 0.68 else -1.0
    inner = _inside(x, y, 0.0 if border < 0 else rng.uniform(0, 1) ** 2 * 6)
    amount = pattern(rng, x, y)
    if rng.random() < 0.25:  # another pattern inside a frame
        line = rng.uniform(6, 16)
        amount = np.where(inner > line, pattern(rng, x, y), amount)
    if rng.random() < 0.55:
        amount = _frames(rng, inner, amount)
    if rng.random() < 0.5:
        amount = _medallion(rng, x, y, amount)
    if rng.random() < 0.35 and amount.mean() < 0.9:
        amount = 1 - amount
    second = ink_colour(rng) if rng.random() < 0.3 else ink
    inks = ink + (second - ink) * step(_parting(rng, x, y, inner))[..., None]
    if rng.random() < 0.12:  # foil: bright here, dark there
        inks = (
            inks * (1 + 0.45 * np.sin((x + y * rng.uniform(-2, 2)) / rng.uniform(5, 20)))[..., None]
        )
    card = ground + (inks - ground) * amount[..., None]
    if rng.random() < 0.18:
        card = _lettered(rng, card, ink if amount[HEIGHT // 2, WIDTH // 2] < 0.5 else paper)
    if border > 0:
        card = paper + (card - paper) * step(inner - border)[..., None]
        if rng.random() < 0.3:  # a thin line in the border
            thin = step(0.15 + rng.uniform(0, 0.2) - np.abs(inner - border * rng.uniform(0.3, 0.8)))
            card = card + (ink - card) * thin[..., None]
    return picture(card)


def _inside(x: Floats, y: Floats, radius: float) -> Floats:
    """Millimetres to the card's edge (H, W), measured to round corners where there is a radius."""
    across, along = np.abs(x) - (31.5 - radius), np.abs(y) - (44 - radius)
    corner = np.hypot(np.maximum(across, 0), np.maximum(along, 0))
    return np.asarray(radius - corner - np.minimum(np.maximum(across, along), 0), dtype=np.float32)


def _parting(rng: np.random.Generator, x: Floats, y: Floats, inner: Floats) -> Floats:
    """Where a second ink is used (above 0): the ends, the middle, one half, the rim."""
    kind = rng.integers(4)
    if kind == 0:
        return np.abs(y) - np.float32(rng.uniform(10, 30))
    if kind == 1:
        return np.asarray(rng.uniform(8, 22) - np.hypot(x, y), dtype=np.float32)
    if kind == 2:
        return np.asarray(y + x * rng.uniform(-1, 1), dtype=np.float32)
    return np.float32(rng.uniform(4, 12)) - inner


def _lettered(rng: np.random.Generator, card: NDArray[np.floating], ink: Floats) -> Floats:
    """A word or a monogram in the middle, on half of the cards in both halves."""
    canvas = np.zeros((HEIGHT, WIDTH), dtype=np.uint8)
    text = "".join(chr(65 + int(c)) for c in rng.integers(0, 26, int(rng.integers(1, 7))))
    font, scale = int(rng.choice([0, 1, 2, 3, 4, 6, 7])), rng.uniform(30, 70) / (4 + 9 * len(text))
    thick = int(rng.integers(2, 9))
    (wide, tall), _ = cv2.getTextSize(text, font, scale * 2.2, thick)
    two_way = rng.random() < 0.5
    at = ((WIDTH - wide) // 2, HEIGHT // 2 - (tall if two_way else -tall // 2))
    cv2.putText(canvas, text, at, font, scale * 2.2, 255, thick, cv2.LINE_AA)
    if two_way:
        canvas = np.maximum(canvas, canvas[::-1, ::-1])
    part = canvas[..., None] / np.float32(255)
    return np.asarray(card + (ink - card) * part, dtype=np.float32)


def plane() -> tuple[Floats, Floats]:
    """The card's pixels as mm from its middle: x (H, W) and y (H, W)."""
    xs = (np.arange(WIDTH, dtype=np.float32) + 0.5) / PX_PER_MM - 31.5
    ys = (np.arange(HEIGHT, dtype=np.float32) + 0.5) / PX_PER_MM - 44
    shape = (HEIGHT, WIDTH)
    return np.broadcast_to(xs, shape), np.broadcast_to(ys[:, None], shape)


def _frames(rng: np.random.Generator, edge: Floats, amount: Floats) -> Floats:
    """Lines round the card, `edge` mm from its edge, over the pattern."""
    at = rng.uniform(3, 8)
    for _ in range(int(rng.integers(1, 4))):
        line = step(rng.uniform(0.2, 0.9) - np.abs(edge - at))
        amount = np.maximum(amount, line) if rng.random() < 0.7 else amount * (1 - line)
        at += rng.uniform(1, 3)
    return amount


def _medallion(rng: np.random.Generator, x: Floats, y: Floats, amount: Floats) -> Floats:
    """A rosette in the middle of the card, and its echo in the pattern round it."""
    radius, angle = np.hypot(x, y * rng.uniform(0.6, 1.0)), np.arctan2(y, x)
    petals = 2 * rng.integers(2, 8)
    size = rng.uniform(7, 18) * (1 + rng.uniform(0, 0.25) * np.cos(petals * angle))
    waves = np.cos(radius * rng.uniform(0.8, 2.5)) + np.cos(petals * angle) * rng.uniform(0, 1)
    rosette = step(waves * 0.5)
    inside = step(size - radius)
    rim = step(0.4 - np.abs(size - radius))
    return np.asarray(amount * (1 - inside) * (1 - rim) + inside * np.maximum(rosette, rim))


def paper_colour(rng: np.random.Generator) -> Floats:
    """White to cream, BGR."""
    red = rng.uniform(228, 252)
    return np.array([red - rng.uniform(0, 22), red - rng.uniform(0, 8), red], dtype=np.float32)


def ink_colour(rng: np.random.Generator) -> Floats:
    """A printer's colour, BGR: red and blue most often, black now and then."""
    hue = float(_HUES[rng.integers(len(_HUES))] + rng.normal() * 0.015) % 1.0
    sat, val = float(rng.uniform(0.55, 1)), float(rng.uniform(0.3, 0.95))
    if rng.random() < 0.12:
        sat, val = 0.1, float(rng.uniform(0.05, 0.25))
    red, green, blue = colorsys.hsv_to_rgb(hue, sat, val)
    return np.array([blue, green, red], dtype=np.float32) * 255


def picture(values: NDArray[np.floating]) -> Image:
    """Colours (H, W, 3) 0..255 → a picture."""
    return np.asarray(np.clip(values, 0, 255), dtype=np.uint8)
