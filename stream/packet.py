"""A packet of cards as a body: the names of its eight corners, its edges.

`back` is the large face that shows the cards' backs, `face` the one that shows a card's face.
`upper` is one of the two short sides, left and right follow in the picture. A packet turned by 180°
in its plane is the same packet: the labelling whose upper side stands higher in the picture is the
one used.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

KEYPOINTS = (
    "upper_left_face",
    "upper_right_face",
    "upper_left_back",
    "upper_right_back",
    "lower_left_face",
    "lower_right_face",
    "lower_left_back",
    "lower_right_back",
)

# round the face, round the back, and the four short edges between the two
EDGES = (
    (0, 1), (1, 5), (5, 4), (4, 0),
    (2, 3), (3, 7), (7, 6), (6, 2),
    (0, 2), (1, 3), (5, 7), (4, 6),
)  # fmt: skip

FLIP = (1, 0, 3, 2, 5, 4, 7, 6)
"""Mirrored picture: left and right change places."""

TURN = (5, 4, 7, 6, 1, 0, 3, 2)
"""Turned by 180°: upper left ⇄ lower right, upper right ⇄ lower left."""

MAX_CARDS = 52


def canonical(xy: NDArray[np.float64]) -> list[int]:
    """Corners (8, 2), y down → the order that puts the upper side higher in the picture.

    Either as they are, or `TURN`. Corners that are NaN do not count; a side without any corner
    leaves the order as it is.
    """
    upper, lower = xy[:4, 1], xy[4:, 1]
    pairs = np.isfinite(upper) & np.isfinite(lower)
    turned = pairs.any() and upper[pairs].mean() > lower[pairs].mean()
    return list(TURN) if turned else list(range(len(KEYPOINTS)))
