"""What a camera does to a picture: blur, colour, noise, JPEG."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from stream.synth.config import SceneConfig
from stream.synth.lens import PINHOLE, Lens, draw_lens

Image = NDArray[np.uint8]


@dataclass(frozen=True)
class Finish:
    """The marks of one camera; sizes as parts of the picture's shorter side."""

    gains: tuple[float, float, float] = (1.0, 1.0, 1.0)  # BGR
    exposure: float = 1.0
    metering: float = 0.0  # how far the picture is brought to middle grey before, 0..1
    gamma: float = 1.0
    defocus_rel: float = 0.0  # standard deviation
    motion_rel: float = 0.0  # length
    motion_rad: float = 0.0
    noise: float = 0.0  # standard deviation, grey levels
    coarse: bool = False  # noise in grains of about two pixels
    blotch: float = 0.0  # noise of the colours in patches, as `noise`
    jpeg: int | None = None  # quality
    shrink: float = 1.0  # so many times the pixels a side were made out of one
    sharpen: float = 0.0
    flicker: float = 0.0  # what is lost in the darkest rows
    flicker_rows_rel: float = 1.0
    lens: Lens = PINHOLE


def draw_finish(rng: np.random.Generator, config: SceneConfig) -> Finish:
    """Random numbers → the marks of a camera."""
    b, g, r = (float(v) for v in rng.uniform(*config.cast, 3))
    exposure, noise = rng.uniform(*config.exposure), rng.uniform(*config.noise)
    quality, coded = config.jpeg_quality, rng.random() < config.jpeg
    draw = rng.random()
    if draw < config.dark:
        exposure, noise = rng.uniform(*config.dark_exposure), rng.uniform(*config.dark_noise)
    elif draw > 1 - config.bright:
        exposure = rng.uniform(*config.bright_exposure)
    webcam = bool(rng.random() < config.webcam)
    if webcam:
        quality, coded = config.webcam_quality, True
    return Finish(
        gains=(b, g, r),
        exposure=float(exposure),
        metering=float(rng.uniform(*config.metering)),
        gamma=float(rng.uniform(*config.gamma)),
        defocus_rel=float(rng.uniform(*config.defocus_rel)) * (rng.random() < config.defocus),
        motion_rel=float(rng.uniform(*config.motion_rel)) * (rng.random() < config.motion),
        motion_rad=float(rng.uniform(0, np.pi)),
        noise=float(noise),
        coarse=bool(rng.random() < 0.4),
        blotch=float(rng.uniform(*config.blotch)) * (rng.random() < config.blotches),
        jpeg=int(rng.integers(*quality, endpoint=True)) if coded else None,
        shrink=float(rng.uniform(*config.webcam_shrink)) if webcam else 1.0,
        sharpen=float(rng.uniform(*config.sharpen)) if webcam else 0.0,
        flicker=float(rng.uniform(*config.flicker_depth)) * (rng.random() < config.flicker),
        flicker_rows_rel=float(rng.uniform(*config.flicker_rows_rel)),
        lens=draw_lens(rng, config),
    )


def finish(image: Image, marks: Finish, rng: np.random.Generator) -> Image:
    """A clean picture (H, W, 3) → as a camera delivers it; `rng` places noise and stripes."""
    height, width = image.shape[:2]
    side = min(height, width)
    image = marks.lens.bend(image)
    sigma = marks.defocus_rel * side
    if sigma > 0.2:
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), dtype=np.uint8)
    if marks.motion_rel * side > 1.5:
        image = _smeared(image, marks.motion_rel * side, marks.motion_rad)
    if marks.flicker > 0:
        image = _flickered(image, marks, rng)
    image = np.asarray(cv2.LUT(image, _tones(marks, _metered(image, marks))), dtype=np.uint8)
    if marks.shrink > 1:
        few = (max(8, round(width / marks.shrink)), max(8, round(height / marks.shrink)))
        image = np.asarray(cv2.resize(image, few, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    if marks.blotch > 0.3:
        image = _blotched(image, marks, rng)
    if marks.noise > 0.3:
        grain = _crop(_large_pool(marks.coarse, image.shape[:2]), image.shape[:2], rng)
        gain = marks.noise / 32
        image = np.asarray(cv2.addWeighted(image, 1, grain, gain, -128 * gain), dtype=np.uint8)
    if marks.jpeg is not None:
        _, code = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, marks.jpeg])
        image = np.asarray(cv2.imdecode(code, cv2.IMREAD_COLOR), dtype=np.uint8)
    if marks.shrink > 1:
        image = np.asarray(cv2.resize(image, (width, height)), dtype=np.uint8)
    if marks.sharpen > 0:
        soft = cv2.GaussianBlur(image, (0, 0), max(1.0, side / 250))
        sharp = cv2.addWeighted(image, 1 + marks.sharpen, soft, -marks.sharpen, 0)
        image = np.asarray(sharp, dtype=np.uint8)
    return image


def _flickered(image: Image, marks: Finish, rng: np.random.Generator) -> Image:
    """Stripes of a lamp that goes bright and dark while the rows are read."""
    rows = np.arange(image.shape[0]) / (marks.flicker_rows_rel * image.shape[0])
    wave = 0.5 + 0.5 * np.cos(2 * np.pi * (rows + rng.random()))
    gain = np.rint(255 * (1 - marks.flicker * wave)).astype(np.uint8)
    full = np.repeat(gain[:, None, None], 3, axis=2)
    full = np.repeat(full, image.shape[1], axis=1)
    return np.asarray(cv2.multiply(image, full, scale=1 / 255), dtype=np.uint8)


def _blotched(image: Image, marks: Finish, rng: np.random.Generator) -> Image:
    """Noise of the colours in patches of a few pixels, which leaves the brightness."""
    height, width = image.shape[:2]
    small = (-(-height // 4), -(-width // 4))
    grain = _crop(_large_pool(False, small), small, rng)
    gain = marks.blotch / 32
    keep = np.eye(3) - np.array([0.114, 0.587, 0.299])  # its own brightness is taken off it
    mixed = cv2.transform(grain, np.column_stack([keep * gain, np.full(3, 128.0)]))
    full = cv2.resize(mixed, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.addWeighted(image, 1, full, 1, -128), dtype=np.uint8)


def _metered(image: Image, marks: Finish) -> float:
    """The exposure that the camera chooses, a part of its way to middle grey."""
    if marks.metering == 0:
        return 1.0
    mean = max(float(image[::7, ::7].mean()), 2.0)
    return float(np.clip((105 / mean) ** marks.metering, 0.5, 5.0))


def _tones(marks: Finish, metered: float) -> Image:
    """The camera's curve for each colour (1, 256, 3)."""
    level = (np.arange(256) / 255)[:, None] * marks.exposure * metered * np.array(marks.gains)
    curve = np.clip(level, 0, None) ** marks.gamma
    bend = np.where(curve > 0.8, 0.8 + 0.2 * np.tanh((curve - 0.8) / 0.2), curve)
    return np.asarray(np.rint(bend * 255).astype(np.uint8)[None])


def _smeared(image: Image, length: float, angle: float) -> Image:
    """A picture moved evenly over `length` px while it was taken; the middle stays in its place.

    Two copies half the length apart are two points of the line, two of those a quarter apart four:
    a few shifts do what a large kernel does.
    """
    size = (image.shape[1], image.shape[0])
    apart = length / 2
    while apart > 0.6:
        step = np.array([np.cos(angle), np.sin(angle)]) * apart / 2
        pair = [
            cv2.warpAffine(
                image, np.column_stack([np.eye(2), s * step]), size, borderMode=cv2.BORDER_REPLICATE
            )
            for s in (-1, 1)
        ]
        image = np.asarray(cv2.addWeighted(pair[0], 0.5, pair[1], 0.5, 0), dtype=np.uint8)
        apart /= 2
    return image


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
