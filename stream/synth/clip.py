"""One scene, a hand-held camera that moves round it → pictures with their truth."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from stream.synth.art import Art
from stream.synth.camera import Camera, framed, intrinsics, look_at, on_sphere
from stream.synth.config import SceneConfig
from stream.synth.cover import cover
from stream.synth.render import Rendered, Renderer, render
from stream.synth.scene import draw_scene

Floats = NDArray[np.float64]

REACH_S = 5.0
"""From one time that a hand reaches in to the next."""

REACH_MM = 320.0
"""How far it is drawn back between."""


@dataclass(frozen=True, eq=False)
class Path:
    """A smooth way of the camera: slow swings about a mean place, and a tremor."""

    azimuth_rad: float
    elevation_rad: float
    distance_mm: float
    speed: float  # radians of azimuth per second
    swing: tuple[float, float]  # radians of elevation, part of the distance
    phases: Floats  # (8,)
    periods_s: Floats  # (8,)
    size_px: tuple[float, float, float]  # focal length, principal point

    def at(self, time_s: float) -> Camera:
        """The camera at that time."""
        wave = np.sin(2 * np.pi * time_s / self.periods_s + self.phases)
        elevation = self.elevation_rad + self.swing[0] * wave[0]
        distance = self.distance_mm * np.exp(self.swing[1] * wave[1])
        azimuth = self.azimuth_rad + self.speed * time_s + 0.12 * wave[2]
        target = np.array([*(5 * wave[3:5] + 0.7 * wave[5:7]), 0.0])
        k = intrinsics(self.size_px[0], self.size_px[1:])
        return look_at(on_sphere(azimuth, elevation, distance), target, 0.05 * wave[7], k)


class Clip:
    """A packet of constant count, filmed from a moving hand; picture i follows from the seed and i.

    `frames` None never ends. Iterating begins anew each time; `frame(i)` gives any picture alone.
    The camera goes its own way: of its knobs elevation, azimuth and distance are heeded, not where
    and how large the packet is in a picture, nor `motion` and `rolling`.
    """

    def __init__(  # noqa: PLR0917 - what a film is made of, in the order of its words
        self,
        config: SceneConfig | None = None,
        art: Art | None = None,
        seed: int = 0,
        hw: tuple[int, int] = (720, 1280),
        fps: float = 30.0,
        frames: int | None = 300,
    ) -> None:
        self.hw, self.fps, self.frames = hw, fps, frames
        self._seed = seed
        rng = np.random.default_rng(seed)
        renderer = Renderer(config, art)
        scene = draw_scene(rng, renderer.config, renderer.stock)
        self._reach = float(rng.random())
        # fingers that have to cover corners stay where they are
        self._reach_mm = REACH_MM if renderer.config.covered[1] == 0 else 0.0
        # one exposure lasts, and the rows lean with the camera's speed, which changes
        lens = replace(scene.finish.lens, skew=(0.0, 0.0))
        scene = replace(scene, finish=replace(scene.finish, motion_rel=0.0, lens=lens))
        self.path = _draw_path(rng, renderer.config, scene.body.sharp_corners(), hw)
        start = self.path.at(0.0)
        self.scene = cover(rng, renderer.config, renderer.stock, scene, start, hw)

    @property
    def cards(self) -> int:
        """How many cards the packet has, 0 without one."""
        return self.scene.cards

    def frame(self, index: int) -> Rendered:
        """Picture number `index` ≥ 0 with its truth, the same each time."""
        rng = np.random.default_rng((self._seed, index))
        time_s = index / self.fps
        wave = np.sin(2 * np.pi * (time_s / REACH_S + self._reach))
        hands = tuple(
            hand.withdrawn(self._reach_mm * float(np.clip(0.5 - 1.2 * wave, 0, 1)))
            for hand in self.scene.hands
        )
        scene = replace(self.scene, hands=hands)
        return render(scene, self.path.at(time_s), self.hw, rng)

    def __iter__(self) -> Iterator[Rendered]:
        """Pictures in order."""
        index = 0
        while self.frames is None or index < self.frames:
            yield self.frame(index)
            index += 1


def _draw_path(
    rng: np.random.Generator, config: SceneConfig, corners: Floats, hw: tuple[int, int]
) -> Path:
    """Random numbers → a way that keeps the packet in the picture."""
    low, high = np.radians(config.elevation_deg)
    near, far = config.distance_mm
    height, width = hw
    path = Path(
        azimuth_rad=float(np.radians(rng.uniform(*config.azimuth_deg))),
        elevation_rad=float(low + (high - low) * rng.uniform(0.3, 0.6)),
        distance_mm=float(near + (far - near) * rng.uniform(0.15, 0.5)),
        speed=float(rng.choice([-1, 1]) * rng.uniform(0.06, 0.2)),
        swing=(float((high - low) * rng.uniform(0.1, 0.25)), float(rng.uniform(0.05, 0.2))),
        phases=rng.uniform(0, 2 * np.pi, 8),
        periods_s=np.concatenate([rng.uniform(4, 9, 5), rng.uniform(0.4, 1.1, 2), [5.0]]),
        size_px=(1.0, 0.0, 0.0),
    )
    camera = path.at(0.0)
    extent = min(hw) * float(rng.uniform(0.4, 0.58))
    centre = np.array([width - 1, height - 1]) / 2
    focal = framed(camera, camera.project(corners), centre, extent).K[0, 0]
    return replace(path, size_px=(float(focal), float(centre[0]), float(centre[1])))
