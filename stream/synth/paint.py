"""A block of cards, or a box, drawn into a picture: layered sides, then the face on top.

The block is drawn sheet by sheet from the table up, so that round corners, leaning packets and
cards out of line come by themselves. It is drawn larger than needed and averaged down, which
smooths its edges.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from stream.synth.art import Texture
from stream.synth.body import Bow, placed
from stream.synth.camera import Camera, lift
from stream.synth.light import SHIFT, Light, fixed
from stream.synth.printing import Print
from stream.synth.sides import Edge, Paper, shades
from stream.synth.top import Sheet, paint_top

Image = NDArray[np.uint8]
Floats = NDArray[np.float64]

_STRAY_MM = 0.4  # a sheet that sticks out farther is drawn even where it is too thin to be seen


@dataclass(frozen=True, eq=False)
class Lie:
    """How sheets lie that are not all even and flat.

    Sheet i takes the part from `edges[i]` to `edges[i + 1]` of the thickness, of which the lowest
    `gaps[i]` are air.
    """

    turns: Floats  # (n,) rad
    edges: Floats  # (n + 1,) from 0 to 1
    gaps: Floats  # (n,) 0..1
    bow: Bow | None = None

    @classmethod
    def even(cls, sheets: int) -> Lie:
        """Sheets that lie as if drawn with a ruler."""
        gaps = np.full(sheets, 0.25 if sheets > 1 else 0.0)
        return cls(np.zeros(sheets), np.linspace(0, 1, sheets + 1), gaps)


@dataclass(frozen=True, eq=False)
class Block:
    """A stack of equal sheets on the table."""

    outline: Floats  # (M, 2) mm about its own middle, anticlockwise
    size_mm: tuple[float, float]  # of the face on top, for its texture
    thickness_mm: float
    top: Texture
    paper: Floats  # (3,) BGR of the sides
    tones: Floats  # (n,) brightness of each sheet's edge, from the table up
    shifts: Floats  # (n, 2) mm, how far each sheet lies off the middle
    gloss: Image | None = None
    place_mm: tuple[float, float] = (0.0, 0.0)
    yaw_rad: float = 0.0
    grain: int = 0  # where in the pool of paper grain its sides begin
    edge: Edge = field(default_factory=Edge)
    lie: Lie | None = None  # None: even and flat
    ink: Print | None = None  # None: the picture on top as it is

    def footprint(self) -> Floats:
        """The outline of the lowest sheet, world mm (M, 2)."""
        return self.to_world(placed(self.outline, self.poses()[0]))

    def to_world(self, xy: Floats) -> Floats:
        """Points (…, 2) of the block's own plane → world mm."""
        c, s = np.cos(self.yaw_rad), np.sin(self.yaw_rad)
        return np.asarray(xy @ np.array([[c, s], [-s, c]]) + self.place_mm)

    def poses(self) -> Floats:
        """How each sheet lies against the middle (n, 3): x mm, y mm, turn rad."""
        turns = self.lie.turns if self.lie else np.zeros(len(self.shifts))
        return np.concatenate([self.shifts, turns[:, None]], axis=1)

    def lifted(self, xy: Floats, parts: Floats | float) -> Floats:
        """Points (…, 2) of the block's plane at parts of its thickness → world mm (…, 3)."""
        bow = self.lie.bow if self.lie else None
        points = np.empty((*xy.shape[:-1], 3))
        points[..., :2] = self.to_world(xy)
        points[..., 2] = parts * self.thickness_mm
        if bow is not None:
            points[..., 2] += bow.rise(xy)
        return points

    def bulk(self) -> Floats:
        """The outlines (2, M, 3) world mm between which its sides lie, but for strays on top.

        Those of a bent block are straight and as far apart as it reaches.
        """
        poses = self.poses()
        last = len(poses) - 1
        low, high = poses[round(last * 0.2)], poses[round(last * 0.75)]
        ends = np.stack([low - (high - low) * 0.36, high + (high - low) * 0.45])
        plan = self.to_world(placed(self.outline, ends[:, None]))
        reach = self.thickness_mm
        if self.lie is not None and self.lie.bow is not None:
            reach += abs(self.lie.bow.sag_mm)
        return np.stack([lift(plan[0], 0.0), lift(plan[1], reach)])

    def topmost(self, camera: Camera) -> Sheet:
        """Where the sheet on top lies and how the camera sees it."""
        x, y, turn = self.poses()[-1]
        c, s = np.cos(turn), np.sin(turn)
        cy, sy = np.cos(self.yaw_rad), np.sin(self.yaw_rad)
        plan = placed(self.outline, self.poses()[-1])
        return Sheet(
            outline_px=camera.project(self.lifted(plan, 1.0)),
            size_mm=self.size_mm,
            level_mm=self.thickness_mm,
            to_plane=np.array([[c, -s, x], [s, c, y], [0, 0, 1.0]]),
            to_world=np.array([[cy, -sy, self.place_mm[0]], [sy, cy, self.place_mm[1]], [0, 0, 1]]),
            bow=self.lie.bow if self.lie else None,
        )


@dataclass(frozen=True, eq=False)
class Painted:
    """Where a block was drawn: alpha (h, w) uint8 whose first pixel is (x, y) of the picture."""

    x: int
    y: int
    alpha: Image

    def covers(self, xy: Floats) -> NDArray[np.bool_]:
        """Which of the points (N, 2) px lie on the block."""
        cells = np.rint(np.nan_to_num(xy, nan=-1e6)).astype(int) - (self.x, self.y)
        height, width = self.alpha.shape
        inside = ((cells >= 0) & (cells < (width, height))).all(axis=1)
        cells = np.clip(cells, 0, (width - 1, height - 1))
        return np.asarray(inside & (self.alpha[cells[:, 1], cells[:, 0]] > 127))


@dataclass(frozen=True, eq=False)
class _Sheets:
    """The sheets as the picture can show them, thin ones taken together."""

    px: Floats  # (n, 3, M, 2) outlines: at the lower end, in between, at the upper end
    tones: Floats  # (n,)
    under: Floats  # (n,) brightness, times the tone, of what is drawn up to the outline in between
    upper: list[int]  # the outlines between which the rest is drawn
    chain: NDArray[np.intp] | None  # the vertices of the sides that are seen; None: all are convex


def paint(image: Image, block: Block, camera: Camera, light: Light) -> Painted | None:
    """Draw the block into the picture, in place. None if it is not in the picture."""
    height, width = image.shape[:2]
    middle = block.lifted(np.zeros((2, 2)), np.array([0.0, 1.0]))
    if (camera.depth(middle) < 1).any():
        return None
    tall_px = float(np.linalg.norm(np.diff(camera.project(middle), axis=0)))
    sheets = _sheets(block, camera, tall_px)
    if sheets is None:
        return None
    points = sheets.px.reshape(-1, 2)
    x0, y0 = (max(int(v) - 2, 0) for v in points.min(axis=0))
    x1, y1 = (min(int(v) + 3, n) for v, n in zip(points.max(axis=0), (width, height), strict=True))
    if x1 - x0 < 1 or y1 - y0 < 1:
        return None
    times = _supersampling(x1 - x0, y1 - y0)
    enlarge = np.array(
        [[times, 0, times * (0.5 - x0) - 0.5], [0, times, times * (0.5 - y0) - 0.5], [0, 0, 1.0]]
    )
    zoomed = Camera(enlarge @ camera.K, camera.R, camera.t)
    shape = ((y1 - y0) * times, (x1 - x0) * times)
    grey = _layers(sheets, sheets.px * times + enlarge[:2, 2], shape)
    mask = np.asarray(cv2.threshold(grey, 0, 255, cv2.THRESH_BINARY)[1], dtype=np.uint8)
    paper = Paper(block.paper, block.edge, block.grain)
    shade = shades(block.bulk(), paper, zoomed, light, shape)
    sides = cv2.multiply(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR), shade, scale=1 / 128)
    colour = np.asarray(sides, dtype=np.uint8)
    top = block.topmost(zoomed)
    paint_top(_on_top(block, top), top, zoomed, (colour, mask))
    small = (x1 - x0, y1 - y0)
    colour = np.asarray(cv2.resize(colour, small, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    alpha = np.asarray(cv2.resize(mask, small, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    under = image[y0:y1, x0:x1]
    keep = cv2.cvtColor(cv2.bitwise_not(alpha), cv2.COLOR_GRAY2BGR)
    cv2.add(cv2.multiply(under, keep, scale=1 / 255), colour, dst=under)
    return Painted(x0, y0, alpha)


def _supersampling(width: int, height: int) -> int:
    """How many subpixels a side: small blocks need more to be as smooth."""
    return 3 if width * height < 90 * 90 else 2


def _sheets(block: Block, camera: Camera, tall_px: float) -> _Sheets | None:
    """The sheets as they are drawn; None if a part of the block is behind the camera."""
    count = len(block.tones)
    lie = block.lie or Lie.even(count)
    parts = int(np.clip(tall_px * 2.2, 1, count))
    first = np.arange(parts) * count // parts
    last = np.append(first[1:], count) - 1
    ends, share, poses = lie.edges[np.append(first, count)], np.diff(lie.edges), block.poses()
    if parts == count and tall_px / count > 1:  # each gap is drawn
        gap, dark, upper = lie.gaps, np.ones(count), [1, 2]
        chosen, under = first, np.where(gap > 0.02, block.edge.line, 0.0)
    else:
        gap, dark, upper = np.full(parts, 0.5), 1 - lie.gaps * (1 - block.edge.line), [0, 2]
        chosen, far_mm = _sticking_out(block.shifts, first)
        under = np.where(far_mm > _STRAY_MM, 1.0, 0.0)
    tones = np.add.reduceat(block.tones * dark * share, first) / np.add.reduceat(share, first)
    plan = placed(block.outline, poses[np.stack([first, chosen, last], axis=1)][:, :, None])
    levels = np.stack([ends[:-1], ends[:-1] + gap * np.diff(ends), ends[1:]], axis=1)
    points = block.lifted(plan, levels[..., None])
    if (camera.depth(points) < 1).any():
        return None
    chain = _chain(block.bulk()[0, :, :2], camera) if lie.bow else None
    return _Sheets(camera.project(points), tones, under, upper, chain)


def _sticking_out(
    shifts: Floats, first: NDArray[np.intp]
) -> tuple[NDArray[np.intp], NDArray[np.floating]]:
    """Of each run of sheets, given where it begins, the one farthest out and how far, mm."""
    length = np.diff(np.append(first, len(shifts)))
    run = np.repeat(np.arange(len(first)), length)
    off = shifts - (np.add.reduceat(shifts, first) / length[:, None])[run]
    far = np.hypot(off[:, 0], off[:, 1])
    chosen = np.lexsort((far, run))[first + length - 1]
    return np.asarray(chosen, dtype=np.intp), far[chosen]


def _chain(outline: Floats, camera: Camera) -> NDArray[np.intp]:
    """The vertices, one after the other, of those sides of an outline that face the camera."""
    side = np.roll(outline, -1, axis=0) - outline
    away = camera.place[:2] - outline
    seen = side[:, 1] * away[:, 0] - side[:, 0] * away[:, 1] > 0
    if not seen.any():
        return np.zeros(0, dtype=np.intp)
    start = int(np.flatnonzero(seen & ~np.roll(seen, 1))[0])
    count = int(seen.sum()) + 1
    return np.asarray((start + np.arange(count)) % len(outline), dtype=np.intp)


def _layers(sheets: _Sheets, px: Floats, shape_hw: tuple[int, int]) -> Image:
    """Sheets (n, 3, M, 2) px → brightness of their edges (h, w), 200 for 1; 0 outside."""
    grey = np.zeros(shape_hw, dtype=np.uint8)
    levels = np.clip(sheets.tones * 200, 1, 255).astype(int).tolist()
    rings = fixed(px)
    for ring, tone, under in zip(rings, levels, sheets.under.tolist(), strict=True):
        if under:
            _fill(grey, ring[[0, 1]], max(int(tone * under), 1), sheets.chain)
        _fill(grey, ring[sheets.upper], tone, sheets.chain)
    return grey


def _fill(grey: Image, ends: NDArray[np.int32], tone: int, chain: NDArray[np.intp] | None) -> None:
    """Draw a sheet between two outlines (2, M, 2): their hull, or side and upper face if bent."""
    if chain is None:
        hull = cv2.convexHull(ends.reshape(-1, 2))
        cv2.fillConvexPoly(grey, hull, tone, cv2.LINE_8, SHIFT)
        return
    if len(chain):
        band = np.concatenate([ends[0, chain], ends[1, chain[::-1]]])
        cv2.fillPoly(grey, [band], tone, cv2.LINE_8, SHIFT)
    cv2.fillPoly(grey, [ends[1]], tone, cv2.LINE_8, SHIFT)


def _on_top(block: Block, top: Sheet) -> list[Image]:
    """The pictures that cover the face on top, to be added up: print, wear, shine."""
    fine = block.top.levels[0]
    area = abs(cv2.contourArea(top.outline_px.astype(np.float32)))
    picture = block.top.at(np.sqrt(fine.shape[0] * fine.shape[1] / max(area, 1.0)) * 0.8)
    if block.ink is not None:
        picture = block.ink.on(picture)
    return [picture] if block.gloss is None else [picture, block.gloss]
