"""Random numbers → everything that stands still in a scene, and a camera that looks at it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from stream.packet import DECKS
from stream.synth.art import Art, Texture
from stream.synth.backdrop import Backdrop, draw_backdrop
from stream.synth.body import Body, rounded
from stream.synth.camera import Camera, framed, intrinsics, look_at, on_sphere
from stream.synth.config import SceneConfig
from stream.synth.finish import Finish, draw_finish
from stream.synth.light import Light, gloss_map
from stream.synth.paint import Block

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Stock:
    """Art made ready to draw with."""

    backs: list[Texture]
    faces: list[Texture]
    tables: list[Texture]


@lru_cache(maxsize=4)
def textures_of(art: Art) -> Stock:
    """Pictures → textures in halving sizes; made once for all that draw with the same art."""
    return Stock(
        [Texture.of(p) for p in art.backs],
        [Texture.of(p) for p in art.faces],
        [Texture.of(p) for p in art.backgrounds],
    )


@dataclass(frozen=True)
class Finger:
    """Something skin-coloured that reaches into the picture; sizes in parts of the picture."""

    start: tuple[float, float]  # (x, y)
    keypoint: int  # it ends near this corner of the packet
    past: tuple[float, float]
    radius_rel: float  # of the packet's extent
    colour: tuple[float, float, float]


@dataclass(frozen=True, eq=False)
class Scene:
    """Everything but the camera. Without a packet `cards` is 0."""

    cards: int
    body: Body  # where there is no packet, the place that the camera looks at
    packet: Block | None
    others: tuple[Block, ...]
    finger: Finger | None
    light: Light
    backdrop: Backdrop
    finish: Finish


def draw_scene(rng: np.random.Generator, config: SceneConfig, stock: Stock) -> Scene:
    """Random numbers → a scene."""
    cards = int(rng.integers(*config.cards, endpoint=True))
    body = _draw_body(rng, config, cards)
    empty = bool(rng.random() < config.empty)
    others = []
    if rng.random() < config.clutter:
        others = [_draw_box(rng, stock, body) for _ in range(int(rng.integers(1, 4)))]
    if not empty and cards > 2 and rng.random() < config.stray_card:
        others.append(_draw_stray(rng, config, stock, body))
    finger = _draw_finger(rng) if rng.random() < config.occluder else None
    return Scene(
        cards=0 if empty else cards,
        body=body,
        packet=None if empty else _draw_packet(rng, config, stock, body, cards),
        others=tuple(others),
        finger=None if empty else finger,
        light=_draw_light(rng, config),
        backdrop=draw_backdrop(rng, stock.tables, config.flat_picture),
        finish=draw_finish(rng, config),
    )


def draw_camera(
    rng: np.random.Generator, config: SceneConfig, body: Body, hw: tuple[int, int]
) -> Camera:
    """Random numbers → a camera that shows the body as large as the configuration says."""
    low, high = np.radians(config.elevation_deg)
    elevation = np.arcsin(rng.uniform(np.sin(low), np.sin(high)))
    azimuth = np.radians(rng.uniform(*config.azimuth_deg))
    place = on_sphere(azimuth, elevation, rng.uniform(*config.distance_mm))
    off = np.tan(np.radians(rng.uniform(*config.off_axis_deg, 2)))
    reach = np.linalg.norm(place)
    side = np.array([np.cos(azimuth), np.sin(azimuth), 0.0])
    target = side * off[0] * reach + np.array([-side[1], side[0], 0.0]) * off[1] * reach * 0.5
    camera = look_at(
        place, target, np.radians(rng.uniform(*config.roll_deg)), intrinsics(1, (0, 0))
    )
    xy = camera.project(body.sharp_corners())
    height, width = hw
    spread = xy.max(axis=0) - xy.min(axis=0)
    fit = min(width / spread[0], height / spread[1])  # the scale at which it just fills the picture
    extent = float(rng.uniform(*config.extent))
    size = fit * spread * extent
    free = (np.array([width, height]) - size) / 2
    if rng.random() < config.outside:
        free = free + size * rng.uniform(0.1, 0.4)
    centre = np.array([width - 1, height - 1]) / 2 + rng.uniform(-1, 1, 2) * free
    return framed(camera, xy, centre, float(size.max()))


def _draw_body(rng: np.random.Generator, config: SceneConfig, cards: int) -> Body:
    deck = DECKS["poker"]
    card = float(np.clip(rng.normal(0.31, 0.02), *config.card_mm))
    thickness = cards * card
    if cards > 46:
        thickness *= float(rng.uniform(*config.squeeze))
    lean = (0.0, 0.0)
    if rng.random() < config.lean:
        x, y = rng.uniform(*config.lean_mm, 2) * min(1.0, thickness / 8)
        lean = (float(x), float(y))
    face_up = bool(rng.random() < config.face_up)
    return Body(deck.width_mm, deck.height_mm, thickness, 3.5, lean, face_up)


def _draw_packet(
    rng: np.random.Generator, config: SceneConfig, stock: Stock, body: Body, cards: int
) -> Block:
    pictures = stock.faces if body.face_up else stock.backs
    gloss = None
    if rng.random() < config.gloss:
        gloss = gloss_map(rng, float(rng.uniform(*config.gloss_strength)))
    level = rng.uniform(195, 250)
    paper = np.array([level - rng.uniform(0, 34), level - rng.uniform(0, 14), level])
    loose = rng.normal(0, rng.uniform(*config.misaligned_mm), (cards, 2))
    loose[[0, -1]] = 0  # the truth is the place of the large faces
    lean = np.linspace(-0.5, 0.5, cards)[:, None] if cards > 1 else np.zeros((1, 1))
    tones = 1 + rng.normal(0, rng.uniform(0.01, 0.08), cards)
    tones *= np.linspace(rng.uniform(0.8, 1.0), 1, cards)  # less light gets to the table
    return Block(
        outline=rounded(body.width_mm, body.height_mm, body.radius_mm),
        size_mm=(body.width_mm, body.height_mm),
        thickness_mm=body.thickness_mm,
        top=pictures[int(rng.integers(len(pictures)))],
        paper=paper,
        tones=tones,
        shifts=loose + lean * np.array(body.lean_mm),
        gloss=gloss,
        grain=int(rng.integers(1000)),
    )


def _draw_box(rng: np.random.Generator, stock: Stock, body: Body) -> Block:
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


def _draw_stray(rng: np.random.Generator, config: SceneConfig, stock: Stock, body: Body) -> Block:
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


def _draw_light(rng: np.random.Generator, config: SceneConfig) -> Light:
    elevation = np.radians(rng.uniform(*config.light_elevation_deg))
    return Light(
        direction=on_sphere(rng.uniform(0, 2 * np.pi), elevation, 1.0),
        ambient=float(rng.uniform(*config.ambient)),
        shadow=float(rng.uniform(*config.shadow)),
        softness_rel=float(rng.uniform(*config.softness_rel)),
    )


def _draw_finger(rng: np.random.Generator) -> Finger:
    tone = rng.uniform(0.25, 1.0)
    angle = rng.uniform(0, 2 * np.pi)
    return Finger(
        start=(float(0.5 + np.cos(angle)), float(0.5 + np.sin(angle))),
        keypoint=int(rng.integers(8)),
        past=(float(rng.normal(0, 0.08)), float(rng.normal(0, 0.08))),
        radius_rel=float(rng.uniform(0.05, 0.11)),
        colour=(150 * tone, 180 * tone, 235 * tone),
    )
