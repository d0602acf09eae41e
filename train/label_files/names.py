"""Keypoints' names → which change places in a mirror; and names for those that have none."""

from __future__ import annotations

import re
from collections.abc import Sequence

_SIDES = {"left": "right", "l": "r"}
_SIDES |= {right: left for left, right in _SIDES.items()}
_SIDES |= {a.upper(): b.upper() for a, b in _SIDES.items()} | {
    a.capitalize(): b.capitalize() for a, b in _SIDES.items()
}
_SIDE = re.compile(
    r"(?<![a-z])(?:left|right)|Left|Right|(?<![A-Z])(?:LEFT|RIGHT)"
    r"|(?<![A-Za-z])[lr](?![A-Za-z])|(?<![A-Za-z])[LR](?![A-Za-z])"
)


def mirrored(names: Sequence[str]) -> tuple[int, ...] | None:
    """Names → the flip that their words left and right, or l and r, speak of.

    None if no name has such a word, or one's other side is not there: names that say nothing of
    sides may still belong to something whose keypoints change places in a mirror.
    """
    if len(names) == 1:  # but a left ear alone is no left ear in a mirror
        return None if _SIDE.search(names[0]) else (0,)
    others = [_SIDE.sub(lambda found: _SIDES[found[0]], name) for name in names]
    if others == list(names) or set(others) != set(names):
        return None
    return tuple(names.index(other) for other in others)


def numbered(k: int) -> tuple[str, ...]:
    """The names of K keypoints that a format leaves without any."""
    return ("point",) if k == 1 else tuple(f"point_{i}" for i in range(k))
