"""Whether the single edges of the cards, seen in the side of a packet, tell its count.

    python benchmarks/edge.py [--frames 300] [--noise-px 1.5] [--even] [--cardcut FOLDER]

Rendered frames (or the real ones of a folder in cardcut's form) → the visible sides, rectified by
their corners → how strongly lines repeat n times over the thickness, for every n. That is weighed
against the plain estimate, thickness by the table's card with its deck-to-deck doubt, and printed
by how many pixels a card has. docs/edge.md says what came of it, and of two other ways of reading
the lines.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from stream.decks import DECKS
from stream.packet import MAX_CARDS
from stream.synth import Renderer, SceneConfig
from train import pictures
from train.datasets.cardcut import HOLD_OUT, load, split

Image = NDArray[np.uint8]
Floats = NDArray[np.float64]

# face and back at one end, back and face at the other: upper, lower, left, right
SIDES = ((0, 1, 3, 2), (4, 5, 7, 6), (0, 4, 6, 2), (1, 5, 7, 3))
COUNTS = np.arange(1, MAX_CARDS + 1)
RADIUS_MM = 3.5  # of a card's corner; the keypoint is the middle of the arc
INSET_MM = RADIUS_MM * (1 - np.sqrt(0.5))
PITCH_PX = 0.6  # between two rows of a strip
ROWS = 176  # at most, over the thickness
MARGIN = 16  # rows beyond each rim
GROUPS = 16  # parts of a side's length
PRIOR_SD = 0.07  # thickness a card from deck to deck, as a part of it
GAIN = 1.0  # weight of the lines' log power: where the intervals of the first trials held 90 %
SPEAKS = 2.0  # least log power, within the doubt of the plain estimate, for lines to be there
FIRST_SEED = 7_000_000
BINS_PX = (0.0, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 99.0)


EVEN = SceneConfig(
    sheet_jitter=(0.0, 0.0),
    stick=(0.0, 0.0),
    air=(0.3, 0.3),
    breaks=0.0,
    bowed=0.0,
    misaligned_mm=(0.0, 0.0),
    turned_deg=(0.0, 0.0),
    line=(0.35, 0.6),
    brushed=0.0,
    twist=0.0,
    fan=0.0,
    stray_sheet=0.0,
)
"""Packets drawn with a ruler: what a reading of lines is good for where nothing is in its way."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One frame: the truth, the plain estimate and that with the lines' evidence."""

    cards: int
    card_px: float  # of the side that is seen best
    plain: tuple[float, int, int]  # expectation, 5 % and 95 % quantile
    lines: tuple[float, int, int]
    speaks: bool


def rims(xy: Floats, side: tuple[int, ...], *, back_on_top: bool) -> tuple[Floats, Floats]:
    """Corners (8, 2) px → the straight part of a side's upper and lower rim, (2, 2) px each.

    The straight rim lies outside of the line between two keypoints, by the card's round corner: as
    far as the homography of the large face says, as a poker card has it.
    """
    deck = DECKS["poker"]
    top = [2, 3, 6, 7] if back_on_top else [0, 1, 4, 5]
    half = np.array([deck.width_mm, deck.height_mm]) / 2 - INSET_MM
    plan = np.array([[-1, 1], [1, 1], [-1, -1], [1, -1]]) * half
    to_px = cv2.getPerspectiveTransform(plan.astype(np.float32), xy[top].astype(np.float32))
    upper = [side[3], side[2]] if back_on_top else [side[0], side[1]]
    lower = [side[0], side[1]] if back_on_top else [side[3], side[2]]
    a, b = (plan[top.index(k)] for k in upper)
    along = (b - a) / np.linalg.norm(b - a)
    out = np.where(np.isclose(a, b), np.sign(a), 0) * INSET_MM
    ends = np.stack([a + out, b + out]) + np.outer([1, -1], along * (RADIUS_MM - INSET_MM))
    high = cv2.perspectiveTransform(ends[None], to_px)[0].astype(np.float64)
    shrink = np.linalg.norm(np.diff(xy[lower], axis=0)) / np.linalg.norm(np.diff(xy[upper], axis=0))
    return high, xy[lower] + (high - xy[upper]) * shrink


def visible_sides(xy: Floats, visible: NDArray[np.bool_]) -> list[tuple[Floats, Floats]]:
    """Corners → the rims of every side of which all four are seen, and the whole face above."""
    seen = visible & np.isfinite(xy).all(axis=1)
    back, face = seen[[2, 3, 6, 7]].all(), seen[[0, 1, 4, 5]].all()
    if back == face:
        return []
    found = [rims(xy, s, back_on_top=bool(back)) for s in SIDES if seen[list(s)].all()]
    return [pair for pair in found if height_px(pair) >= 8]


def height_px(pair: tuple[Floats, Floats]) -> float:
    """How far apart two rims are."""
    return float(np.linalg.norm(pair[1] - pair[0], axis=1).mean())


def strip(image: Image, pair: tuple[Floats, Floats]) -> tuple[NDArray[np.float32], float]:
    """A side between two rims → grey (rows, GROUPS), upper rim first, and its thickness in rows."""
    high, low = pair
    tall = height_px(pair)
    pitch = max(PITCH_PX, tall / ROWS)
    rows = round(tall / pitch) + 2 * MARGIN
    over = int(np.clip(np.ceil(np.linalg.norm(np.diff(high, axis=0)) / GROUPS), 1, 64))
    beyond = (low - high) * (MARGIN * pitch / tall)
    target = np.array([high[0] - beyond[0], high[1] - beyond[1], low[1] + beyond[1]])
    target = np.concatenate([target, [low[0] + beyond[0]]]).astype(np.float32)
    size = (GROUPS * over, rows)
    frame = np.array([[0, 0], [size[0], 0], size, [0, rows]], dtype=np.float32) - 0.5
    warp = cv2.getPerspectiveTransform(frame, target)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    flat = cv2.warpPerspective(image, warp, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    grey = cv2.cvtColor(flat, cv2.COLOR_BGR2GRAY).astype(np.float32)
    narrow = cv2.resize(grey, (GROUPS, rows), interpolation=cv2.INTER_AREA)
    return np.asarray(narrow, dtype=np.float32), tall / pitch


def straightened(grey: NDArray[np.float32]) -> NDArray[np.float32]:
    """A strip whose packet is bent → the same with level lines, each column at mean 100.

    Of many parabolas the one that makes the columns' edges agree best.
    """
    rows = len(grey)
    even = grey / np.maximum(grey.mean(axis=0), 8) * 100
    edges = np.gradient(cv2.GaussianBlur(even, (1, 5), 0), axis=0).clip(-12, 12)
    x, row, column = np.linspace(-1, 1, GROUPS), np.arange(rows), np.arange(GROUPS)
    bend, tilt = 0.0, 0.0
    for reach, step in (((15, 6), 3.0), ((2, 2), 1.0)):
        bends = bend + np.arange(-reach[0], reach[0] + 1, step)
        tilts = tilt + np.arange(-reach[1], reach[1] + 1, step)
        a, b = (grid.ravel() for grid in np.meshgrid(bends, tilts))
        shifts = np.rint(np.outer(a, x**2 - 1 / 3) + np.outer(b, x)).astype(int)
        moved = np.clip(row[None, :, None] + shifts[:, None], 0, rows - 1)
        agree = (edges[moved, column].mean(axis=2) ** 2).mean(axis=1)
        best = int((agree * (1 - 0.0005 * (a**2 + b**2))).argmax())
        bend, tilt = float(a[best]), float(b[best])
    shift = bend * (x**2 - 1 / 3) + tilt * x
    level = [np.interp(row + shift[j], row, even[:, j]) for j in range(GROUPS)]
    return np.stack(level, axis=1).astype(np.float32)


def repeats(grey: NDArray[np.float32], tall_rows: float) -> Floats:
    """A strip → for n of COUNTS the log power of n cycles over the thickness, against its like."""
    even = straightened(grey)
    local = cv2.blur(even, (1, 13))
    part = ((even - local) / np.maximum(local, 8) * 100)[MARGIN + 1 : MARGIN + int(tall_rows) - 1]
    part = (part - part.mean(axis=0)).clip(-15, 15)
    window = np.hanning(len(part))[:, None]
    four = part.reshape(len(part), 4, 4).mean(axis=2)  # neighbours share their lines
    wave = np.concatenate([four, part.mean(axis=1, keepdims=True)], axis=1) * window
    turns = np.exp(-2j * np.pi * np.outer(COUNTS / tall_rows, np.arange(len(part))))
    power = np.abs(turns @ wave) ** 2 / np.maximum((wave**2).sum(axis=0), 1e-6)
    level = np.log(power.mean(axis=1) + 1e-3)
    around = cv2.blur(level[:, None], (1, 15))[:, 0]
    return np.where(COUNTS / tall_rows < 0.48, level - around, 0.0)


def posterior(weights: Floats) -> tuple[float, int, int]:
    """Log-evidence over COUNTS → expectation, and the 5 % and 95 % quantiles."""
    p = np.exp(weights - weights.max())
    p /= p.sum()
    low, high = (min(int(np.searchsorted(p.cumsum(), q)), MAX_CARDS - 1) for q in (0.05, 0.95))
    return float(p @ COUNTS), int(COUNTS[low]), int(COUNTS[high])


def prior(thickness_mm: float) -> Floats:
    """Thickness → log-evidence over COUNTS, as far as decks differ."""
    plain = np.maximum(thickness_mm, 0.1) / DECKS["poker"].card_mm
    return np.asarray(-0.5 * (np.log(COUNTS / plain) / PRIOR_SD) ** 2)


def read(image: Image, sides: list[tuple[Floats, Floats]], cards: int, plain: Floats) -> Reading:
    """A frame, its sides and the log-evidence of its thickness → what is read with and without."""
    power = np.sum([repeats(*strip(image, pair)) for pair in sides], axis=0)
    near = plain > -2.0  # two standard deviations
    return Reading(
        cards=cards,
        card_px=max(height_px(pair) for pair in sides) / cards,
        plain=posterior(plain),
        lines=posterior(plain + GAIN * power),
        speaks=bool(power[near].max(initial=0.0) > SPEAKS),
    )


def rendered(
    config: SceneConfig, frames: int, hw: tuple[int, int], noise_px: float
) -> list[Reading]:
    """Rendered frames → readings; the corners are off by `noise_px` in x and in y."""
    renderer = Renderer(config)
    readings = []
    for seed in range(FIRST_SEED, FIRST_SEED + frames):
        rng = np.random.default_rng(seed)
        truth = renderer.sample(rng, hw)
        if truth.cards:
            xy = truth.xy + rng.normal(0, noise_px, truth.xy.shape)
            sides = visible_sides(xy, truth.visible)
            if sides:
                readings.append(read(truth.image, sides, truth.cards, prior(truth.thickness_mm)))
    return readings


def real(folder: Path) -> list[Reading]:
    """Labelled frames of real packets → readings, thickness being blurred truth.

    The labels hold no camera, so the plain estimate is the count itself, off by what decks differ.
    """
    rng = np.random.default_rng(FIRST_SEED)
    readings = []
    for sample in split(load(folder), HOLD_OUT)[0]:
        sides = visible_sides(sample.xy, sample.visible)
        if sides:
            thickness = sample.cards * DECKS["poker"].card_mm * np.exp(rng.normal(0, PRIOR_SD))
            image = pictures.read(sample.path)
            readings.append(read(image, sides, sample.cards, prior(float(thickness))))
    return readings


def table(readings: list[Reading], name: str) -> None:
    """Readings → a table by pixels a card: errors and intervals, plain and with the lines."""
    print(f"{name}: n={len(readings)}; MAE in cards, and how many 90 % intervals hold the truth")
    print("px a card      n   plain           with lines      speaks   plain there  lines there")
    for low, high in pairwise(BINS_PX):
        some = [r for r in readings if low <= r.card_px < high]
        if some:
            said = [r for r in some if r.speaks]
            both = f"{score([(r.plain, r.cards) for r in some])}   "
            both += f"{score([(r.lines, r.cards) for r in some])}"
            there = f"{score([(r.plain, r.cards) for r in said])}  "
            there += f"{score([(r.lines, r.cards) for r in said])}"
            print(f"{low:4.1f}-{high:4.1f}  {len(some):5d}   {both}   {len(said):4d}   {there}")


def score(pairs: list[tuple[tuple[float, int, int], int]]) -> str:
    """(estimate, truth) → mean absolute error and coverage."""
    if not pairs:
        return "   -      "
    error = np.mean([abs(e[0] - truth) for e, truth in pairs])
    held = np.mean([e[1] <= truth <= e[2] for e, truth in pairs])
    return f"{error:4.2f} ({held:4.0%})"


def main() -> None:
    """Options → a table of rendered frames, or of real ones."""
    parser = argparse.ArgumentParser(description="what the single edges of cards tell of the count")
    parser.add_argument("--frames", type=int, default=300, help="rendered frames")
    parser.add_argument("--noise-px", type=float, default=1.5, help="error of the corners")
    parser.add_argument("--hw", type=int, nargs=2, default=(1080, 1920), metavar=("H", "W"))
    parser.add_argument("--cardcut", type=Path, help="real frames instead: a folder")
    parser.add_argument("--even", action="store_true", help="packets drawn with a ruler")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    if options.cardcut:
        table(real(options.cardcut), "real frames of clips that training may see")
    else:
        config = EVEN if options.even else SceneConfig()
        frames = rendered(config, options.frames, tuple(options.hw), options.noise_px)
        table(frames, f"rendered frames, corners off by {options.noise_px} px")


if __name__ == "__main__":
    main()
