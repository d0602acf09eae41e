"""Random numbers → hands that hold a packet, cover it or reach into the picture.

A hand is flat pictures that stand in the scene: the palm and its arm, and fingers as pieces of
their own where they bend round the packet. All places are world mm, so that a hand stays where it
is while a camera moves.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from stream.synth.body import Body
from stream.synth.camera import Camera
from stream.synth.cutout import CutOut, Sprite
from stream.synth.stock import Stock

Floats = NDArray[np.float64]

PALM_MM = 40.0
"""Radius of the largest disc in a palm."""


@dataclass(frozen=True, eq=False)
class Piece:
    """A cut-out that stands in the scene, turned towards the camera.

    The place `pin` of the cut-out (px) lies on `at_mm`; its upper end points along `up`, and
    `unit_px` of its pixels are `unit_mm` mm. Where `end_mm` is given, the cut-out is stretched
    so that its tip lies there.
    """

    cut: CutOut
    pin: Floats  # (2,) px of the cut-out
    at_mm: Floats  # (3,)
    up: Floats  # (3,) unit vector
    mm_per_px: float
    gains: Floats  # (3,) BGR
    mirrored: bool = False
    end_mm: Floats | None = None  # (3,)
    longer: float = 1.0  # drawn out along `up`

    def shifted(self, step_mm: Floats) -> Piece:
        """The same piece somewhere else."""
        end = None if self.end_mm is None else self.end_mm + step_mm
        return replace(self, at_mm=self.at_mm + step_mm, end_mm=end)

    def placed(self, camera: Camera) -> Sprite | None:
        """Where a camera sees it; None behind the camera."""
        far = self.at_mm + self.up * 50 if self.end_mm is None else self.end_mm
        ends = np.stack([self.at_mm, far])
        depth = camera.depth(ends)
        if (depth < 20).any():
            return None
        start, end = camera.project(ends)
        scale = float(camera.K[0, 0]) / float(depth[0]) * self.mm_per_px
        across = float(np.linalg.norm(end - start))
        along = (end - start) / max(across, 1e-6)
        if self.end_mm is None:
            # a hand is not flat: seen along its fingers it is still half as long
            stretch = scale * float(np.clip(across / (50 * scale / self.mm_per_px), 0.55, 1.0))
        else:
            stretch = max(across, scale) / max(float(self.pin[1] - self.cut.tip[1]), 1.0)
        side = np.array([-along[1], along[0]]) * scale * (-1 if self.mirrored else 1)
        turn = np.stack([side, -along * stretch * self.longer], axis=1)
        return Sprite(self.cut, np.column_stack([turn, start - turn @ self.pin]), self.gains)


@dataclass(frozen=True, eq=False)
class Hand:
    """Pieces behind what is held, pieces in front, the furthest first."""

    behind: tuple[Piece, ...] = ()
    front: tuple[Piece, ...] = ()
    away: Floats | None = None  # (3,) unit vector along which it came; None: it holds and stays

    def withdrawn(self, distance_mm: float) -> Hand:
        """The hand drawn back along its arm."""
        if self.away is None:
            return self
        step = self.away * distance_mm
        return replace(
            self,
            behind=tuple(piece.shifted(step) for piece in self.behind),
            front=tuple(piece.shifted(step) for piece in self.front),
        )

    def sprites(self, camera: Camera) -> tuple[list[Sprite], list[Sprite]]:
        """What the camera sees of it: behind the packet, and in front."""
        pair = ([p.placed(camera) for p in part] for part in (self.behind, self.front))
        behind, front = ([s for s in part if s is not None] for part in pair)
        return behind, front


def draw_grip(rng: np.random.Generator, stock: Stock, body: Body) -> Hand:
    """Random numbers → a hand that holds the packet from one side.

    The palm is behind the packet; the thumb lies on its face or side, fingers come round the edge.
    """
    side = int(rng.choice([0, 0, 0, 1, 2, 2]))  # from below, or from a long side
    angle = (-np.pi / 2, 0.0, np.pi)[side] + rng.normal(0, 0.3)
    out = np.array([np.cos(angle), np.sin(angle), 0.0])
    half = np.array([body.width_mm, body.height_mm]) / 2
    reach = float(np.min(half / np.maximum(np.abs(out[:2]), 1e-6)))
    cut, gains = _pick(rng, stock)
    tall = body.thickness_mm
    palm = out * (reach + rng.uniform(-35, 28)) + [0, 0, -rng.uniform(2, 18)]
    lift = rng.normal(0, 0.25)
    up = _unit(-out + [rng.normal(0, 0.35), rng.normal(0, 0.35), lift])
    behind = _whole(rng, stock, cut, gains, cut.palm, palm, up)
    skin = cut.skin * gains
    front = []
    if rng.random() < 0.85:  # the thumb
        across = np.array([-out[1], out[0], 0.0])
        root = out * (reach + rng.uniform(12, 40)) + across * rng.normal(0, 22)
        tip = root - out * rng.uniform(16, 62) + across * rng.normal(0, 14)
        ends = (root + [0, 0, tall * 0.6], tip + [0, 0, tall + 5.0])
        front.append(_digit(rng, stock, skin, ends, rng.uniform(8.5, 11.5)))
    for _ in range(int(rng.choice([0, 1, 1, 2]))):
        front += _curled(rng, stock, skin, body)
    return Hand(tuple(behind), tuple(front))


def _curled(rng: np.random.Generator, stock: Stock, skin: Floats, body: Body) -> list[Piece]:
    """One to four fingers in a row that come round an edge of the packet from below."""
    short = rng.random() < 0.3
    sign = float(rng.choice([-1, 1]))
    length, off = (body.width_mm, body.height_mm) if short else (body.height_mm, body.width_mm)
    count = int(rng.integers(1, 5))
    first = rng.uniform(-0.55, 0.55) * length - (count - 1) * 9.0
    tall, onto = body.thickness_mm, rng.uniform(-3, 16)
    pieces = []
    for k in range(count):
        along = first + k * rng.uniform(16, 20)
        if abs(along) > length / 2 + 9:
            continue
        radius = rng.uniform(6.5, 9.0)
        root = np.array([along + rng.normal(0, 5), sign * (off / 2 + rng.uniform(10, 26)), -8.0])
        knee = np.array([along, sign * (off / 2 + radius * 0.9), tall * 0.5 + rng.uniform(-4, 6)])
        tip = np.array([along + rng.normal(0, 3), sign * (off / 2 - onto), tall + radius * 0.5])
        points = [p[[0, 1, 2]] if short else p[[1, 0, 2]] for p in (root, knee, tip)]
        if rng.random() < 0.5:
            pieces.append(_digit(rng, stock, skin, (points[0], points[1]), radius))
            pieces.append(_digit(rng, stock, skin, (points[1], points[2]), radius))
        else:
            pieces.append(_digit(rng, stock, skin, (points[0], points[2]), radius))
    return pieces


def draw_reach(rng: np.random.Generator, stock: Stock, target_mm: Floats, away: Floats) -> Hand:
    """Random numbers → a hand in front whose longest finger ends near a place (3,) world mm.

    The arm runs along `away` (3,).
    """
    cut, gains = _pick(rng, stock)
    up = -_unit(away + rng.normal(0, 0.25, 3))
    front = _whole(rng, stock, cut, gains, cut.tip + [0, rng.uniform(0, 30)], target_mm, up)
    return Hand((), tuple(front), -up)


def draw_lone(rng: np.random.Generator, stock: Stock, body: Body) -> Hand:
    """Random numbers → a hand that holds nothing, somewhere about the middle."""
    cut, gains = _pick(rng, stock)
    palm = np.array([*rng.normal(0, 45, 2), body.thickness_mm + rng.uniform(0, 40)])
    up = _unit(np.append(rng.normal(0, 1, 2), rng.normal(0, 0.3)))
    return Hand((), tuple(_whole(rng, stock, cut, gains, cut.palm, palm, up)))


def draw_finger(
    rng: np.random.Generator, stock: Stock, target_mm: Floats, away: Floats, radius_mm: float
) -> Hand:
    """Random numbers → a hand with one finger out that ends just past a place (3,) world mm."""
    # of a few hands the one that is most of a fist, since the finger is drawn onto it
    cut, gains = min((_pick(rng, stock) for _ in range(4)), key=lambda pick: _open(pick[0]))
    skin = cut.skin * gains
    tip = target_mm - away * radius_mm * rng.uniform(0.2, 1.3)
    root = tip + _unit(away) * rng.uniform(55, 90)
    palm = root + _unit(away + rng.normal(0, 0.25, 3)) * rng.uniform(20, 40)
    up = -_unit(away + rng.normal(0, 0.2, 3))
    pieces = _whole(rng, stock, cut, gains, cut.palm, palm, up)
    pieces.append(_digit(rng, stock, skin, (root, tip), radius_mm))
    return Hand((), tuple(pieces), _unit(away))


def _open(cut: CutOut) -> float:
    """How far the fingers reach beyond the palm, in its radii: 1 for a fist."""
    return float(cut.palm[1] - cut.tip[1]) / cut.palm_px


def _whole(  # noqa: PLR0917 - a piece's own words, in their order
    rng: np.random.Generator,
    stock: Stock,
    cut: CutOut,
    gains: Floats,
    pin: Floats,
    at_mm: Floats,
    up: Floats,
) -> list[Piece]:
    """A hand with its arm: the arm first, since the hand's edge is the cleaner one."""
    scale = PALM_MM * rng.uniform(0.85, 1.12) / cut.palm_px
    mirrored = bool(rng.random() < 0.5)
    piece = Piece(cut, pin, at_mm, up, scale, gains, mirrored)
    # the arm hangs on the same pin, so that it stays at the wrist as the camera turns
    below = at_mm - up * float(cut.wrist[1] - pin[1]) * scale
    bare = bool(rng.random() < 0.45)
    arm = stock.arms[0 if bare else 1]
    sleeve = arm[int(rng.integers(len(arm)))]
    wide = cut.wrist_px * scale * (1.0 if bare else rng.uniform(1.05, 1.5))
    tone = cut.skin * gains if bare else np.exp(rng.uniform(np.log(12), np.log(240), 3))
    if not bare and rng.random() < 0.6:
        tone = np.full(3, tone[0]) * rng.uniform(0.85, 1.15, 3)
    top = sleeve.tip + [0, rng.uniform(12, 30) if bare else 0]
    per_px = wide / (26.0 if bare else 36.0)
    back = below + up * rng.uniform(2, 12)
    long = Piece(sleeve, top, back, up, per_px, tone / 150.0, mirrored, longer=3.0)
    return [piece, long] if not bare else [long, piece]


def _digit(
    rng: np.random.Generator,
    stock: Stock,
    skin: Floats,
    ends_mm: tuple[Floats, Floats],
    radius_mm: float,
) -> Piece:
    """A drawn finger of that skin from a root to a tip (3,) world mm."""
    cut = stock.fingers[int(rng.integers(len(stock.fingers)))]
    root, tip = ends_mm
    gains = skin * rng.uniform(0.9, 1.05) / 128.0
    low = cut.wrist - [0, 20]
    return Piece(
        cut, low, root, _unit(tip - root), radius_mm / 22.0, gains, bool(rng.random() < 0.5), tip
    )


def _pick(rng: np.random.Generator, stock: Stock) -> tuple[CutOut, Floats]:
    """A hand and the light on it."""
    cut = stock.hands[int(rng.integers(len(stock.hands)))]
    return cut, rng.uniform(0.65, 1.12) * rng.uniform(0.92, 1.08, 3)


def _unit(vector: Floats) -> Floats:
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-9))
