"""Random numbers → faces of cards, BGR uint8: pips, courts, jokers and pictures to the edge."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from stream.synth.ornament import HEIGHT, WIDTH, ink_colour, paper_colour, picture, plane
from stream.synth.patterns import PX_PER_MM, pattern

Image = NDArray[np.uint8]
Ink = tuple[int, ...]

_FOUR = ((30, 25, 30), (60, 120, 30), (40, 30, 200), (190, 90, 20))  # of decks with four colours


def face(rng: np.random.Generator) -> Image:
    """A card's face with two indices, large ones now and then."""
    paper = paper_colour(rng)
    canvas = np.ascontiguousarray(np.broadcast_to(paper, (HEIGHT, WIDTH, 3)).astype(np.uint8))
    rank, suit = int(rng.integers(1, 15)), int(rng.integers(4))
    ink: Ink = (30, 25, 30) if suit < 2 else (40, 30, 200)
    if rng.random() < 0.2:
        ink = _FOUR[suit]
    if rng.random() < 0.12:
        canvas[:] = _coloured(rng)  # a picture to the edge
    elif rank > 10:
        _court(rng, canvas, ink)
    for place in _PLACES.get(rank, []):
        _pip(canvas, suit, place, 17 if rank == 1 else 8, ink)
    half = canvas.copy()
    size = 1.9 if rng.random() < 0.25 else 1.0
    name = {1: "A", 11: "J", 12: "Q", 13: "K", 14: "JOKER"}.get(rank, str(rank))
    if rank < 14:
        low = -39.5 + 5 * size
        cv2.putText(half, name, _px(-29.5, low), 0, 1.5 * size, ink, round(5 * size), cv2.LINE_AA)
        _pip(half, suit, (-27.5 + size, low + 4.5 + size), 5 * size, ink)
    else:
        for i, letter in enumerate(name):
            cv2.putText(half, letter, _px(-29.5, -34 + 6 * i), 0, 1.0, ink, 4, cv2.LINE_AA)
    turned = half[::-1, ::-1].copy()
    return np.asarray(np.where(half == canvas, turned, half))


def _coloured(rng: np.random.Generator) -> Image:
    """Three patterns in inks over one another (H, W, 3)."""
    x, y = plane()
    value = np.broadcast_to(ink_colour(rng), (HEIGHT, WIDTH, 3))
    for _ in range(3):
        value = value + (ink_colour(rng) - value) * pattern(rng, x, y)[..., None]
    return picture(value)


def _court(rng: np.random.Generator, canvas: Image, ink: Ink) -> None:
    """A figure with a crown in a frame, the same upside down below; in place."""
    x, y = plane()
    ground = paper_colour(rng)
    robe = _coloured(rng)
    head, wide = rng.uniform(4, 7), rng.uniform(10, 19)
    figure = np.broadcast_to(ground, (HEIGHT, WIDTH, 3)).astype(np.uint8).copy()
    slope = rng.uniform(0.2, 0.9)
    body = (y < 0) & (y > -17) & (np.abs(x) < wide + (y + 8) * slope)
    figure[body] = robe[body]
    face_at = (round(31.5 * PX_PER_MM), round((44 - 17 - head * 0.6) * PX_PER_MM))
    hair, skin = ink_colour(rng).tolist(), (150, 190, 235)
    cv2.circle(figure, face_at, round(head * 1.35 * PX_PER_MM), hair, -1, cv2.LINE_AA)
    cv2.circle(figure, face_at, round(head * PX_PER_MM), skin, -1, cv2.LINE_AA)
    top = -17 - head * 1.5
    points = [(-head, top), (-head, top - 5), (-head / 2, top - 2), (0, top - 6)]
    points += [(-a, b) for a, b in points[2::-1]]
    crown = np.array([_px(a, b) for a, b in points], dtype=np.int32)
    cv2.fillPoly(figure, [crown], (40, 180, 230), cv2.LINE_AA)
    cv2.polylines(figure, [crown], True, ink, 2, cv2.LINE_AA)
    figure[HEIGHT // 2 :] = figure[: HEIGHT - HEIGHT // 2][::-1, ::-1]
    inside = (np.abs(x) < 21) & (np.abs(y) < 36)
    canvas[inside] = figure[inside]
    if rng.random() < 0.8:
        cv2.rectangle(canvas, _px(-21, -36), _px(21, 36), (120, 60, 30), 3)


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
