"""Backs of cards → other backs: parts of several put together, so that no two decks look alike."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from stream.synth.art import Texture, any_of

Image = NDArray[np.uint8]

_WIDTH_MM = 63.0


def mixed_back(rng: np.random.Generator, pictures: Sequence[Texture]) -> Texture:
    """Random numbers → a back made of parts of the given pictures."""
    back = any_of(rng, pictures).levels[0].copy()
    height, width = back.shape[:2]
    px_per_mm = width / _WIDTH_MM
    if rng.random() < 0.75:  # the field inside the border is another's, nearer
        inset = round(px_per_mm * rng.uniform(0, 9))
        size = (width - 2 * inset, height - 2 * inset)
        back[inset : inset + size[1], inset : inset + size[0]] = _cut(rng, size, pictures)
    if rng.random() < 0.35:
        _medallion(rng, back, pictures)
    if rng.random() < 0.3:  # the same either way up
        back[height - height // 2 :] = back[: height // 2][::-1, ::-1]
    if rng.random() < 0.45:
        _bordered(rng, back, px_per_mm)
    return Texture.of(back)


def _cut(rng: np.random.Generator, size: tuple[int, int], pictures: Sequence[Texture]) -> Image:
    """A part of one of the pictures, up to three times as near, brought to (width, height)."""
    picture = any_of(rng, pictures).levels[0]
    if rng.random() < 0.25:
        picture = picture.transpose(1, 0, 2)
    height, width = picture.shape[:2]
    part = 1 / rng.uniform(1, 3)
    across = min(width, max(8, round(width * part)))
    along = min(height, max(8, round(height * part)))
    x = int(rng.integers(width - across + 1))
    y = int(rng.integers(height - along + 1))
    cut = picture[y : y + along, x : x + across]
    cut = np.ascontiguousarray(cut[:, :: int(rng.choice([1, -1]))])
    cut = np.asarray(cv2.resize(cut, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    if rng.random() < 0.4:
        cut = cut[..., rng.permutation(3)]
    if rng.random() < 0.2:
        cut = 255 - cut
    return cut


def _medallion(rng: np.random.Generator, back: Image, pictures: Sequence[Texture]) -> None:
    """A part of another picture, or one colour, in an oval in the middle, in place."""
    height, width = back.shape[:2]
    across, along = width * rng.uniform(0.25, 0.9), width * rng.uniform(0.25, 1.2)
    size = (max(1, round(across)), max(1, round(min(along, height))))
    x, y = (width - size[0]) // 2, (height - size[1]) // 2
    mask = np.zeros((size[1], size[0]), np.uint8)
    cv2.ellipse(
        mask, (size[0] // 2, size[1] // 2), (size[0] // 2, size[1] // 2), 0, 0, 360, 255, -1
    )
    if rng.random() < 0.3:
        part = np.full((size[1], size[0], 3), rng.uniform(10, 250, 3)).astype(np.uint8)
    else:
        part = _cut(rng, size, pictures)
    np.copyto(back[y : y + size[1], x : x + size[0]], part, where=mask[..., None] > 0)


def _bordered(rng: np.random.Generator, back: Image, px_per_mm: float) -> None:
    """A border of one colour, mostly white, and at times a line inside it, in place."""
    height, width = back.shape[:2]
    wide = max(1, round(px_per_mm * rng.uniform(1, 6)))
    paper = rng.uniform(225, 250, 3) if rng.random() < 0.7 else rng.uniform(10, 250, 3)
    for rows in (np.s_[:wide], np.s_[height - wide :], np.s_[:, :wide], np.s_[:, width - wide :]):
        back[rows] = paper
    if rng.random() < 0.4:
        inner = wide + round(px_per_mm * rng.uniform(0.3, 2))
        ends = (inner, inner), (width - 1 - inner, height - 1 - inner)
        thick = max(1, round(px_per_mm * rng.uniform(0.2, 0.8)))
        cv2.rectangle(back, *ends, rng.uniform(10, 250, 3).tolist(), thick)
