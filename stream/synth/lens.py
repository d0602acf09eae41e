"""What bends a picture: a wide lens, and rows that are read one after the other."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from stream.synth.config import SceneConfig

Image = NDArray[np.uint8]
Floats = NDArray[np.float64]
Field = NDArray[np.float32]

FLAT = 1e-9  # a smaller k moves no pixel by a hundredth of itself


@dataclass(frozen=True)
class Lens:
    """Radial distortion about a centre, and a skew of the rows; at zero it changes nothing.

    A pixel p of the picture shows the pinhole's pixel c + (u−c)(1+k r²)/(1+max(k,0)), where u is p
    moved by `skew` times its row's place in −½..½, and r = |u−c| over the distance of c from the
    corner of the picture furthest away. k > 0 bends lines outwards as wide lenses do.
    """

    k: float = 0.0  # −0.2..1
    centre: tuple[float, float] = (0.5, 0.5)  # (x, y) in parts of the picture
    skew: tuple[float, float] = (0.0, 0.0)  # (x, y) from the first row to the last, in the same

    @property
    def plain(self) -> bool:
        """Whether it changes nothing that a pixel could show."""
        return abs(self.k) < FLAT and self.skew == (0.0, 0.0)

    def source(self, xy: Floats, hw: tuple[int, int]) -> Floats:
        """Pixels of the picture (…, 2) → the pinhole's pixels that they show (…, 2)."""
        size, centre, reach = self.frame(hw)
        row = (xy[..., 1:] + 0.5) / hw[0] - 0.5
        away = xy + row * np.array(self.skew) * size - centre
        square = (away**2).sum(axis=-1, keepdims=True) / reach**2
        return np.asarray(centre + away * (1 + self.k * square) / (1 + max(self.k, 0.0)))

    def shown(self, xy: Floats, hw: tuple[int, int]) -> Floats:
        """The pinhole's pixels (N, 2) → where the picture shows them (N, 2); the inverse."""
        if self.plain:
            return xy
        size, centre, reach = self.frame(hw)
        away = xy - centre
        wanted = np.linalg.norm(away, axis=1) / reach * (1 + max(self.k, 0.0))
        # beyond this radius a negative k folds the picture back: far outside of it
        last = np.sqrt(1 / (-3 * self.k)) * 0.99 if self.k < -FLAT else np.inf
        end = last * (1 + self.k * last**2) if self.k < -FLAT else np.inf
        radius = np.minimum(wanted, last)
        for _ in range(30):  # Newton
            rest = radius * (1 + self.k * radius**2) - np.minimum(wanted, end)
            radius = np.minimum(radius - rest / (1 + 3 * self.k * radius**2), last)
        radius = radius + np.maximum(wanted - end, 0)
        found = away * (radius * reach / np.maximum(np.linalg.norm(away, axis=1), 1e-12))[:, None]
        skew = np.array(self.skew) * size
        y = (found[:, 1] + centre[1] + skew[1] * (0.5 - 0.5 / hw[0])) / (1 + skew[1] / hw[0])
        x = found[:, 0] + centre[0] - ((y + 0.5) / hw[0] - 0.5) * skew[0]
        return np.stack([x, y], axis=1)

    def bend(self, image: Image) -> Image:
        """A pinhole's picture (H, W, 3) → what this lens makes of it."""
        if self.plain:
            return image
        maps = _maps(self, (image.shape[0], image.shape[1]))
        bent = cv2.remap(image, *maps, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
        return np.asarray(bent, dtype=np.uint8)

    def frame(self, hw: tuple[int, int]) -> tuple[Floats, Floats, float]:
        """A picture's size (x, y), its optical centre, and the distance that r is a part of, px."""
        size = np.array([hw[1], hw[0]], dtype=float)
        centre = np.array(self.centre) * size - 0.5
        reach = np.linalg.norm(np.maximum(centre + 0.5, size - 0.5 - centre))
        return size, centre, float(reach)


PINHOLE = Lens()


def draw_lens(rng: np.random.Generator, config: SceneConfig) -> Lens:
    """Random numbers → a lens; a picture that is a crop has its centre off the middle."""
    k, centre, skew = 0.0, (0.5, 0.5), (0.0, 0.0)
    if rng.random() < config.wide:
        k = float(rng.uniform(*config.distortion))
        x, y = 0.5 + rng.uniform(-0.5, 0.5, 2) * (rng.random() < 0.5)
        centre = (float(x), float(y))
    if rng.random() < config.rolling:
        x, y = rng.uniform(*config.skew_rel, 2) * rng.choice([-1, 1], 2)
        skew = (float(x), float(y))
    return Lens(k, centre, skew)


@lru_cache(maxsize=2)  # a clip has one lens
def _maps(lens: Lens, hw: tuple[int, int]) -> tuple[Field, Field]:
    """`Lens.source` for every pixel: x (h, w) and y (h, w), in few steps of half the precision."""
    size, centre, reach = lens.frame(hw)
    x = np.arange(hw[1], dtype=np.float32)[None] - np.float32(centre[0])
    y = np.arange(hw[0], dtype=np.float32)[:, None] - np.float32(centre[1])
    row = (np.arange(hw[0], dtype=np.float32)[:, None] + 0.5) / hw[0] - 0.5
    if lens.skew != (0.0, 0.0):
        x = x + row * np.float32(lens.skew[0] * size[0])
        y = y + row * np.float32(lens.skew[1] * size[1])
    grow = x * x + y * y
    grow *= np.float32(lens.k / reach**2)
    grow += 1
    grow /= np.float32(1 + max(lens.k, 0.0))
    return x * grow + np.float32(centre[0]), y * grow + np.float32(centre[1])
