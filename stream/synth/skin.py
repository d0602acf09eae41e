"""Random numbers → drawn hands, fingers and arms: limbs as round bars under a lamp."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from stream.synth.cutout import CutOut, measured

Image = NDArray[np.uint8]
Floats = NDArray[np.float64]
Field = NDArray[np.float32]

TONES = np.array(
    [
        [172, 196, 236],
        [140, 172, 224],
        [110, 150, 205],
        [78, 112, 168],
        [52, 76, 122],
        [38, 52, 84],
    ],
    dtype=np.float64,
)
"""Skin, BGR, from light to dark."""

GREY = np.array([150.0, 150.0, 150.0])
"""What fingers and arms are drawn in, so that gains give them any colour."""

Bar = tuple[tuple[float, float], tuple[float, float], float, float]
"""From (x, y) to (x, y) px, with a radius at either end."""


@lru_cache(maxsize=1)
def hands() -> list[CutOut]:
    """Drawn hands, palms and backs, open, closed and pointing."""
    rng = np.random.default_rng(21)
    return [_hand(rng) for _ in range(14)]


@lru_cache(maxsize=1)
def fingers() -> list[CutOut]:
    """Drawn fingers, grey; the tip is above."""
    rng = np.random.default_rng(22)
    return [_finger(rng, nail=bool(i % 3)) for i in range(12)]


@lru_cache(maxsize=1)
def arms() -> tuple[list[CutOut], list[CutOut]]:
    """Drawn bare arms and sleeves, grey; the hand is above."""
    rng = np.random.default_rng(23)
    return [_arm(rng, cloth=False) for _ in range(4)], [_arm(rng, cloth=True) for _ in range(10)]


def _hand(rng: np.random.Generator) -> CutOut:
    size = (224, 208)
    middle = np.array([104.0, 134.0])
    bars: list[Bar] = [
        ((104, 222), (104, 160), 27, 34),
        ((92, 164), (88, 118), 32, 22),
        ((116, 164), (122, 116), 32, 22),
    ]
    spread, curl = rng.uniform(0.05, 0.28), rng.choice([0.25, 0.45, 1.0, 1.0])
    for k in range(4):
        stretched = curl if rng.random() < 0.75 else rng.choice([0.3, 1.0])
        angle = (k - 1.5) * spread + rng.normal(0, 0.04)
        root = middle + np.array([(k - 1.5) * 18, -22 - 4 * (k in {1, 2})])
        length = (62, 70, 66, 52)[k] * stretched
        bend = root + 0.55 * length * np.array([np.sin(angle), -np.cos(angle)])
        angle += rng.normal(0, 0.12)
        end = bend + 0.5 * length * np.array([np.sin(angle), -np.cos(angle)])
        bars += [(_xy(root), _xy(bend), 11.5, 10), (_xy(bend), _xy(end), 10, 8)]
    out = rng.uniform(-1.2, -0.2)
    joint = middle + np.array([-26, 22])
    bend = joint + 36 * np.array([np.sin(out), -np.cos(out)])
    out += rng.uniform(-0.1, 0.7)
    end = bend + rng.uniform(16, 34) * np.array([np.sin(out), -np.cos(out)])
    bars += [(_xy(joint), _xy(bend), 17, 12), (_xy(bend), _xy(end), 12, 9)]
    skin = _between(TONES, rng) * rng.uniform(0.9, 1.08, 3)
    picture = _relief(rng, bars, size, skin)
    return measured(np.ascontiguousarray(picture[:, ::-1] if rng.random() < 0.5 else picture))


def _finger(rng: np.random.Generator, *, nail: bool) -> CutOut:
    size = (192, 64)
    bow = rng.normal(0, 5, 2)
    bars: list[Bar] = [
        ((32, 180), (32 + bow[0], 112), 24, 23),
        ((32 + bow[0], 112), (32 + bow[1], 66), 22.5, 21),
        ((32 + bow[1], 66), (32, 26), 21, rng.uniform(16, 19)),
    ]
    picture = _relief(rng, bars, size, GREY, strength=0.8)
    for y in (66.0, 112.0):  # creases at the joints
        for _ in range(2):
            at = y + rng.normal(0, 4)
            ends = [(14, at + rng.normal(0, 2)), (50, at + rng.normal(0, 2))]
            _stroke(picture, ends, rng.uniform(0.84, 0.96))
    if nail:
        middle = (round(32 + rng.normal(0, 2)), 26)
        shine = picture[..., :3].copy()
        axes = (int(rng.integers(8, 12)), int(rng.integers(12, 16)))
        tone = (168 + rng.uniform(-12, 25)) * np.array([1.05, 1.0, 1.04])
        cv2.ellipse(shine, middle, axes, 0, 0, 360, tone.tolist(), -1, cv2.LINE_AA)
        cv2.ellipse(shine, middle, axes, 0, 0, 360, (110, 108, 120), 1, cv2.LINE_AA)
        picture[..., :3] = cv2.addWeighted(shine, 0.65, picture[..., :3], 0.35, 0)
    return measured(picture)


def _arm(rng: np.random.Generator, *, cloth: bool) -> CutOut:
    size = (320, 96)
    wrist, elbow = (36, 44) if cloth else (26, 42)
    bars: list[Bar] = [((48, wrist - 4), (48, 380), wrist, elbow)]
    picture = _relief(rng, bars, size, GREY, strength=0.7)
    if cloth:
        picture[: wrist // 2, :, 3] = 0  # a cuff is cut straight
        folds = rng.normal(size=(320, 96)).astype(np.float32)
        folds = np.asarray(cv2.GaussianBlur(folds, (0, 0), sigmaX=14, sigmaY=7), dtype=np.float32)
        rows = np.arange(320, dtype=np.float32)[:, None]
        weave = np.sin(rows * rng.uniform(0.1, 1.5)) * rng.choice([0, 0, 0.15])
        tone = 1 + 0.13 * folds / folds.std() + weave
        picture[..., :3] = np.clip(picture[..., :3] * tone[..., None], 0, 255).astype(np.uint8)
    return measured(picture)


def _relief(
    rng: np.random.Generator,
    bars: Sequence[Bar],
    hw: tuple[int, int],
    colour: Floats,
    strength: float = 1.0,
) -> Image:
    """Round bars under a lamp (h, w, 4) BGRA."""
    height, width = hw
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    tall = np.zeros(hw, dtype=np.float32)
    alpha = np.zeros(hw, dtype=np.float32)
    for (ax, ay), (bx, by), ra, rb in bars:
        dx, dy = bx - ax, by - ay
        along = np.clip(((x - ax) * dx + (y - ay) * dy) / max(dx * dx + dy * dy, 1e-6), 0, 1)
        away = np.hypot(x - ax - along * dx, y - ay - along * dy)
        radius = ra + along * (rb - ra)
        tall = np.maximum(tall, np.sqrt(np.maximum(radius**2 - away**2, 0)))
        alpha = np.maximum(alpha, np.clip(radius - away + 0.5, 0, 1))
    tall = np.asarray(cv2.GaussianBlur(tall, (0, 0), 1.6), dtype=np.float32)
    gx, gy = (cv2.Sobel(tall, cv2.CV_32F, *axis, ksize=3) / 8 for axis in ((1, 0), (0, 1)))
    lamp = np.append(rng.normal(0, 0.45, 2), 1.0)
    lamp /= np.linalg.norm(lamp)
    facing = (lamp[2] - gx * lamp[0] - gy * lamp[1]) / np.sqrt(1 + gx**2 + gy**2)
    shade = 1 + strength * (0.62 * (np.clip(facing, 0, 1) - 0.85))
    pores = rng.normal(size=hw).astype(np.float32)
    blotch = np.asarray(cv2.GaussianBlur(pores, (0, 0), 9), dtype=np.float32)
    pores = np.asarray(cv2.GaussianBlur(pores, (0, 0), 0.8), dtype=np.float32)
    tone = shade + 0.03 * blotch / blotch.std() + 0.02 * pores / pores.std()
    red = 1 + 0.06 * np.stack([-0.5 * blotch, -blotch, 0 * blotch], axis=2) / blotch.std()
    # what turns away from the lamp reddens
    warm = 1 - (0.9 - np.clip(shade, 0.5, 0.9))[..., None] * np.array([0.3, 0.2, 0.0])
    bgr = colour * tone[..., None] * red * warm
    return np.dstack([np.clip(bgr, 0, 255), alpha * 255]).astype(np.uint8)


def _stroke(picture: Image, ends: Sequence[tuple[float, float]], tone: float) -> None:
    mask = np.zeros(picture.shape[:2], dtype=np.uint8)
    a, b = ((round(px), round(py)) for px, py in ends)
    cv2.line(mask, a, b, 255, 1, cv2.LINE_AA)
    dim = 1 - (1 - tone) * cv2.GaussianBlur(mask, (0, 0), 0.8).astype(np.float32)[..., None] / 255
    picture[..., :3] = (picture[..., :3] * dim).astype(np.uint8)


def _between(tones: Floats, rng: np.random.Generator) -> Floats:
    """A tone between two neighbours of the table."""
    at = float(rng.uniform(0, len(tones) - 1))
    low = min(int(at), len(tones) - 2)
    return np.asarray(tones[low] + (at - low) * (tones[low + 1] - tones[low]))


def _xy(point: Floats) -> tuple[float, float]:
    return float(point[0]), float(point[1])
