"""Print on a card: another colour, a white border, wear."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from stream.synth.config import SceneConfig

Image = NDArray[np.uint8]
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Print:
    """What becomes of a card's picture: recoloured, then worn."""

    mix: Floats | None = None  # (3, 3) BGR → BGR
    stain: Image | None = None  # (h, w, 3) gain of each colour, 128 = as it was
    bare: Image | None = None  # (h, w, 3) levels to add, where the print is worn off

    def on(self, picture: Image) -> Image:
        """A card's picture (H, W, 3) → the same card, printed so and worn so."""
        out: Image = picture
        size = (picture.shape[1], picture.shape[0])
        if self.mix is not None:
            out = np.asarray(cv2.transform(out, self.mix), dtype=np.uint8)
        if self.stain is not None:
            gain = cv2.resize(self.stain, size, interpolation=cv2.INTER_LINEAR)
            out = np.asarray(cv2.multiply(out, gain, scale=1 / 128), dtype=np.uint8)
        if self.bare is not None:
            more = cv2.resize(self.bare, size, interpolation=cv2.INTER_LINEAR)
            out = np.asarray(cv2.add(out, more), dtype=np.uint8)
        return out


def draw_print(rng: np.random.Generator, config: SceneConfig) -> Print | None:
    """Random numbers → what becomes of a card's picture, None if nothing does."""
    mix = _recolour(rng) if rng.random() < config.recoloured else None
    if rng.random() >= config.worn:
        return Print(mix) if mix is not None else None
    stains, bares = _pool()
    wear = float(rng.uniform(*config.wear))
    stain, bare = (pool[int(rng.integers(len(pool)))] for pool in (stains, bares))
    if rng.random() < 0.5:  # the same wear looks new upside down
        stain, bare = stain[::-1], bare[:, ::-1]
    gain = cv2.convertScaleAbs(stain, alpha=wear, beta=128 * (1 - wear))
    more = cv2.convertScaleAbs(bare, alpha=wear)
    return Print(mix, np.asarray(gain, dtype=np.uint8), np.asarray(more, dtype=np.uint8))


def _recolour(rng: np.random.Generator) -> Floats:
    """A turn of the hue and another saturation (3, 3); white, grey and black stay what they are."""
    angle = rng.uniform(0, 2 * np.pi)
    third = np.full((3, 3), 1 / 3)
    turn = np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]]) / np.sqrt(3)
    hue = third + np.cos(angle) * (np.eye(3) - third) + np.sin(angle) * turn
    saturation = rng.uniform(0.3, 1.2)
    return np.asarray(third + saturation * (hue - third))


@lru_cache(maxsize=1)
def _pool(count: int = 24, size: tuple[int, int] = (126, 180)) -> tuple[list[Image], list[Image]]:
    """Stains and yellowing as gains, worn edges, scratches and creases as levels to add."""
    rng = np.random.default_rng(11)
    return [_stain(rng, size) for _ in range(count)], [_bare(rng, size) for _ in range(count)]


def _cloud(rng: np.random.Generator, size: tuple[int, int], sigma: float) -> NDArray[np.float32]:
    """Smooth noise (h, w) in about −2..2."""
    noise = rng.normal(size=(size[1], size[0])).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), sigma)
    return np.asarray(smooth / smooth.std(), dtype=np.float32)


def _rim(size: tuple[int, int]) -> NDArray[np.float32]:
    """Distance to the card's edge (h, w), parts of its width."""
    x, y = np.meshgrid(np.arange(size[0]), np.arange(size[1]))
    near = np.minimum(np.minimum(x, size[0] - 1 - x), np.minimum(y, size[1] - 1 - y))
    return np.asarray(near / size[0], dtype=np.float32)


def _stain(rng: np.random.Generator, size: tuple[int, int]) -> Image:
    gain = 1 - 0.12 * np.clip(_cloud(rng, size, rng.uniform(4, 25)) - 0.4, 0, 2)
    if rng.random() < 0.5:  # dirty where it is held
        reach = rng.uniform(0.01, 0.08)
        gain *= 1 - rng.uniform(0.1, 0.5) * np.exp(-_rim(size) / reach)
    yellow = 1 - rng.uniform(0, 0.3) * np.array([1.0, 0.35, 0.1]) * (rng.random() < 0.6)
    return np.asarray(np.clip(gain[..., None] * yellow * 128, 0, 255), dtype=np.uint8)


def _bare(rng: np.random.Generator, size: tuple[int, int]) -> Image:
    worn = np.zeros((size[1], size[0]), dtype=np.float32)
    if rng.random() < 0.6:
        reach = rng.uniform(0.008, 0.03) * np.clip(1 + _cloud(rng, size, 6) * 0.6, 0.05, 3)
        worn += rng.uniform(60, 200) * np.exp(-_rim(size) / reach)
    for _ in range(int(rng.integers(0, 12))):
        start = rng.uniform(0, 1, 2) * size
        stop = start + rng.normal(0, 30, 2)
        ends = [tuple(int(v) for v in point) for point in (start, stop)]
        cv2.line(worn, ends[0], ends[1], float(rng.uniform(15, 90)), 1, cv2.LINE_AA)
    if rng.random() < 0.25:  # a crease from edge to edge
        a, b = rng.uniform(0, size[0], 2)
        ends = [(int(a), -1), (int(b), size[1])]
        cv2.line(worn, ends[0], ends[1], float(rng.uniform(40, 140)), 1, cv2.LINE_AA)
    grey = np.clip(worn, 0, 255).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2)
