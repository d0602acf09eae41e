"""Random numbers → what else lies about: boxes, books, phones and single cards."""

from __future__ import annotations

import numpy as np

from stream.synth.art import Texture
from stream.synth.body import Body, rounded
from stream.synth.config import SceneConfig
from stream.synth.paint import Block
from stream.synth.stock import Stock


def draw_box(rng: np.random.Generator, stock: Stock, body: Body) -> Block:
    """A book, a box or a phone beside the packet."""
    width = float(rng.uniform(30, 160))
    height = width * float(rng.uniform(1.0, 2.2))
    thick = float(np.exp(rng.uniform(np.log(1.5), np.log(45))))
    plain = rng.random() < 0.5
    colour = rng.uniform(10, 240, 3)
    if rng.random() < 0.3:
        colour = np.full(3, rng.uniform(8, 40))
    cover = np.broadcast_to(colour.astype(np.uint8), (32, 32, 3))
    top = Texture.of(np.ascontiguousarray(cover)) if plain else _any(rng, stock.tables)
    sheets = int(rng.integers(8, 40)) if rng.random() < 0.3 else 1
    paper = rng.uniform(150, 250) * np.array([0.9, 0.96, 1.0]) if sheets > 1 else colour * 0.9
    return Block(
        outline=rounded(width, height, float(rng.choice([0.5, 2.0, 8.0]))),
        size_mm=(width, height),
        thickness_mm=thick,
        top=top,
        paper=paper,
        tones=1 + rng.normal(0, 0.05, sheets),
        shifts=np.zeros((sheets, 2)),
        place_mm=_beside(rng, body, np.hypot(width, height) / 2),
        yaw_rad=float(rng.uniform(0, 2 * np.pi)),
        grain=int(rng.integers(1000)),
    )


def draw_stray(rng: np.random.Generator, config: SceneConfig, stock: Stock, body: Body) -> Block:
    """One card, face up, beside the packet."""
    return Block(
        outline=rounded(body.width_mm, body.height_mm, body.radius_mm),
        size_mm=(body.width_mm, body.height_mm),
        thickness_mm=float(np.mean(config.card_mm)),
        top=_any(rng, stock.faces),
        paper=np.array([215.0, 228.0, 235.0]),
        tones=np.ones(1),
        shifts=np.zeros((1, 2)),
        place_mm=_beside(rng, body, np.hypot(body.width_mm, body.height_mm) / 2),
        yaw_rad=float(rng.uniform(0, 2 * np.pi)),
    )


def _any(rng: np.random.Generator, pictures: list[Texture]) -> Texture:
    return pictures[int(rng.integers(len(pictures)))]


def _beside(rng: np.random.Generator, body: Body, radius_mm: float) -> tuple[float, float]:
    """A place where something of this radius does not touch the packet."""
    apart = np.hypot(body.width_mm, body.height_mm) / 2 + radius_mm + rng.uniform(3, 120)
    angle = rng.uniform(0, 2 * np.pi)
    return float(apart * np.cos(angle)), float(apart * np.sin(angle))
