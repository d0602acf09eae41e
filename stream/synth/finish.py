"""What a camera does to a picture: blur, colour, noise, JPEG."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from stream.synth.config import SceneConfig

Image = NDArray[np.uint8]


@dataclass(frozen=True)
class Finish:
    """The marks of one camera; sizes as parts of the picture's shorter side."""

    gains: tuple[float, float, float] = (1.0, 1.0, 1.0)  # BGR
    exposure: float = 1.0
    gamma: float = 1.0
    defocus_rel: float = 0.0  # standard deviation
    motion_rel: float = 0.0  # length
    motion_rad: float = 0.0
    noise: float = 0.0  # standard deviation, grey levels
    coarse: bool = False  # noise in grains of about two pixels
    jpeg: int | None = None  # quality


def draw_finish(rng: np.random.Generator, config: SceneConfig) -> Finish:
    """Random numbers → the marks of a camera."""
    b, g, r = (float(v) for v in rng.uniform(*config.cast, 3))
    return Finish(
        gains=(b, g, r),
        exposure=float(rng.uniform(*config.exposure)),
        gamma=float(rng.uniform(*config.gamma)),
        defocus_rel=float(rng.uniform(*config.defocus_rel)) * (rng.random() < config.defocus),
        motion_rel=float(rng.uniform(*config.motion_rel)) * (rng.random() < config.motion),
        motion_rad=float(rng.uniform(0, np.pi)),
        noise=float(rng.uniform(*config.noise)),
        coarse=bool(rng.random() < 0.4),
        jpeg=int(rng.integers(*config.jpeg_quality, endpoint=True))
        if rng.random() < config.jpeg
        else None,
    )


def finish(image: Image, marks: Finish, rng: np.random.Generator) -> Image:
    """A clean picture (H, W, 3) → as a camera delivers it; `rng` places the noise."""
    side = min(image.shape[:2])
    sigma = marks.defocus_rel * side
    if sigma > 0.2:
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), dtype=np.uint8)
    if marks.motion_rel * side > 1.5:
        kernel = _streak(marks.motion_rel * side, marks.motion_rad)
        image = np.asarray(cv2.filter2D(image, -1, kernel), dtype=np.uint8)
    image = np.asarray(cv2.LUT(image, _tones(marks)), dtype=np.uint8)
    if marks.noise > 0.3:
        grain = _crop(_large_pool(marks.coarse, image.shape[:2]), image.shape[:2], rng)
        gain = marks.noise / 32
        image = np.asarray(cv2.addWeighted(image, 1, grain, gain, -128 * gain), dtype=np.uint8)
    if marks.jpeg is not None:
        _, code = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, marks.jpeg])
        image = np.asarray(cv2.imdecode(code, cv2.IMREAD_COLOR), dtype=np.uint8)
    return image


def _tones(marks: Finish) -> Image:
    """The camera's curve for each colour (1, 256, 3)."""
    level = (np.arange(256) / 255)[:, None] * marks.exposure * np.array(marks.gains)
    curve = np.clip(level, 0, None) ** marks.gamma
    bend = np.where(curve > 0.8, 0.8 + 0.2 * np.tanh((curve - 0.8) / 0.2), curve)
    return np.asarray(np.rint(bend * 255).astype(np.uint8)[None])


def _streak(length: float, angle: float) -> NDArray[np.float32]:
    """A line of `length` px as a kernel that sums to 1."""
    half = int(np.ceil(length / 2))
    kernel = np.zeros((2 * half + 1, 2 * half + 1), dtype=np.float32)
    end = np.array([np.cos(angle), np.sin(angle)]) * length / 2
    a, b = (np.rint((half + s * end) * 16).astype(int).tolist() for s in (-1, 1))
    cv2.line(kernel, a, b, 1.0, 1, cv2.LINE_8, 4)
    return np.asarray(kernel / kernel.sum())


@lru_cache(maxsize=2)
def _pool(coarse: bool) -> Image:
    """Noise (768, 768, 3) about 128 with a standard deviation of 32."""
    field = np.random.default_rng(11).normal(size=(768, 768, 3)).astype(np.float32)
    if coarse:
        field = np.asarray(cv2.GaussianBlur(field, (0, 0), 0.9), dtype=np.float32)
        field /= field.std()
    return np.asarray(np.clip(128 + 32 * field, 0, 255).astype(np.uint8))


@lru_cache(maxsize=2)
def _large_pool(coarse: bool, hw: tuple[int, int]) -> Image:
    """The pool, repeated until a picture of that size has room for many places in it."""
    pool = _pool(coarse)
    times = [1 if 2 * n <= p else 1 + -(-n // p) for n, p in zip(hw, pool.shape, strict=False)]
    return np.tile(pool, (*times, 1))


def _crop(pool: Image, hw: tuple[int, int], rng: np.random.Generator) -> Image:
    """A part of the pool of the size asked for, from a random place."""
    y, x = (int(rng.integers(0, p - n + 1)) for n, p in zip(hw, pool.shape, strict=False))
    return pool[y : y + hw[0], x : x + hw[1]]
