"""Random numbers → everything that stands still in a scene, and a camera that looks at it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stream.synth.backdrop import Backdrop, draw_backdrop
from stream.synth.body import Body
from stream.synth.camera import Camera, framed, intrinsics, look_at, on_sphere
from stream.synth.config import SceneConfig
from stream.synth.finish import Finish, draw_finish
from stream.synth.hands import Finger, draw_finger
from stream.synth.light import Light
from stream.synth.packets import draw_body, draw_packet
from stream.synth.paint import Block
from stream.synth.stock import Stock
from stream.synth.things import draw_box, draw_stray

Floats = NDArray[np.float64]


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
    body = draw_body(rng, config, cards)
    empty = bool(rng.random() < config.empty)
    others = []
    if rng.random() < config.clutter:
        others = [draw_box(rng, stock, body) for _ in range(int(rng.integers(1, 4)))]
    if not empty and cards > 2 and rng.random() < config.stray_card:
        others.append(draw_stray(rng, config, stock, body))
    finger = draw_finger(rng) if rng.random() < config.occluder else None
    return Scene(
        cards=0 if empty else cards,
        body=body,
        packet=None if empty else draw_packet(rng, config, stock, body, cards),
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


def _draw_light(rng: np.random.Generator, config: SceneConfig) -> Light:
    elevation = np.radians(rng.uniform(*config.light_elevation_deg))
    return Light(
        direction=on_sphere(rng.uniform(0, 2 * np.pi), elevation, 1.0),
        ambient=float(rng.uniform(*config.ambient)),
        shadow=float(rng.uniform(*config.shadow)),
        softness_rel=float(rng.uniform(*config.softness_rel)),
    )
