"""Art made ready to draw with, once for all scenes that use it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from stream.synth import prints, skin
from stream.synth.art import Art, Texture
from stream.synth.cutout import CutOut, hand


@dataclass(frozen=True, eq=False)
class Stock:
    """Art made ready to draw with."""

    backs: list[Texture]
    faces: list[Texture]
    tables: list[Texture]
    hands: list[CutOut]
    fingers: list[CutOut]
    arms: tuple[list[CutOut], list[CutOut]]  # bare, sleeved
    covers: list[Texture]  # of books and boxes
    screens: list[Texture]  # of phones, front and back
    pages: list[Texture]  # written and printed paper
    boxes: list[Texture]  # the front of a card box


@lru_cache(maxsize=4)
def textures_of(art: Art) -> Stock:
    """Pictures → textures in halving sizes; made once for all that draw with the same art."""
    backs, tables = ([Texture.of(p) for p in pictures] for pictures in (art.backs, art.backgrounds))
    return Stock(
        backs=backs,
        faces=[Texture.of(p) for p in art.faces],
        tables=tables,
        hands=[hand(p) for p in art.hands] or skin.hands(),
        fingers=skin.fingers(),
        arms=skin.arms(),
        covers=prints.covers(),
        screens=prints.screens([t.levels[0] for t in tables]),
        pages=prints.pages(),
        boxes=prints.boxes([t.levels[0] for t in backs]),
    )
