"""Fingers in front of as many corners as an evaluation asks for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from stream.geometry import inside
from stream.synth.camera import Camera
from stream.synth.config import SceneConfig
from stream.synth.cutout import hidden
from stream.synth.hands import Hand, draw_finger, draw_reach
from stream.synth.scene import Scene
from stream.synth.stock import Stock

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

TRIES = 30


def cover(  # noqa: PLR0917 - all that a scene is seen with
    rng: np.random.Generator,
    config: SceneConfig,
    stock: Stock,
    scene: Scene,
    camera: Camera,
    hw: tuple[int, int],
) -> Scene:
    """The scene with fingers in front of the share of corners that the configuration asks for.

    The share is of the corners that neither the packet nor the picture's edge hides, to the next
    whole corner; after `TRIES` fingers it may be missed.
    """
    share = float(rng.uniform(*config.covered))
    if share <= 0 or scene.packet is None:
        return scene
    world = scene.body.corners()
    xy = camera.project(world)
    free = inside(xy, hw) & scene.body.visible(camera.place)
    wanted = int(share * free.sum() + 0.5)
    hands = list(scene.hands)
    behind = _covered(hands, camera, xy)
    for _ in range(TRIES):
        left = np.flatnonzero(free & ~behind)
        if int((free & behind).sum()) >= wanted or not len(left):
            break
        more = _towards(rng, stock, camera, world[int(rng.choice(left))])
        after = behind | _covered([more], camera, xy)
        if int((free & after).sum()) <= wanted:
            hands.append(more)
            behind = after
    return replace(scene, hands=tuple(hands))


def _covered(hands: list[Hand], camera: Camera, xy: Floats) -> Flags:
    return hidden([s for hand in hands for s in hand.sprites(camera)[1]], xy)


def _towards(rng: np.random.Generator, stock: Stock, camera: Camera, corner: Floats) -> Hand:
    """A finger, or a whole hand, that comes from outside and ends at a corner."""
    view = camera.place - corner
    view /= np.linalg.norm(view)
    out = np.append(corner[:2], 0.0) / np.linalg.norm(corner[:2]) + np.append(
        rng.normal(0, 0.5, 2), 0.0
    )
    away = out + 0.25 * view
    place = corner + view * 9.0  # in front of the corner, as thick as a finger
    if rng.random() < 0.75:
        return draw_finger(rng, stock, place, away, rng.uniform(6.5, 11.0))
    return draw_reach(rng, stock, place, away)
