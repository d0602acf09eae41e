"""Random numbers → what is printed on things that are no packet: covers, screens, pages, boxes.

Each is drawn anew, for a print that comes again is learnt by heart, and the thing with it.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from stream.synth.art import Texture, any_of

Image = NDArray[np.uint8]
Floats = NDArray[np.float64]


def cover(rng: np.random.Generator) -> Texture:
    """The cover of a book or a box: plain, framed, with a title, with shapes."""
    return Texture.of(_cover(rng))


def page(rng: np.random.Generator) -> Texture:
    """A sheet of paper: blank, printed, ruled, written on."""
    return Texture.of(_page(rng))


def phone(rng: np.random.Generator, pictures: Sequence[Texture]) -> Texture:
    """A phone's front, which shows one of the pictures, or its back."""
    if rng.random() < 0.625:
        shown = any_of(rng, pictures).levels[0]
        return Texture.of(_screen(rng, shown))
    return Texture.of(_phone_back(rng))


def box(rng: np.random.Generator, back: Texture) -> Texture:
    """The front of a card box: its cards' back or a sign on its colour, with a thumb notch."""
    return Texture.of(_box(rng, back.levels[0]))


def _flat(hw: tuple[int, int], colour: Floats) -> Image:
    return np.full((*hw, 3), np.clip(colour, 0, 255), dtype=np.uint8)


def _colour(rng: np.random.Generator) -> Floats:
    """Any colour, often a strong or a dark one."""
    value = rng.uniform(30, 245)
    kind = rng.random()
    if kind < 0.25:
        return np.full(3, value) * rng.uniform(0.9, 1.05, 3)
    colour = value * rng.uniform(0.05, 1.0, 3)
    colour[int(rng.integers(3))] = value
    return np.asarray(colour)


def _lines(
    rng: np.random.Generator, picture: Image, box: tuple[int, int, int, int], pitch: float
) -> None:
    """Rows of what looks like writing inside (x, y, w, h), in place."""
    x, y, w, h = box
    ink = _colour(rng) * rng.choice([0.15, 0.4, 1.2])
    for row in np.arange(y + pitch / 2, y + h - pitch / 2, pitch).tolist():
        at, end = float(x), x + w * rng.uniform(0.5, 1.0)
        while at < end:
            word = rng.uniform(0.8, 3.5) * pitch
            low = (round(at), round(row - pitch * 0.2))
            high = (round(min(at + word, end)), round(row + pitch * 0.2))
            cv2.rectangle(picture, low, high, ink.tolist(), -1)
            at += word + 0.6 * pitch


def _sign(rng: np.random.Generator, picture: Image, middle: tuple[int, int], size: int) -> None:
    """A sign or a suit in the middle, in place."""
    colour = _colour(rng).tolist()
    kind = int(rng.integers(4))
    if kind == 0:
        cv2.circle(picture, middle, size, colour, int(rng.choice([-1, 2, 4])), cv2.LINE_AA)
    elif kind == 1:
        corners = int(rng.integers(3, 9))
        angles = np.arange(corners) / corners * 2 * np.pi + rng.uniform(0, 6)
        radii = size * np.where(np.arange(corners) % 2, rng.uniform(0.4, 1), 1)
        star = np.stack([np.cos(angles), np.sin(angles)], axis=1) * radii[:, None] + middle
        cv2.fillPoly(picture, [star.astype(np.int32)], colour, cv2.LINE_AA)
    elif kind == 2:
        text = "".join(rng.choice(list("AKQJ789&RSBOX"), 3))
        scale = size / 22
        place = (middle[0] - int(size * 1.3), middle[1] + size // 2)
        cv2.putText(picture, text, place, cv2.FONT_HERSHEY_DUPLEX, scale, colour, 2, cv2.LINE_AA)
    else:
        axes = (size, int(size * rng.uniform(0.3, 1.4)))
        cv2.ellipse(picture, middle, axes, float(rng.uniform(0, 180)), 0, 360, colour, -1)


def _cover(rng: np.random.Generator) -> Image:
    height, width = 192, int(rng.integers(110, 190))
    picture = _flat((height, width), _colour(rng))
    if rng.random() < 0.4:
        inset = int(rng.integers(4, 16))
        ends = ((inset, inset), (width - inset, height - inset))
        thick = int(rng.choice([-1, 1, 2, 4]))
        cv2.rectangle(picture, *ends, _colour(rng).tolist(), thick)
    for _ in range(int(rng.integers(0, 4))):
        spot = (int(rng.integers(width)), int(rng.integers(height)))
        _sign(rng, picture, spot, int(rng.integers(8, 50)))
    if rng.random() < 0.6:
        top = int(rng.integers(10, 110))
        _lines(rng, picture, (14, top, width - 28, int(rng.integers(20, 60))), rng.uniform(5, 18))
    return picture


def _page(rng: np.random.Generator) -> Image:
    paper = rng.uniform(190, 252) * np.array([rng.uniform(0.8, 1), rng.uniform(0.93, 1), 1.0])
    if rng.random() < 0.3:
        paper = np.clip(_colour(rng) * 0.5 + 120, 0, 255)  # coloured paper
    picture = _flat((192, 140), paper)
    kind = rng.random()
    if kind < 0.5:
        _lines(rng, picture, (12, 12, 116, 168), rng.uniform(4, 8))
    elif kind < 0.75:
        pitch = rng.uniform(6, 14)
        for y in np.arange(pitch, 192, pitch).tolist():
            cv2.line(picture, (0, round(y)), (140, round(y)), (paper * 0.82).tolist(), 1)
    return picture


def _screen(rng: np.random.Generator, shown: Image) -> Image:
    height, width = 240, 116
    picture = _flat((height, width), np.full(3, rng.uniform(5, 35)))
    bezel = int(rng.integers(3, 9))
    box = (width - 2 * bezel, height - 2 * bezel - int(rng.choice([0, 0, 16, 24])))
    dark = rng.random() < 0.3
    inside = np.asarray(cv2.resize(shown, box) // (8 if dark else 1), dtype=np.uint8)
    if not dark and rng.random() < 0.6:
        for k in range(int(rng.integers(2, 7))):
            y = 10 + k * int(rng.integers(18, 36))
            _lines(rng, inside, (8, y, box[0] - 16, 16), rng.uniform(6, 14))
    top = (height - box[1]) // 2
    picture[top : top + box[1], bezel : bezel + box[0]] = inside
    glare = np.linspace(rng.uniform(0, 40), 0, height)[:, None, None]
    return np.asarray(np.clip(picture + glare, 0, 255).astype(np.uint8))


def _phone_back(rng: np.random.Generator) -> Image:
    picture = _flat((240, 116), _colour(rng))
    x, y = 10, 12
    size = int(rng.integers(24, 46))
    cv2.rectangle(picture, (x, y), (x + size, y + int(size * 1.2)), (40, 40, 42), -1)
    for k in range(int(rng.integers(1, 4))):
        spot = (x + size // 2, y + 10 + 14 * k)
        cv2.circle(picture, spot, 6, (12, 10, 10), -1, cv2.LINE_AA)
        cv2.circle(picture, spot, 6, (120, 120, 120), 1, cv2.LINE_AA)
    if rng.random() < 0.6:
        _sign(rng, picture, (58, 120), 10)
    return picture


def _box(rng: np.random.Generator, back: Image) -> Image:
    """A card box's front (264, 189, 3), or its back with the notch."""
    colour = _colour(rng)
    picture = _flat((264, 189), colour)
    kind = rng.random()
    if kind < 0.55:  # it shows the back of its cards
        inset = int(rng.choice([0, 0, 4, 10, 18]))
        shown = cv2.resize(back, (189 - 2 * inset, 264 - 2 * inset), interpolation=cv2.INTER_AREA)
        picture[inset : 264 - inset, inset : 189 - inset] = shown
    else:
        if rng.random() < 0.5:
            cv2.rectangle(picture, (10, 10), (179, 254), _colour(rng).tolist(), 3)
        for _ in range(int(rng.integers(1, 3))):
            spot = (int(rng.integers(60, 130)), int(rng.integers(50, 210)))
            _sign(rng, picture, spot, int(rng.integers(18, 52)))
        _lines(rng, picture, (26, 200, 137, 44), rng.uniform(9, 20))
    if rng.random() < 0.45:  # the thumb notch shows what is inside
        inside = rng.choice([30.0, 90.0, 230.0]) * rng.uniform(0.85, 1, 3)
        cv2.circle(picture, (94, 0), int(rng.integers(18, 34)), inside.tolist(), -1, cv2.LINE_AA)
    return picture
