"""Art made ready to draw with, once for all scenes that use it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from stream.synth import prints, skin
from stream.synth.art import Art, Image, Texture, any_of
from stream.synth.cutout import CutOut, hand
from stream.synth.mixing import mixed_back


@dataclass(frozen=True, eq=False)
class Stock:
    """Art made ready to draw with."""

    backs: list[Texture]
    faces: list[Texture]
    tables: list[Texture]
    hands: list[CutOut]
    fingers: list[CutOut]
    arms: tuple[list[CutOut], list[CutOut]]  # bare, sleeved
    mixed_back: float = 0.0  # share of the backs that are put together of parts of others

    def back(self, rng: np.random.Generator) -> Texture:
        """The back of a card."""
        if self.mixed_back and rng.random() < self.mixed_back:
            return mixed_back(_anew(rng), self.backs)
        return any_of(rng, self.backs)

    def cover(self, rng: np.random.Generator) -> Texture:
        """The cover of a book or a box."""
        return prints.cover(_anew(rng))

    def page(self, rng: np.random.Generator) -> Texture:
        """A sheet of paper, blank or not."""
        return prints.page(_anew(rng))

    def phone(self, rng: np.random.Generator) -> Texture:
        """The front or the back of a phone."""
        return prints.phone(_anew(rng), self.tables)

    def box(self, rng: np.random.Generator) -> Texture:
        """The front of a card box."""
        own = _anew(rng)
        return prints.box(own, self.back(own))


def _anew(rng: np.random.Generator) -> np.random.Generator:
    """Random numbers for one print: however many it takes, those of its scene go on alike."""
    return np.random.default_rng(int(rng.integers(2**32)))


@lru_cache(maxsize=4)
def textures_of(art: Art) -> Stock:
    """Pictures → textures in halving sizes; made once for all that draw with the same art."""
    backs, faces, tables = (_textures(p) for p in (art.backs, art.faces, art.backgrounds))
    return Stock(
        backs=backs,
        faces=faces,
        tables=tables,
        hands=[hand(p) for p in art.hands] or skin.hands(),
        fingers=skin.fingers(),
        arms=skin.arms(),
    )


def _textures(pictures: Sequence[Image]) -> list[Texture]:
    """Pictures → textures, one for all places where the same picture stands."""
    made = {id(picture): picture for picture in pictures}
    of = {key: Texture.of(picture) for key, picture in made.items()}
    return [of[id(picture)] for picture in pictures]
