"""Random numbers → everything that stands still in a scene, and a camera that looks at it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from stream.synth.backdrop import Backdrop, draw_backdrop
from stream.synth.body import Body
from stream.synth.camera import Camera, framed, intrinsics, look_at, on_sphere
from stream.synth.config import SceneConfig
from stream.synth.finish import Finish, draw_finish
from stream.synth.hands import Hand, draw_grip, draw_lone, draw_reach
from stream.synth.light import Light
from stream.synth.packets import draw_body, draw_packet
from stream.synth.paint import Block
from stream.synth.stage import Stage, draw_stage
from stream.synth.stock import Stock
from stream.synth.things import Thing, draw_beside, draw_strays, draw_thing

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Scene:
    """Everything but the camera. Without a packet `cards` is 0."""

    cards: int
    body: Body  # where there is no packet, the place that the camera looks at
    packet: Block | None
    others: tuple[Thing, ...]
    hands: tuple[Hand, ...]
    held: bool  # in the air, far from the table
    light: Light
    stage: Stage
    backdrop: Backdrop
    finish: Finish


def draw_scene(rng: np.random.Generator, config: SceneConfig, stock: Stock) -> Scene:
    """Random numbers → a scene."""
    cards = int(rng.integers(*config.cards, endpoint=True))
    body = draw_body(rng, config, cards)
    empty = bool(rng.random() < config.empty)
    held = bool(rng.random() < config.held)
    packet = None if empty else draw_packet(rng, config, stock, body, cards)
    if empty:
        body, others = _nothing(rng, config, stock, body)
    else:
        others = _beside(rng, config, stock, body, stray=cards > 2 and not held)
    return Scene(
        cards=0 if empty else cards,
        body=body,
        packet=packet,
        others=() if held and not empty else others,
        hands=_draw_hands(rng, config, stock, body, held=held, empty=empty),
        held=held,
        light=_draw_light(rng, config),
        stage=draw_stage(rng, config, stock),
        backdrop=_behind(rng, config, draw_backdrop(rng, stock.tables, config.flat_picture), held),
        finish=draw_finish(rng, config),
    )


def _beside(
    rng: np.random.Generator, config: SceneConfig, stock: Stock, body: Body, *, stray: bool
) -> tuple[Thing, ...]:
    """What lies about beside a packet."""
    others = []
    if rng.random() < config.clutter:
        others = [
            draw_beside(rng, stock, body, config.lookalike) for _ in range(_one_to_three(rng))
        ]
    if stray and rng.random() < config.stray_card:
        others.append(draw_strays(rng, config, stock, body))
    return tuple(others)


def _nothing(
    rng: np.random.Generator, config: SceneConfig, stock: Stock, body: Body
) -> tuple[Body, tuple[Thing, ...]]:
    """What lies about where there is no packet, and what the camera looks at."""
    count = int(rng.integers(*config.things, endpoint=True))
    others = []
    if count and rng.random() < config.instead:
        others.append(draw_thing(rng, stock, config.lookalike))
        body = others[0].body
    others += [draw_beside(rng, stock, body, config.lookalike) for _ in range(count - len(others))]
    return body, tuple(others)


def _one_to_three(rng: np.random.Generator) -> int:
    return int(rng.integers(1, 4))


def _draw_hands(
    rng: np.random.Generator,
    config: SceneConfig,
    stock: Stock,
    body: Body,
    *,
    held: bool,
    empty: bool,
) -> tuple[Hand, ...]:
    """Hands that hold what is in the air, that reach for what lies, or that hold nothing."""
    hands = []
    if held and rng.random() >= config.bare_hold:
        hands.append(draw_grip(rng, stock, body))
        if rng.random() < 0.2:
            hands.append(draw_grip(rng, stock, body))
    elif not held and rng.random() < config.occluder:
        corner = body.sharp_corners()[int(rng.integers(8))]
        target = np.append(corner[:2] * rng.uniform(-0.2, 1.3), body.thickness_mm + 6.0)
        away = np.append(rng.normal(0, 1, 2) - [0, 0.5], rng.uniform(0, 0.6))
        hands.append(draw_reach(rng, stock, target, away))
    if empty and rng.random() < config.lone_hand:
        hands.append(draw_lone(rng, stock, body))
    return tuple(hands)


def _behind(
    rng: np.random.Generator, config: SceneConfig, backdrop: Backdrop, held: bool
) -> Backdrop:
    """The backdrop as the light shows it; that of what is held is far below, out of focus."""
    if rng.random() < config.backlit:
        backdrop = replace(backdrop, mix=backdrop.mix * rng.uniform(*config.backlit_gain))
    if not held:
        return backdrop
    return replace(
        backdrop,
        flat=backdrop.flat or bool(rng.random() < 0.6),
        below_mm=float(rng.uniform(80, 700)),
        blur_rel=float(rng.uniform(*config.held_blur_rel)),
    )


def draw_camera(
    rng: np.random.Generator,
    config: SceneConfig,
    body: Body,
    hw: tuple[int, int],
    *,
    held: bool = False,
) -> Camera:
    """Random numbers → a camera that shows the body as large as the configuration says.

    What is `held` is seen from anywhere, what lies from above.
    """
    low, high = np.radians(config.held_elevation_deg if held else config.elevation_deg)
    elevation = np.arcsin(rng.uniform(np.sin(low), np.sin(high)))
    azimuth = np.radians(rng.uniform(*config.azimuth_deg))
    place = on_sphere(azimuth, elevation, rng.uniform(*config.distance_mm))
    off = np.tan(np.radians(rng.uniform(*config.off_axis_deg, 2)))
    reach = np.linalg.norm(place)
    side = np.array([np.cos(azimuth), np.sin(azimuth), 0.0])
    target = side * off[0] * reach + np.array([-side[1], side[0], 0.0]) * off[1] * reach * 0.5
    roll = config.held_roll_deg if held else config.roll_deg
    camera = look_at(place, target, np.radians(rng.uniform(*roll)), intrinsics(1, (0, 0)))
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


def _draw_light(rng: np.random.Generator, config: SceneConfig) -> Light:
    elevation = np.radians(rng.uniform(*config.light_elevation_deg))
    ambient, shadow, softness = config.ambient, config.shadow, config.softness_rel
    if rng.random() < config.hard:
        ambient, shadow = config.hard_ambient, config.hard_shadow
        softness = config.hard_softness_rel
    return Light(
        direction=on_sphere(rng.uniform(0, 2 * np.pi), elevation, 1.0),
        ambient=float(rng.uniform(*ambient)),
        shadow=float(rng.uniform(*shadow)),
        softness_rel=float(rng.uniform(*softness)),
    )
