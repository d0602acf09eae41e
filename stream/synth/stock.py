"""Art made ready to draw with, once for all scenes that use it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from stream.synth.art import Art, Texture


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
