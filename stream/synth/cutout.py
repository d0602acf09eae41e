"""A picture with transparency, laid flat into a scene: hands, fingers, arms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class CutOut:
    """A cut-out in halving sizes, colours already multiplied by alpha so that edges stay clean.

    It stands upright: fingers point up, the wrist is below. Places are px of the finest size.
    """

    levels: tuple[Image, ...]  # (h, w, 4) BGRA, the finest first
    tip: Floats  # (2,) the end of the longest finger
    palm: Floats  # (2,) middle of the palm
    wrist: Floats  # (2,) where the arm goes on
    wrist_px: float  # half its width
    palm_px: float  # radius of the largest disc in it: about 40 mm of any grown-up's hand
    skin: Floats  # (3,) BGR, the middle one


@dataclass(frozen=True, eq=False)
class Sprite:
    """A cut-out in its place in a picture."""

    cut: CutOut
    matrix: Floats  # (2, 3) px of the cut-out's finest size → px of the picture
    gains: Floats  # (3,) on BGR

    def alpha_at(self, xy: Floats) -> Floats:
        """How much of the points (N, 2) px it covers (N,), 0..1; 0 for what is NaN."""
        inverse = cv2.invertAffineTransform(self.matrix)
        spots = np.nan_to_num(xy, nan=-1e6) @ inverse[:, :2].T + inverse[:, 2]
        alpha = self.cut.levels[0][..., 3]
        found = cv2.remap(
            alpha,
            spots[None].astype(np.float32),
            None,
            cv2.INTER_LINEAR,  # type: ignore[call-overload]
        )
        return np.asarray(found.reshape(-1) / 255.0)

    def warped(self, hw: tuple[int, int]) -> tuple[int, int, Image] | None:
        """What of it lies in a picture → its first pixel (x, y) and BGRA; None if outside."""
        height, width = self.cut.levels[0].shape[:2]
        box = np.array([[0, 0], [width, 0], [width, height], [0, height]]) - 0.5
        ends = box @ self.matrix[:, :2].T + self.matrix[:, 2]
        low = np.maximum(np.floor(ends.min(axis=0)), 0).astype(int)
        high = np.minimum(np.ceil(ends.max(axis=0)) + 1, hw[::-1]).astype(int)
        if (high <= low).any():
            return None
        shrink = 1 / max(np.sqrt(abs(np.linalg.det(self.matrix[:, :2]))), 1e-6)
        level = int(np.clip(np.log2(max(shrink, 1.0)) + 0.3, 0, len(self.cut.levels) - 1))
        step = 2.0**level
        matrix = self.matrix.copy()
        # pixel centres: finest = (coarse + 0.5) · step − 0.5
        matrix[:, 2] += matrix[:, :2].sum(axis=1) * (step - 1) / 2 - low
        matrix[:, :2] *= step
        size = (int(high[0] - low[0]), int(high[1] - low[1]))
        part = cv2.warpAffine(self.cut.levels[level], matrix, size)
        return int(low[0]), int(low[1]), np.asarray(part, dtype=np.uint8)

    def paint(self, image: Image, shadow: float) -> None:
        """Lay it over the picture, in place; `shadow` 0..1 darkens what is close round it."""
        found = self.warped((image.shape[0], image.shape[1]))
        if found is None:
            return
        x, y, part = found
        under = image[y : y + part.shape[0], x : x + part.shape[1]]
        alpha = cv2.extractChannel(part, 3)
        if shadow > 0:
            wide = max(3, round(0.12 * min(part.shape[:2])))
            soft = cv2.blur(alpha, (wide, wide))
            left = cv2.convertScaleAbs(soft, alpha=-shadow, beta=255)
            cv2.multiply(under, cv2.cvtColor(left, cv2.COLOR_GRAY2BGR), dst=under, scale=1 / 255)
        keep = cv2.cvtColor(cv2.bitwise_not(alpha), cv2.COLOR_GRAY2BGR)
        mix = np.zeros((3, 4))
        mix[[0, 1, 2], [0, 1, 2]] = self.gains
        colour = cv2.transform(part, mix)
        cv2.add(cv2.multiply(under, keep, scale=1 / 255), colour, dst=under)


def halving(picture: Image) -> tuple[Image, ...]:
    """BGRA (h, w, 4) → its halving sizes with alpha multiplied in; sides are cut to fit halves."""
    height, width = (n - n % 16 if n > 32 else n for n in picture.shape[:2])
    whole = picture[:height, :width]
    alpha = whole[..., 3:].astype(np.float32) / 255
    levels = [np.concatenate([(whole[..., :3] * alpha).astype(np.uint8), whole[..., 3:]], axis=2)]
    while min(levels[-1].shape[:2]) >= 16 and len(levels) < 5:
        rows, columns = levels[-1].shape[0] // 2, levels[-1].shape[1] // 2
        half = cv2.resize(levels[-1], (columns, rows), interpolation=cv2.INTER_AREA)
        levels.append(np.asarray(half, dtype=np.uint8))
    return tuple(levels)


def hand(picture: Image) -> CutOut:
    """A photographed hand (h, w, 4) BGRA → upright, cleaned, measured.

    The end of the picture that cuts most of the hand is where the wrist is.
    """
    solid = (picture[..., 3] > 127).astype(np.uint8)
    edges = np.array([solid[-3:].sum(), solid[:, -3:].sum(), solid[:3].sum(), solid[:, :3].sum()])
    height, width = solid.shape
    if max(height, width) > 1.25 * min(height, width):  # a long hand lies along the picture
        edges[[0, 2] if width > height else [1, 3]] = 0
    upright: Image = np.ascontiguousarray(np.rot90(picture, -int(np.argmax(edges)) % 4))
    count, label, stats, _ = cv2.connectedComponentsWithStats(
        (upright[..., 3] > 127).astype(np.uint8)
    )
    if count > 2:  # what was cut out along with the hand
        largest = 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
        upright[..., 3][label != largest] = 0
    # a rim of the old background is left round most hands
    upright[..., 3] = cv2.blur(cv2.erode(upright[..., 3], np.ones((3, 3), np.uint8)), (3, 3))
    return measured(np.pad(upright, ((2, 0), (2, 2), (0, 0))))


def measured(picture: Image) -> CutOut:
    """An upright hand (h, w, 4) BGRA → a cut-out with its places."""
    levels = halving(picture)
    height, width = levels[0].shape[:2]
    solid = picture[:height, :width, 3] > 127
    reach = cv2.distanceTransform(
        cv2.copyMakeBorder(solid.astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0),
        cv2.DIST_L2,
        5,
    )[1:-1, 1:-1]
    y, x = np.unravel_index(int(reach.argmax()), reach.shape)
    rows, columns = np.nonzero(solid)
    bottom = columns[rows >= rows.max() - 3]
    topmost = columns[rows == rows.min()]
    return CutOut(
        levels,
        tip=np.array([topmost.mean(), rows.min()]),
        palm=np.array([x, y], dtype=float),
        wrist=np.array([bottom.mean(), rows.max()]),
        wrist_px=max(float(np.ptp(bottom)) / 2, 1.0),
        palm_px=float(reach.max()),
        skin=np.median(picture[:height, :width, :3][solid], axis=0),
    )


def hidden(sprites: Sequence[Sprite], xy: Floats) -> NDArray[np.bool_]:
    """Which of the points (N, 2) px are behind one of the sprites (N,)."""
    covered = np.zeros(len(xy), dtype=np.bool_)
    for sprite in sprites:
        covered |= sprite.alpha_at(xy) > 0.5
    return covered
