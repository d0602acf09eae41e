"""Judged pictures → what people look at: a table, a caption and plots. Draws, measures nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from matplotlib.figure import Figure
from rich.table import Table

from engines.spec import ModelSpec
from stream.draw import draw
from stream.packet import MAX_CARDS, TURN
from train.evaluate import Verdict, to_json
from train.metrics import Judged, Scores, corner_errors
from train.sheet import sheet, with_truth

_SHARES = {"found", "pck5", "pck10", "spurious", "visibility", "within_1", "within_2"} | {
    "interval_coverage",
    "false_alarms",
}


def table(scores: dict[str, Scores]) -> Table:
    """Figures of each set → a table with a column a set; what was not measured is a dash."""
    shown = Table("figure", *scores, title="kpstream-train eval")
    for column in shown.columns[1:]:
        column.justify = "right"
    rows = [asdict(one) for one in scores.values()]
    for name in rows[0] if rows else ():
        shown.add_row(name.replace("_", " "), *(_cell(name, row[name]) for row in rows))
    return shown


def _cell(name: str, value: float) -> str:
    if isinstance(value, int):
        return str(value)
    if np.isnan(value):
        return "–"
    return f"{value:.1%}" if name in _SHARES else f"{value:.2f}"


def caption(judged: Judged) -> str:
    """What is true and what was said of a picture, in one line of ASCII."""
    said = "no packet" if judged.packet is None else "a packet"
    if judged.count is not None:
        said = f"{judged.count.mean:.1f} ({judged.count.low}-{judged.count.high})"
    truth = f"{judged.cards} cards" if judged.cards else "no packet"
    return f"{judged.name}: {truth}, said {said}"


def plot_counts(judged: Sequence[Judged], path: Path) -> bool:
    """Counted against true cards, a dot a picture, a bar a clip; False if nothing was counted."""
    counted = [(one.clip, one.cards, one.count.mean) for one in judged if one.count and one.cards]
    if not counted:
        return False
    truth = np.array([cards for _, cards, _ in counted], float)
    means = np.array([mean for *_, mean in counted])
    figure, axes = _figure("cards in the packet", "cards counted")
    axes.plot([0, MAX_CARDS], [0, MAX_CARDS], color="0.6", linewidth=1)
    for off in (-2, 2):
        axes.plot([0, MAX_CARDS], [off, MAX_CARDS + off], color="0.85", linewidth=1)
    jitter = np.random.default_rng(0).uniform(-0.25, 0.25, len(truth))
    axes.scatter(truth + jitter, means, s=8, alpha=0.5, linewidths=0, label="a picture")
    clips = sorted({(clip, cards) for clip, cards, _ in counted})
    if len(clips) < len(counted):
        medians = [np.median([m for c, _, m in counted if c == clip]) for clip, _ in clips]
        axes.scatter([n for _, n in clips], medians, s=90, marker="_", c="k", label="a clip")
    axes.set_aspect("equal")
    axes.legend(frameon=False)
    figure.savefig(path)
    return True


def plot_corners(judged: Sequence[Judged], path: Path, up_to_px: float = 30.0) -> bool:
    """Share of the corners within a distance, over the distance; False if none was placed."""
    errors = [
        corner_errors(one.packet.xy, one.xy, TURN if len(one.xy) == len(TURN) else None)
        for one in judged
        if one.packet is not None and one.cards
    ]
    every = np.sort(np.concatenate([np.empty(0), *errors]))
    if not len(every):
        return False
    figure, axes = _figure("distance from the true corner, px", "share of the corners")
    bins = np.arange(0.0, up_to_px + 0.5, 1.0)
    weights = np.full(len(every), 1 / len(every))
    axes.hist(np.minimum(every, up_to_px), bins=bins, weights=weights, color="0.8")
    axes.step(every, np.arange(1, len(every) + 1) / len(every), where="post", color="C0")
    for px in (5, 10):
        axes.axvline(px, color="0.6", linewidth=1, linestyle=":")
        axes.annotate(f"{np.mean(every < px):.1%} < {px} px", (px + 0.3, 0.3), fontsize=8)
    axes.set_xlim(0, up_to_px)
    axes.set_ylim(0, 1.01)
    figure.savefig(path)
    return True


def _figure(x: str, y: str) -> tuple[Figure, Any]:
    """A figure of its own: pyplot would keep it in a global and ask for a screen."""
    figure = Figure(figsize=(6, 5), dpi=120, layout="constrained")
    axes = figure.add_subplot(xlabel=x, ylabel=y)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def write(folder: Path, engine: str, spec: ModelSpec, verdicts: dict[str, Verdict]) -> None:
    """Figures as `scores.json`; for each set its plots and its worst pictures, into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "scores.json").write_text(to_json(engine, verdicts), encoding="utf-8")
    for name, verdict in verdicts.items():
        plot_counts(verdict.judged, folder / f"{name}-count.png")
        plot_corners(verdict.judged, folder / f"{name}-corners.png")
        tiles = [
            (with_truth(draw(result, spec), judged.xy), caption(judged))
            for judged, result in verdict.worst
        ]
        if tiles:
            cv2.imwrite(str(folder / f"{name}-worst.png"), sheet(tiles))
