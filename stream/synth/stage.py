"""Light that is not the same everywhere: spots, gels, vignettes, shadows of hands."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from stream.synth.config import SceneConfig
from stream.synth.cutout import CutOut
from stream.synth.stock import Stock

Image = NDArray[np.uint8]
Floats = NDArray[np.float64]
Field = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Stage:
    """Light over the picture as a camera shows it; places and sizes in parts of the picture."""

    gels: Floats | None = None  # (2, 3) BGR gains on either side
    across: tuple[float, float] = (1.0, 0.0)  # from one gel to the other, a unit vector
    spot: tuple[float, float, float, float] | None = None  # x, y, radius, width of its edge
    floor: float = 1.0  # light beyond the spot
    vignette: float = 0.0  # what is lost in the corners
    hand: CutOut | None = None  # throws its shadow
    hand_at: tuple[float, float, float, float] = (0.5, 0.5, 1.0, 0.0)  # x, y, size, angle
    hand_dark: float = 0.0
    hand_soft: float = 0.02

    @property
    def plain(self) -> bool:
        """Whether it changes nothing."""
        return self.gels is None and self.spot is None and self.hand is None and not self.vignette

    def shine(self, image: Image) -> None:
        """Lay the light over a picture, in place."""
        if self.plain:
            return
        height, width = image.shape[:2]
        small = (max(2, round(96 * height / max(width, height))),
                 max(2, round(96 * width / max(width, height))))  # fmt: skip
        light = np.clip(self.field(small) * 100, 0, 255).astype(np.uint8)
        full = cv2.resize(light, (width, height), interpolation=cv2.INTER_LINEAR)
        cv2.multiply(image, full, dst=image, scale=1 / 100)

    def field(self, hw: tuple[int, int]) -> Field:
        """Gains (h, w, 3) BGR."""
        height, width = hw
        x, y = np.meshgrid((np.arange(width) + 0.5) / width, (np.arange(height) + 0.5) / height)
        tone = 1 - self.vignette * ((x - 0.5) ** 2 + (y - 0.5) ** 2) * 2
        if self.spot is not None:
            sx, sy, radius, edge = self.spot
            away = np.hypot(x - sx, (y - sy) * height / width)
            tone *= self.floor + (1 - self.floor) / (1 + np.exp((away - radius) / edge))
        if self.hand is not None:
            tone *= 1 - self.hand_dark * self._shadow(hw)
        light = np.repeat(tone[..., None], 3, axis=2)
        if self.gels is not None:
            side = (x - 0.5) * self.across[0] + (y - 0.5) * self.across[1]
            part = (1 / (1 + np.exp(-6 * side)))[..., None]
            light *= self.gels[0] * (1 - part) + self.gels[1] * part
        return light.astype(np.float32)

    def _shadow(self, hw: tuple[int, int]) -> Floats:
        if self.hand is None:
            return np.zeros(hw)
        alpha = cv2.extractChannel(self.hand.levels[min(2, len(self.hand.levels) - 1)], 3)
        x, y, size, angle = self.hand_at
        scale = size * max(hw) / max(alpha.shape)
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) * scale
        middle = np.array([alpha.shape[1], alpha.shape[0]]) / 2
        place = np.array([x * hw[1], y * hw[0]]) - turn @ middle
        cast = cv2.warpAffine(alpha, np.column_stack([turn, place]), (hw[1], hw[0]))
        cast = cv2.GaussianBlur(cast, (0, 0), max(self.hand_soft * max(hw), 0.4))
        return cast.astype(np.float64) / 255


def draw_stage(rng: np.random.Generator, config: SceneConfig, stock: Stock) -> Stage:
    """Random numbers → the light over a picture."""
    gels, spot, floor, hand = None, None, 1.0, None
    if rng.random() < config.gels:
        gels = np.stack([_gel(rng, config) for _ in range(2)])
        if rng.random() < 0.6:
            gels[1] = gels[0]
    angle = rng.uniform(0, 2 * np.pi)
    if rng.random() < config.spot:
        x, y = rng.normal(0.5, 0.15, 2)
        edge = float(np.exp(rng.uniform(np.log(0.01), np.log(0.12))))
        spot = (float(x), float(y), float(rng.uniform(0.25, 0.6)), edge)
        floor = float(rng.uniform(0.12, 0.5))
    if rng.random() < config.hand_shadow:
        hand = stock.hands[int(rng.integers(len(stock.hands)))]
    return Stage(
        gels=gels,
        across=(float(np.cos(angle)), float(np.sin(angle))),
        spot=spot,
        floor=floor,
        vignette=float(rng.uniform(*config.vignette)) if rng.random() < 0.5 else 0.0,
        hand=hand,
        hand_at=(
            float(rng.random()),
            float(rng.random()),
            float(rng.uniform(0.5, 1.6)),
            float(rng.uniform(0, 2 * np.pi)),
        ),
        hand_dark=float(rng.uniform(0.25, 0.75)),
        hand_soft=float(rng.uniform(0.004, 0.05)),
    )


def _gel(rng: np.random.Generator, config: SceneConfig) -> Floats:
    """Tungsten, LED blue, pink, or any colour → gains (3,) BGR, the strongest above 1."""
    known = np.array([[0.35, 0.75, 1.2], [1.3, 0.6, 0.3], [1.1, 0.45, 1.25], [0.5, 1.2, 0.5]])
    colour = known[int(rng.integers(4))] if rng.random() < 0.7 else rng.uniform(0.2, 1.3, 3)
    strength = rng.uniform(*config.gel_strength)
    return np.asarray(1 + (colour - 1) * strength)
