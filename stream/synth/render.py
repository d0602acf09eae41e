"""A scene and a camera → a picture with its truth."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from stream.geometry import inside
from stream.packet import canonical
from stream.synth.art import Art, built_in
from stream.synth.backdrop import paint_backdrop
from stream.synth.camera import Camera
from stream.synth.config import SceneConfig
from stream.synth.cover import cover
from stream.synth.cutout import Sprite, hidden
from stream.synth.finish import finish
from stream.synth.light import fall_off, shadow_polygons
from stream.synth.paint import Block, paint
from stream.synth.scene import Scene, draw_camera, draw_scene
from stream.synth.stock import textures_of
from stream.synth.things import lifted

Image = NDArray[np.uint8]
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Rendered:
    """One picture and all that is true of it.

    `xy` holds all eight corners, hidden ones and those beyond the picture's edge too; where there
    is no packet it is NaN. A corner is the point of the card's round corner nearest to the sharp
    one (see `stream.synth.body.Body.corners`). `camera` is the pinhole that sees the corners of the
    labelled packet: where the labels turned by 180°, the world did. It knows nothing of the lens,
    which `xy` went through.
    """

    image: Image  # (H, W, 3) BGR
    xy: Floats  # (8, 2) px of this picture, in the order of stream.packet.KEYPOINTS
    visible: NDArray[np.bool_]  # (8,) inside the picture, hidden by nothing
    cards: int  # 0 = no packet
    camera: Camera
    thickness_mm: float  # 0 without a packet


class Renderer:
    """Random numbers → pictures of packets of cards. Holds nothing but its pictures of cards."""

    def __init__(self, config: SceneConfig | None = None, art: Art | None = None) -> None:
        self.config = config or SceneConfig()
        stock = textures_of(art or built_in())
        self.stock = replace(stock, mixed_back=self.config.mixed_back)

    def sample(self, rng: np.random.Generator, hw: tuple[int, int]) -> Rendered:
        """Random numbers → a picture of `hw` = (height, width) pixels, and its truth."""
        scene = draw_scene(rng, self.config, self.stock)
        camera = draw_camera(rng, self.config, scene.body, hw, held=scene.held)
        scene = cover(rng, self.config, self.stock, scene, camera, hw)
        return render(scene, camera, hw, rng)


def render(scene: Scene, camera: Camera, hw: tuple[int, int], rng: np.random.Generator) -> Rendered:
    """A scene as a camera shows it; `rng` places the noise and nothing else."""
    image = paint_backdrop(scene.backdrop, camera, hw)
    blocks = _blocks(scene, camera)
    if not scene.held:
        _dim(image, scene, [block for block, _ in blocks], camera)
    xy, visible = _truth(scene, camera)
    behind, front = _sprites(scene, camera)
    for sprite in behind:
        sprite.paint(image, shadow=0.0)
    covered = None
    for block, lift in blocks:
        painted = paint(image, block, lifted(camera, lift), scene.light)
        if block is scene.packet:
            covered = painted
        elif covered is not None and painted is not None:
            visible &= ~painted.covers(xy)
    for sprite in front:
        sprite.paint(image, shadow=scene.light.shadow * 0.6)
    # a lens shows the rim mirrored where it would show what lies beyond what a pinhole sees
    visible &= ~hidden(front, xy) & inside(xy, hw)
    scene.stage.shine(image)
    xy = scene.finish.lens.shown(xy, hw)
    visible &= inside(xy, hw)
    order = canonical(xy)
    if order[0] != 0:
        camera = camera.turned()
    thickness = scene.body.thickness_mm if scene.cards else 0.0
    final = finish(image, scene.finish, rng)
    return Rendered(final, xy[order], visible[order], scene.cards, camera, thickness)


def _truth(scene: Scene, camera: Camera) -> tuple[Floats, NDArray[np.bool_]]:
    """Where a pinhole sees the corners (8, 2), and which of them the packet does not hide."""
    if scene.packet is None:
        return np.full((8, 2), np.nan), np.zeros(8, dtype=np.bool_)
    xy = camera.project(scene.body.corners())
    return xy, scene.body.visible(camera.place)


def _dim(image: Image, scene: Scene, blocks: list[Block], camera: Camera) -> None:
    """Lay uneven light and the blocks' shadows over the backdrop, in place."""
    height, width = image.shape[:2]
    part = max(1, round(min(height, width) / 128))
    shape = (-(-height // part), -(-width // part))
    shadows = [
        (polygon + 0.5) / part - 0.5
        for block in blocks
        for polygon in shadow_polygons(block.footprint(), block.thickness_mm, scene.light, camera)
    ]
    light = fall_off(shape, scene.backdrop.corners, shadows, scene.light)
    dim = np.clip(light * 128, 0, 255).astype(np.uint8)
    full = cv2.resize(dim, (width, height), interpolation=cv2.INTER_LINEAR)
    cv2.multiply(image, cv2.cvtColor(full, cv2.COLOR_GRAY2BGR), dst=image, scale=1 / 128)


def _blocks(scene: Scene, camera: Camera) -> list[tuple[Block, float]]:
    """The packet and the things with their heights; what is further away comes first."""

    def nearness(parts: tuple[tuple[Block, float], ...]) -> float:
        return -float(np.linalg.norm(camera.place[:2] - parts[0][0].place_mm))

    groups = [thing.parts for thing in scene.others]
    if scene.packet is not None:
        groups.append(((scene.packet, 0.0),))
    groups.sort(key=nearness)
    found = []
    for parts in groups:
        levels = sorted(parts, key=lambda part: (part[1], nearness((part,))))
        found += levels
    return found


def _sprites(scene: Scene, camera: Camera) -> tuple[list[Sprite], list[Sprite]]:
    """What hands show behind what is held, and in front of it."""
    behind: list[Sprite] = []
    front: list[Sprite] = []
    for hand in scene.hands:
        back, near = hand.sprites(camera)
        behind += back
        front += near
    return behind, front


__all__ = ["Rendered", "Renderer", "render"]
