"""Labelled instances → the length that their errors are measured in, by name."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from train.labels import Floats, Keypoints, Labelled
from train.named import find

Size = Callable[[Labelled], Floats]
"""A picture's N instances → (N,) px, NaN where it cannot be told."""

Pairs = tuple[tuple[str, str], ...]

_TORSO: tuple[Pairs, ...] = ((("left_shoulder", "right_hip"), ("right_shoulder", "left_hip")),)
"""Pairs of one group are as long as each other, and an instance takes the first that it has."""

_INTEROCULAR: tuple[Pairs, ...] = (
    (("left_eye_outer_corner", "right_eye_outer_corner"),),
    (("right_eye_0", "left_eye_3"),),  # the same corners of iBUG's 68 points
    (("left_eye", "right_eye"),),
)
"""Groups differ in length: a dataset takes the first whose names it has."""


def pixels(labelled: Labelled) -> Floats:
    """1 px, whatever the instance."""
    return np.ones(len(labelled.xy))


def box(labelled: Labelled) -> Floats:
    """The diagonal of an instance's box; of its points' box where it has none.

    NaN where that is one point: how large an instance is, it does not say.
    """
    some = (labelled.flags > 0).any(axis=1)
    extents = np.full((len(labelled.xy), 2), np.nan)
    extents[some] = np.nanmax(labelled.xy[some], axis=1) - np.nanmin(labelled.xy[some], axis=1)
    sides = labelled.boxes[:, 2:]
    return _told(np.linalg.norm(np.where(np.isnan(sides), extents, sides), axis=1))


def of_name(name: str, keypoints: Keypoints) -> Size:
    """`px`, `box` (its diagonal), `torso` (shoulder to opposite hip), `interocular`, all in px.

    Interocular is between the eyes' outer corners, or between the eyes where they have none.
    ValueError if there is no such size, or if the keypoints lack what it is measured between.
    """
    sizes: dict[str, Size | tuple[Pairs, ...]] = {
        "px": pixels,
        "box": box,
        "torso": _TORSO,
        "interocular": _INTEROCULAR,
    }
    size = find(sizes, name, "size")
    return size if callable(size) else between(size, keypoints, name)


def between(groups: tuple[Pairs, ...], keypoints: Keypoints, name: str = "this size") -> Size:
    """The distance between the first pair of keypoints that an instance has both of."""
    names = keypoints.names
    pairs = next((g for g in groups if all(n in names for pair in g for n in pair)), None)
    if pairs is None:
        wanted = " or ".join(f"{a} and {b}" for group in groups for a, b in group[:1])
        raise ValueError(f"{name} needs keypoints called {wanted}, got {', '.join(names[:4])} …")
    indices = [(names.index(a), names.index(b)) for a, b in pairs]

    def size(labelled: Labelled) -> Floats:
        xy, found = labelled.xy, np.full(len(labelled.xy), np.nan)
        for a, b in indices:
            found = np.where(np.isnan(found), np.linalg.norm(xy[:, a] - xy[:, b], axis=1), found)
        return _told(found)

    return size


def _told(sizes: Floats) -> Floats:
    """Sizes (N,), NaN for those of nothing, which no error can be measured in."""
    return np.where(sizes > 0, sizes, np.nan)
