"""Judged pictures → plots, as PNG bytes; None where there is nothing to plot."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure as Sheet
from numpy.typing import NDArray

from stream.packet import MAX_CARDS
from train.doubt import Figure
from train.metrics import Judged, by_clip, errors_of


def counts(judged: Sequence[Judged]) -> bytes | None:
    """Counted against true cards, a dot a picture, a bar a clip's median; missed ones at 0."""
    clips = by_clip(judged)
    if not clips:
        return None
    sheet, axes = _axes("cards in the packet", "cards counted", (5, 5))
    axes.plot([0, MAX_CARDS], [0, MAX_CARDS], color="0.6", linewidth=1)
    for off in (-2, 2):
        axes.plot([0, MAX_CARDS], [off, MAX_CARDS + off], color="0.85", linewidth=1)
    every = [one for pictures in clips.values() for one in pictures]
    jitter = np.random.default_rng(0).uniform(-0.25, 0.25, len(every))
    truth = np.array([one.truth.cards for one in every]) + jitter
    axes.scatter(truth, [o.said for o in every], s=14, alpha=0.5, linewidths=0, label="a picture")
    if len(clips) < len(every):
        middle = [np.median([one.said for one in pictures]) for pictures in clips.values()]
        cards = [pictures[0].truth.cards for pictures in clips.values()]
        axes.scatter(cards, middle, s=90, marker="_", c="k", label="a clip's median")
    axes.set_aspect("equal")
    axes.legend(frameon=False)
    return _png(sheet)


def corners(judged: Sequence[Judged]) -> bytes | None:
    """Share of the true corners found within a distance, in px and in parts of the diagonal."""
    full = [one for one in judged if one.truth.cards]
    errors = [errors_of(one) for one in full]
    if not any(len(px) for px in errors):
        return None
    parts = [100 * px / one.truth.diagonal_px for one, px in zip(full, errors, strict=True)]
    sheet = Sheet(figsize=(9, 4), dpi=100, layout="constrained")
    _cumulate(sheet.add_subplot(1, 2, 1), np.concatenate(errors), (5, 10), 30, "px")
    _cumulate(sheet.add_subplot(1, 2, 2), np.concatenate(parts), (1, 2), 5, "% of the diagonal")
    return _png(sheet)


def _cumulate(
    axes: Any, errors: NDArray[np.float64], limits: tuple[float, ...], up_to: float, unit: str
) -> None:
    every = np.sort(errors)
    axes.step(every, np.arange(1, len(every) + 1) / len(every), where="post", color="C0")
    for k, limit in enumerate(limits):
        axes.axvline(limit, color="0.6", linewidth=1, linestyle=":")
        said = f" {np.mean(every < limit):.1%} within {limit} {unit}"
        axes.annotate(said, (limit, 0.1 + 0.1 * k), fontsize=9)
    axes.set(xlim=(0, up_to), ylim=(0, 1.01), ylabel="share of the true corners")
    axes.set_xlabel(f"distance of the corner found, {unit}")
    axes.spines[["top", "right"]].set_visible(False)


def intervals(judged: Sequence[Judged]) -> bytes | None:
    """Error of the count over the width of its interval; red = the interval misses the truth."""
    doubts = [(one.truth.cards, one.count) for one in judged if one.count and one.truth.cards]
    if not doubts:
        return None
    cards = np.array([n for n, _ in doubts], float)
    low, high, middle = np.array([(c.low, c.high, c.median) for _, c in doubts]).T
    held = (low <= cards) & (cards <= high)
    sheet, axes = _axes("width of the interval, cards", "counted − true, cards", (6, 4))
    wide = np.array([0.0, float((high - low).max()) + 1])
    axes.fill_between(wide, -wide / 2, wide / 2, color="0.93", label="± half the width")
    jitter = np.random.default_rng(0).uniform(-0.3, 0.3, len(cards))
    for hit, colour, says in ((True, "C0", "holds the truth"), (False, "C3", "misses it")):
        x, y = (high - low + jitter)[held == hit], (middle - cards)[held == hit]
        said = f"{says}: {len(x)} of {len(cards)}"
        axes.scatter(x, y, s=10, alpha=0.5, linewidths=0, c=colour, label=said)
    axes.legend(frameon=False, fontsize=9)
    return _png(sheet)


def coverage(held: dict[str, Figure], wanted: tuple[float, float]) -> bytes | None:
    """How often each set's intervals hold the truth, with its doubt, beside what is wanted."""
    shown = {name: figure for name, figure in held.items() if not math.isnan(figure.value)}
    if not shown:
        return None
    sheet, axes = _axes("share of the intervals that hold the truth", "", (7, 1 + 0.5 * len(shown)))
    axes.axvspan(*wanted, color="0.9", label=f"wanted: {wanted[0]:.0%} to {wanted[1]:.0%}")
    for at, figure in enumerate(shown.values()):
        axes.plot([figure.low, figure.high], [at, at], color="C0", linewidth=2)
        axes.plot(figure.value, at, "o", color="C0")
    axes.set_yticks(range(len(shown)), [f"{name} (n = {f.n})" for name, f in shown.items()])
    axes.set(xlim=(min(0.5, *(f.low for f in shown.values())), 1.0), ylim=(len(shown) - 0.5, -0.5))
    axes.legend(frameon=False, fontsize=9, loc="lower left")
    return _png(sheet)


def presence(judged: Sequence[Judged]) -> bytes | None:
    """How sure the model is of a packet where there is none."""
    empty = [one for one in judged if one.truth.cards == 0]
    if not empty:
        return None
    sheet, axes = _axes("score of presence where there is no packet", "pictures", (6, 4))
    called = np.array([one.packet is not None for one in empty])
    score = np.array([one.score for one in empty])
    labels = [f"no packet: {(~called).sum()}", f"called a packet: {called.sum()}"]
    bins = np.linspace(0, 1, 41).tolist()
    axes.hist([score[~called], score[called]], bins, stacked=True, color=["C0", "C3"], label=labels)
    axes.set_yscale("symlog", linthresh=1)
    axes.set_xlim(0, 1)
    axes.legend(frameon=False)
    return _png(sheet)


def _axes(x: str, y: str, size: tuple[float, float]) -> tuple[Sheet, Any]:
    """A figure of its own: pyplot would keep it in a global and ask for a screen."""
    sheet = Sheet(figsize=size, dpi=100, layout="constrained")
    axes = sheet.add_subplot(xlabel=x, ylabel=y)
    axes.spines[["top", "right"]].set_visible(False)
    return sheet, axes


def _png(sheet: Sheet) -> bytes:
    out = io.BytesIO()
    sheet.savefig(out, format="png")
    return out.getvalue()
