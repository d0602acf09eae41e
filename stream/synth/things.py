"""Random numbers → what is no packet: card boxes, books, phones, paper, wallets, single cards."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from stream.synth.art import Texture, any_of
from stream.synth.body import Body, rounded
from stream.synth.camera import Camera
from stream.synth.config import SceneConfig
from stream.synth.paint import Block
from stream.synth.sides import Edge
from stream.synth.stock import Stock

Floats = NDArray[np.float64]

LAYERS = 96
"""Of a flat side, so that its seams and bands can be thin."""

FLAT = Edge(line=1.0, grain=0.0)
"""Sides without the gaps between sheets and without the grain of paper."""


@dataclass(frozen=True, eq=False)
class Thing:
    """Blocks that belong together, each with its height above the table in mm, the lowest first."""

    parts: tuple[tuple[Block, float], ...]
    size_mm: tuple[float, float, float]  # width, height, thickness

    def moved(self, place_mm: tuple[float, float], yaw_rad: float) -> Thing:
        """The thing turned about its middle and put somewhere."""
        parts = []
        for block, lift in self.parts:
            spot = replace(block, place_mm=(0.0, 0.0), yaw_rad=yaw_rad).to_world(
                np.array([block.place_mm])
            )[0]
            at = (float(spot[0] + place_mm[0]), float(spot[1] + place_mm[1]))
            parts.append((replace(block, place_mm=at, yaw_rad=block.yaw_rad + yaw_rad), lift))
        return Thing(tuple(parts), self.size_mm)

    @property
    def body(self) -> Body:
        """What a camera looks at that looks at this thing."""
        return Body(*self.size_mm, radius_mm=0.0)


def lifted(camera: Camera, lift_mm: float) -> Camera:
    """The camera for which a block on the table is where it would be at that height."""
    return replace(camera, t=camera.t + camera.R[:, 2] * lift_mm)


def draw_thing(rng: np.random.Generator, stock: Stock, lookalike: float = 0.25) -> Thing:
    """Random numbers → one thing at the origin; the probability is of a card box."""
    if rng.random() < lookalike:
        return _tuck_box(rng, stock)
    return _MAKERS[int(rng.integers(len(_MAKERS)))](rng, stock)


def draw_beside(
    rng: np.random.Generator, stock: Stock, body: Body, lookalike: float = 0.25
) -> Thing:
    """Random numbers → a thing beside the packet."""
    thing = draw_thing(rng, stock, lookalike)
    radius = float(np.hypot(*thing.size_mm[:2])) / 2
    return thing.moved(_beside(rng, body, radius), float(rng.uniform(0, 2 * np.pi)))


def draw_strays(rng: np.random.Generator, config: SceneConfig, stock: Stock, body: Body) -> Thing:
    """Random numbers → single cards beside the packet: one, some scattered, or a row."""
    count = int(rng.choice([1, 1, 2, 3, 5, 9]))
    thin = float(np.mean(config.card_mm))
    pictures = stock.faces if rng.random() < 0.7 else [stock.back(rng)]
    step = np.array([rng.uniform(8, 26), rng.normal(0, 2)])
    turn, row = rng.normal(0, 0.06), rng.random() < 0.6
    parts = []
    for k in range(count):
        spot = step * (k - (count - 1) / 2) if row else rng.normal(0, 38, 2)
        card = Block(
            outline=rounded(body.width_mm, body.height_mm, body.radius_mm),
            size_mm=(body.width_mm, body.height_mm),
            thickness_mm=thin,
            top=any_of(rng, pictures),
            paper=np.array([215.0, 228.0, 235.0]),
            tones=np.ones(1),
            shifts=np.zeros((1, 2)),
            place_mm=(float(spot[0]), float(spot[1])),
            yaw_rad=float(turn * k + rng.normal(0, 0.02) if row else rng.uniform(0, 6.28)),
        )
        parts.append((card, k * thin))
    wide = float(np.abs(step[0]) * (count - 1)) if row else 76.0 * (count > 1)
    radius = float(np.hypot(body.width_mm + wide, body.height_mm)) / 2
    size = (body.width_mm + wide, body.height_mm, thin * count)
    return Thing(tuple(parts), size).moved(
        _beside(rng, body, radius), float(rng.uniform(0, 2 * np.pi))
    )


def _slab(
    rng: np.random.Generator,
    size_mm: tuple[float, float, float],
    top: Texture,
    side: Floats,
    *,
    radius_mm: float = 1.0,
    tones: Floats | None = None,
    paper: bool = False,
) -> Block:
    """A block at the origin; `tones` are the shades of its side in layers from below.

    Only the sides of what is made of `paper` show its grain.
    """
    layers = np.ones(LAYERS) if tones is None else tones
    return Block(
        outline=rounded(size_mm[0], size_mm[1], radius_mm, per_corner=4),
        size_mm=size_mm[:2],
        thickness_mm=size_mm[2],
        top=top,
        paper=side,
        tones=layers,
        shifts=np.zeros((len(layers), 2)),
        grain=int(rng.integers(1000)),
        edge=Edge() if paper else FLAT,
    )


def _single(block: Block) -> Thing:
    return Thing(((block, 0.0),), (*block.size_mm, block.thickness_mm))


def _tuck_box(rng: np.random.Generator, stock: Stock) -> Thing:
    """A deck in its box: as large as a packet, flat sides of one colour, a seam, no sheets."""
    grow = rng.uniform(0.97, 1.08)
    size = (65.0 * grow, 91.0 * grow, float(rng.uniform(11, 21)))
    top = stock.box(rng)
    side = _edge_colour(top) * rng.uniform(0.8, 1.05)
    if rng.random() < 0.3:
        side = rng.uniform(20, 245, 3)
    if side.min() > 130:  # nobody can tell bright blank sides from a packet's a few steps away
        side = side * rng.uniform(0.3, 0.6, 3)
    layers = np.ones(LAYERS)
    if rng.random() < 0.6:  # the flap's seam, or a printed band
        at = int(rng.integers(4, LAYERS - 4))
        layers[at : at + int(rng.integers(2, 24))] = rng.choice([0.75, 0.88, 1.2])
    return _single(_slab(rng, size, top, side, radius_mm=rng.uniform(0, 1.2), tones=layers))


def _book(rng: np.random.Generator, stock: Stock) -> Thing:
    """Two covers that overhang the pages, and a spine."""
    width = float(rng.uniform(60, 170))
    height = width * float(rng.uniform(1.2, 1.6))
    thick = float(np.exp(rng.uniform(np.log(5), np.log(38))))
    hard = float(rng.uniform(0.4, 3.0))
    over = float(rng.uniform(0, 4.0)) if hard > 1 else 0.0
    top = stock.cover(rng)
    side = _edge_colour(top)
    sheets = int(rng.integers(10, 60))
    paper = rng.uniform(165, 248) * np.array([rng.uniform(0.78, 0.98), 0.95, 1.0])
    cover = _slab(rng, (width, height, hard), top, side)
    tones = 1 + rng.normal(0, 0.04, sheets)
    pages = _slab(
        rng, (width - over, height - 2 * over, thick), top, paper, tones=tones, paper=True
    )
    spine = replace(_slab(rng, (hard, height, thick), top, side), place_mm=(-width / 2, 0.0))
    pages = replace(pages, place_mm=(-over / 2, 0.0))
    parts = ((cover, 0.0), (pages, hard), (spine, hard), (cover, hard + thick))
    return Thing(parts, (width, height, thick + 2 * hard))


def _notebook(rng: np.random.Generator, stock: Stock) -> Thing:
    """Sheets under a soft cover, or a block of notes without one."""
    notes = rng.random() < 0.3
    width = float(rng.choice([50, 76, 102]) if notes else rng.uniform(80, 210))
    height = width * float(rng.choice([1.0, 1.0, 1.3]) if notes else rng.uniform(1.25, 1.5))
    thick = float(rng.uniform(2.5, 18) if notes else rng.uniform(3, 14))
    top = stock.page(rng) if notes else stock.cover(rng)
    paper = _edge_colour(top) if notes else np.array([225.0, 235.0, 240.0])
    tones = 1 + rng.normal(0, rng.uniform(0.005, 0.05), int(rng.integers(4, 30)))
    size = (width, height, thick)
    return _single(
        _slab(rng, size, top, paper, radius_mm=rng.choice([0.3, 0.3, 5]), tones=tones, paper=True)
    )


def _phone(rng: np.random.Generator, stock: Stock) -> Thing:
    """A phone or a tablet, front or back up."""
    large = rng.random() < 0.2
    width = float(rng.uniform(125, 180) if large else rng.uniform(62, 80))
    height = width * float(rng.uniform(1.35, 1.5) if large else rng.uniform(1.9, 2.15))
    size = (width, height, float(rng.uniform(6.5, 12)))
    side = np.full(3, rng.choice([18.0, 30.0, 90.0, 170.0])) * rng.uniform(0.9, 1.1, 3)
    rim = int(rng.integers(8, 24))
    tones = np.ones(LAYERS)
    tones[:rim], tones[-rim:] = 0.7, 1.2
    top = stock.phone(rng)
    return _single(_slab(rng, size, top, side, radius_mm=rng.uniform(5, 11), tones=tones))


def _small_box(rng: np.random.Generator, stock: Stock) -> Thing:
    """Matches, soap, a box of tea: a tray in a sleeve, or plain."""
    width = float(rng.uniform(34, 110))
    height = width * float(rng.uniform(1.0, 1.8))
    thick = float(rng.uniform(7, 55))
    top = stock.cover(rng)
    side = _edge_colour(top) if rng.random() < 0.6 else rng.uniform(20, 240, 3)
    layers = np.ones(LAYERS)
    if rng.random() < 0.5:
        layers[6:-6] = rng.uniform(0.7, 1.25)
    size = (width, height, thick)
    return _single(_slab(rng, size, top, side, radius_mm=rng.choice([0.3, 0.3, 9]), tones=layers))


def _wallet(rng: np.random.Generator, stock: Stock) -> Thing:
    """Leather, folded once: two thick layers."""
    size = (float(rng.uniform(70, 105)), float(rng.uniform(85, 190)), float(rng.uniform(7, 24)))
    top = any_of(rng, stock.tables)
    layers = np.ones(LAYERS)
    fold = int(rng.integers(LAYERS // 3, 2 * LAYERS // 3))
    layers[fold : fold + 8] = 0.35
    side = _edge_colour(top) * 0.8
    return _single(_slab(rng, size, top, side, radius_mm=rng.uniform(2, 10), tones=layers))


def _paper(rng: np.random.Generator, stock: Stock) -> Thing:
    """A sheet of paper, from a receipt to a page."""
    width = float(rng.choice([58, 74, 105, 148, 210]))
    size = (width, width * float(rng.uniform(1.3, 1.5)), 0.15)
    top = stock.page(rng)
    return _single(_slab(rng, size, top, _edge_colour(top), radius_mm=0.2))


def _plain(rng: np.random.Generator, stock: Stock) -> Thing:
    """A block of any size, with the picture of anything."""
    width = float(rng.uniform(30, 160))
    size = (
        width,
        width * float(rng.uniform(1.0, 2.2)),
        float(np.exp(rng.uniform(np.log(3), np.log(45)))),
    )
    top = any_of(rng, stock.tables) if rng.random() < 0.5 else stock.cover(rng)
    side = _edge_colour(top) if rng.random() < 0.5 else rng.uniform(10, 240, 3)
    return _single(_slab(rng, size, top, side, radius_mm=rng.choice([0.5, 2.0, 8.0])))


_MAKERS: Sequence[Callable[[np.random.Generator, Stock], Thing]] = (
    _book, _book, _notebook, _phone, _phone, _small_box, _small_box, _wallet, _paper, _plain,
)  # fmt: skip


def _edge_colour(top: Texture) -> Floats:
    """The middle colour of a picture's lower edge (3,)."""
    return np.asarray(np.median(top.levels[0][-3:], axis=(0, 1)))


def _beside(rng: np.random.Generator, body: Body, radius_mm: float) -> tuple[float, float]:
    """A place where something of this radius does not touch the packet."""
    apart = np.hypot(body.width_mm, body.height_mm) / 2 + radius_mm + rng.uniform(3, 120)
    angle = rng.uniform(0, 2 * np.pi)
    return float(apart * np.cos(angle)), float(apart * np.sin(angle))
