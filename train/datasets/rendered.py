"""Rendered test sets, of what training never sees: clips and stills, with a packet and without.

What is shown follows from the seed and the pictures given; where none are given they are drawn,
backs, faces and tables from a seed that training does not use. Single fingers and arms, and hands
where none are given, are those that training draws too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from stream.decks import DECKS, Deck
from stream.synth import Art, Clip, Rendered, Renderer, SceneConfig
from stream.synth.body import Body
from train.datasets.held_out import is_held_out
from train.truth import Sight, Truth, diagonal, nothing

FPS = 30
FRAMES = 60
"""Pictures of a clip: two seconds."""

_DRAWN = 1_000_003  # seed of drawn artwork; training's is 0

COVERED = SceneConfig(covered=(0.5, 0.5), held=0.0, occluder=0.0, outside=0.0)
"""Fingers in front of half of the corners that would be seen, and of no more."""

EMPTY = SceneConfig(empty=1.0, clutter=1.0)
"""Tables with things on them that are no packet."""


@dataclass(frozen=True, slots=True, eq=False)
class Stage:
    """What test sets are rendered from."""

    art: Art
    hw: tuple[int, int]
    seed: int

    def clips(
        self, count: int, config: SceneConfig | None = None, *, named: bool = False
    ) -> Iterator[Iterator[Sight]]:
        """`count` clips of a camera that moves round a scene; `named`: of a deck that is told."""
        for i in range(count):
            clip = Clip(config, self.art, self.seed + i, self.hw, FPS, FRAMES)
            yield self._frames(clip, f"clip {i}", _deck(clip.scene.body) if named else None)

    def _frames(self, clip: Clip, name: str, deck: Deck | None) -> Iterator[Sight]:
        for i, shot in enumerate(clip):
            yield Sight(shot.image, _truth(shot, f"{name}, {i / FPS:.2f} s", name), i / FPS, deck)

    def stills(self, count: int, config: SceneConfig) -> Iterator[Sight]:
        """`count` pictures, each of a scene of its own."""
        renderer = Renderer(config, self.art)
        for i in range(count):
            shot = renderer.sample(np.random.default_rng([self.seed, i]), self.hw)
            yield Sight(shot.image, _truth(shot, f"scene {i}", f"scene {i}"))


def held_out_art(art: Path | None, backgrounds: Path | None, hands: Path | None) -> Art:
    """Folders → what of them training may not see; drawn pictures where none is given.

    Raises OSError for a folder that is not there or holds no such picture.
    """
    drawn = Art.procedural(np.random.default_rng(_DRAWN))
    given = Art.from_folders(
        backs=art / "backs" if art else None,
        faces=art / "faces" if art else None,
        backgrounds=backgrounds,
        hands=hands,
        keep=is_held_out,
    )
    return Art(
        given.backs if art else drawn.backs,
        given.faces if art else drawn.faces,
        given.backgrounds if backgrounds else drawn.backgrounds,
        given.hands,
    )


def _deck(body: Body) -> Deck:
    """The kind that a packet is of, by its size: kinds are further apart than any two decks are."""

    def apart(deck: Deck) -> float:
        sides = (body.width_mm / deck.width_mm, body.height_mm / deck.height_mm)
        return float(np.abs(np.log(sides)).max())

    return min(DECKS.values(), key=apart)


def _truth(shot: Rendered, name: str, clip: str) -> Truth:
    if shot.cards == 0:
        return nothing(name, clip, "scene")
    xy = np.where(shot.visible[:, None], shot.xy, np.nan)  # as people label: what they see
    return Truth(name, clip, "rendered", shot.cards, xy, shot.visible, diagonal(shot.xy))
