"""Random numbers → pictures of tables, cloths and floors that tile, BGR uint8."""

from __future__ import annotations

import colorsys

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Floats = NDArray[np.float32]

SIZE = 384


def table(rng: np.random.Generator) -> Image:
    """A surface (384, 384, 3) whose opposite edges meet: wood, cloth, felt, tiles, stone, plain."""
    makers = (_wood, _cloth, _cloth, _felt, _felt, _tiles, _stone, _plain)
    grey = makers[rng.integers(len(makers))](rng)  # about 0, standard deviation about 1
    low, high = _colours(rng)
    mix = np.clip(0.5 + grey * 0.25, -0.5, 1.5)[..., None]
    return np.asarray(np.clip(low + (high - low) * mix, 0, 255).astype(np.uint8))


def noise(rng: np.random.Generator, stretch: float, power: float) -> Floats:
    """Periodic noise (384, 384) of mean 0 and standard deviation 1, spectrum 1/f^power.

    `stretch` > 1 draws it out along x.
    """
    frequency = np.fft.fftfreq(SIZE) * SIZE
    fx, fy = np.meshgrid(frequency[: SIZE // 2 + 1] * stretch, frequency)
    radius = np.hypot(fx, fy)
    radius[0, 0] = np.inf
    shape = (SIZE, SIZE // 2 + 1)
    spectrum = rng.normal(size=shape) + 1j * rng.normal(size=shape)
    field = np.fft.irfft2(spectrum * radius**-power, s=(SIZE, SIZE))
    return np.asarray(field / field.std(), dtype=np.float32)


def _wood(rng: np.random.Generator) -> Floats:
    rings = np.sin(2 * np.pi * (rng.integers(2, 7) * _y() + 0.8 * noise(rng, 8, 2.2)))
    grain = noise(rng, rng.uniform(10, 40), 1.0)
    return np.asarray(rings * rng.uniform(0.2, 1) + grain * rng.uniform(0.4, 1) + _planks(rng))


def _planks(rng: np.random.Generator) -> Floats:
    """A dark joint every so often, or none."""
    count = int(rng.integers(0, 5))
    joint = np.abs((_y() * max(count, 1)) % 1 - 0.5) > 0.49
    return np.asarray(-2.0 * joint * (count > 0), dtype=np.float32)


def _cloth(rng: np.random.Generator) -> Floats:
    threads = int(rng.integers(24, 128))
    weave = np.sin(2 * np.pi * threads * _x()) * np.sin(2 * np.pi * threads * _y())
    folds = noise(rng, 1.5, 2.4)
    fluff = noise(rng, 1, 0.4)
    return np.asarray(weave * rng.uniform(0, 0.8) + folds * rng.uniform(0.1, 0.8) + fluff * 0.5)


def _felt(rng: np.random.Generator) -> Floats:
    fine, coarse = noise(rng, rng.uniform(1, 3), 0.6), noise(rng, 1, 2.0)
    return np.asarray(fine * rng.uniform(0.2, 1.2) + coarse * rng.uniform(0, 0.6))


def _tiles(rng: np.random.Generator) -> Floats:
    count = int(rng.integers(1, 7))
    x, y = (_x() * count) % 1, (_y() * count) % 1
    width = rng.uniform(0.01, 0.06)
    joint = (np.minimum(np.minimum(x, 1 - x), np.minimum(y, 1 - y)) < width).astype(np.float32)
    checker = ((_x() * count).astype(int) + (_y() * count).astype(int)) % 2 * rng.uniform(0, 3)
    return np.asarray(noise(rng, 1, 1.6) * 0.5 - joint * rng.uniform(-2, 2) + checker - 1)


def _stone(rng: np.random.Generator) -> Floats:
    veins = -np.abs(noise(rng, 1, 1.9)) * rng.uniform(0, 2)
    return np.asarray(veins + noise(rng, 1, rng.uniform(0.8, 1.8)))


def _plain(rng: np.random.Generator) -> Floats:
    return np.asarray(noise(rng, 1, 1.5) * rng.uniform(0.02, 0.25), dtype=np.float32)


def _x() -> Floats:
    row = np.arange(SIZE, dtype=np.float32) / SIZE
    return np.broadcast_to(row, (SIZE, SIZE))


def _y() -> Floats:
    return _x().T


def _colours(rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Two BGR colours of one surface: near in hue, apart in brightness."""
    hue, sat = float(rng.random()), float(rng.beta(1.3, 1.6))
    if rng.random() < 0.35:
        hue, sat = float(rng.uniform(0.04, 0.11)), float(rng.uniform(0.2, 0.7))
    val = float(rng.uniform(0.12, 0.95))
    other = (hue + rng.normal() * 0.02) % 1, sat * rng.uniform(0.7, 1), val * rng.uniform(0.55, 1)
    pair = [colorsys.hsv_to_rgb(hue, sat, val), colorsys.hsv_to_rgb(*(float(v) for v in other))]
    first, second = (np.array(c[::-1], dtype=np.float32) * 255 for c in pair)
    return second, first
