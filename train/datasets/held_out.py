"""Name of a file of artwork → whether training may see it, so that no picture stands on both sides.

A quarter of the names is held out, by a hash of the name alone: adding a file moves no other one.
What was made from one original, or shows nearly the same, shares a name here and so a side.
"""

from __future__ import annotations

import re
import zlib
from pathlib import Path

HELD_OUT = 0.25
"""Share of the names that training does not see."""

_SHARED = (
    re.compile(r"(shifumi)_\w+_(\d{8}-\d{4})\d*"),  # hands: a webcam's sequence, by its minute
    re.compile(r"(signdigits_Dataset_\d+)_\w+"),  # hands: one person's
    # cards: the decks of one family, whose backs and faces are variants of each other
    re.compile(r"(?:gnome|kde)_([a-z]+)(?:-[\w-]+)?_(?:back|(?:\d+|jack|queen|king)_[a-z]+)"),
)

_SAME = {
    "guyenne": "paris",  # the decks of both share a back
    "mate_Elephants_5640x3172_f14c": "mate_Elephants_3840x2160_f38b",
    "ufo_tex_nature_dirt_se04": "ufo_tex_nature_dirt_se05",
    "ufo_tex_nature_dirt_se11": "ufo_tex_nature_dirt_se12",
    "ufo_tex_buildings_wall025": "ufo_tex_buildings_wall023",
    "ufo_tex_buildings_wall028": "ufo_tex_buildings_wall027",
    "ufo_tex_buildings_concrete015": "ufo_tex_buildings_concrete016",
}
"""A name → that of what shows the same or nearly so, on whose side it stands."""


def original(path: Path) -> str:
    """The name that a file shares with all that may not stand on the other side.

    Of a crop `NAME_c3`, `NAME_full` or `NAME_tile` that is NAME.
    """
    found = next(filter(None, (shared.fullmatch(path.stem) for shared in _SHARED)), None)
    name = "_".join(found.groups()) if found else re.sub(r"_(c\d+|full|tile)$", "", path.stem)
    return _SAME.get(name, name)


def is_held_out(path: Path) -> bool:
    """Whether only evaluation may see a file."""
    return zlib.crc32(original(path).encode()) % 1000 < HELD_OUT * 1000


def may_train(path: Path) -> bool:
    """Whether training may see a file."""
    return not is_held_out(path)
