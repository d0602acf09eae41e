"""What the protocols measured → a page that stands alone, JSON, a table for the console."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Iterator
from dataclasses import asdict
from html import escape
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from engines.spec import ModelSpec
from stream.draw import draw
from stream.frame import Result
from train import plots
from train.doubt import Figure
from train.metrics import Judged, errors_of
from train.protocols import TARGETS, Outcome, Outcomes, Target
from train.sheet import with_truth

Image = NDArray[np.uint8]

HELD = "interval holds"
_WANTED = next((target.low, target.high) for target in TARGETS if target.figure == HELD)
_TILE_PX = 420  # width of a worst picture on the page

_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 2em auto; max-width: 1340px; padding: 0 1em }
table { border-collapse: collapse; margin: 1em 0 } th { text-align: left }
td, th { padding: .2em .8em; border-bottom: 1px solid #ddd } td.n { text-align: right }
.yes { color: #06630f } .no { color: #b00d0d } .plots img { max-width: 100%; vertical-align: top }
.worst { display: flex; flex-wrap: wrap; gap: 10px } figure { margin: 0; width: 420px }
figcaption { font-size: 13px } h2 { margin-top: 2em; border-top: 2px solid #333 }
"""


def measured(figure: Figure) -> str:
    """A figure with its interval, for people: `2.31 [1.9, 2.8]`; a dash for none."""
    if math.isnan(figure.value):
        return "–"
    shown = "{:.1%}" if figure.share else "{:.2f}"
    text = shown.format(figure.value)
    if math.isnan(figure.low):
        return text
    return f"{text} [{shown.format(figure.low)}, {shown.format(figure.high)}]"


def wanted(target: Target, *, share: bool) -> str:
    """What a target asks for: `≤ 1.6`, `≥ 75%`, `88% to 94%`."""
    shown = "{:.0%}" if share else "{:g}"
    if math.isinf(target.low):
        return "≤ " + shown.format(target.high)
    if math.isinf(target.high):
        return "≥ " + shown.format(target.low)
    return f"{shown.format(target.low)} to {shown.format(target.high)}"


def met(target: Target, figure: Figure) -> str:
    """Whether a figure meets its target; with a `?` if its interval lies on both sides."""
    if math.isnan(figure.value):
        return "not measured"
    inside = target.low <= figure.low and figure.high <= target.high
    outside = figure.high < target.low or figure.low > target.high
    sure = math.isnan(figure.low) or inside or outside
    return ("met" if target.met(figure.value) else "not met") + ("" if sure else "?")


def against_targets(outcomes: Outcomes) -> Iterator[tuple[Target, Figure]]:
    """The targets of the protocols that were run, each with the figure it is about."""
    for target in TARGETS:
        if outcome := outcomes.measured.get(target.protocol):
            missing = Figure(math.nan, math.nan, math.nan, 0, 0)
            yield target, outcome.figures.get(target.figure, missing)


def table(outcomes: Outcomes) -> Table:
    """What was asked for and what was measured, for the console."""
    shown = Table("protocol", "figure", "target", "measured [95 %]", "n", "")
    shown.caption = "?: the interval lies on both sides of the target"
    for target, figure in against_targets(outcomes):
        asked = wanted(target, share=figure.share)
        row = (measured(figure), str(figure.n), met(target, figure))
        shown.add_row(target.protocol, target.figure, asked, *row)
    return shown


def to_json(about: dict[str, str], outcomes: Outcomes) -> str:
    """Every figure → JSON text; what could not be measured is null."""
    targets = [
        {**plain(asdict(target)), "measured": _number(figure.value), "said": met(target, figure)}
        for target, figure in against_targets(outcomes)
    ]
    protocols = {
        name: {which: plain(asdict(figure)) for which, figure in outcome.figures.items()}
        for name, outcome in outcomes.measured.items()
    }
    every = {"about": about, "targets": targets, "protocols": protocols}
    return json.dumps(every | {"skipped": outcomes.skipped}, indent=1, allow_nan=False)


def plain(values: dict[str, object]) -> dict[str, object]:
    """Values of a figure → as JSON has them, in which there is no NaN and nothing infinite."""
    return {k: _number(v) if isinstance(v, float) else v for k, v in values.items()}


def _number(value: float) -> float | None:
    return round(value, 5) if math.isfinite(value) else None


def caption(judged: Judged) -> str:
    """What is true and what was said of a picture, in one line."""
    truth = judged.truth
    said = "no packet" if judged.packet is None else "a packet"
    if judged.count is not None:
        said = f"{judged.count.median:.1f} ({judged.count.low} to {judged.count.high})"
    line = f"{truth.name}: {f'{truth.cards} cards' if truth.cards else 'no packet'}, said {said}"
    if judged.packet is not None and len(errors := errors_of(judged)):
        line += f", corners off by {np.median(errors):.1f} px, the worst by {errors.max():.0f} px"
    return line


def close_up(judged: Judged, result: Result, spec: ModelSpec) -> Image:
    """The drawn frame with the true corners, cut to the packet where there is one."""
    picture = with_truth(draw(result, spec), judged.truth.xy)
    points = judged.truth.xy[np.isfinite(judged.truth.xy).all(axis=1)]
    if len(points):
        if judged.packet is not None:
            found = judged.packet.xy
            points = np.concatenate([points, found[np.isfinite(found).all(axis=1)]])
        low, high = points.min(axis=0), points.max(axis=0)
        room = 0.3 * float((high - low).max()) + 20
        x, y = np.maximum(low - room, 0).astype(int)
        right, below = np.ceil(high + room).astype(int)
        picture = picture[y : below + 1, x : right + 1]
    scale = _TILE_PX / picture.shape[1]
    size = (_TILE_PX, max(1, round(scale * picture.shape[0])))
    flag = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(picture, size, interpolation=flag), np.uint8)


def write(folder: Path, about: dict[str, str], spec: ModelSpec, outcomes: Outcomes) -> None:
    """`report.html`, which needs no other file, and `scores.json`, into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "scores.json").write_text(to_json(about, outcomes), encoding="utf-8")
    page = "\n".join(_page(about, spec, outcomes))
    (folder / "report.html").write_text(page, encoding="utf-8")


def _page(about: dict[str, str], spec: ModelSpec, outcomes: Outcomes) -> Iterator[str]:
    yield '<!doctype html><html lang="en"><meta charset="utf-8"><title>kpstream-train eval</title>'
    yield f"<style>{_STYLE}</style><h1>{escape(spec.name)}</h1>"
    yield from _rows([[escape(k), escape(v)] for k, v in about.items()])
    yield "<h2>Targets</h2>"
    yield from _rows([_target_row(*pair) for pair in against_targets(outcomes)], _TARGET_HEAD)
    yield _DOUBT
    held = {name: o.figures[HELD] for name, o in outcomes.measured.items() if HELD in o.figures}
    yield from _plots([plots.coverage(held, _WANTED)])
    shown: set[str] = set()
    for name, outcome in outcomes.measured.items():
        yield from _section(name, outcome, spec, again=outcome.protocol.set in shown)
        shown.add(outcome.protocol.set)
    yield "</html>"


_TARGET_HEAD = ("protocol", "figure", "target", "measured [95 %]", "n", "clips", "")
_DOUBT = (
    "<p>Intervals are of 95 %: of a share Wilson's, of a mean the bootstrap's, both by clip, as "
    "the frames of one clip err together. A packet that was missed counts as 0 cards, with every "
    "corner infinitely far off. A question mark: the interval lies on both sides of the "
    "target.</p>"
)


def _target_row(target: Target, figure: Figure) -> list[str]:
    said = met(target, figure)
    colour = "yes" if said.startswith("met") else "no"
    row = [target.protocol, target.figure, wanted(target, share=figure.share), measured(figure)]
    return [*map(escape, row), str(figure.n), str(figure.clips), f'<b class="{colour}">{said}</b>']


def _section(name: str, outcome: Outcome, spec: ModelSpec, *, again: bool) -> Iterator[str]:
    yield f"<h2>{escape(name)}</h2><p>{escape(outcome.protocol.says)}</p>"
    rows = [
        [escape(which), measured(figure), str(figure.n), str(figure.clips)]
        for which, figure in outcome.figures.items()
    ]
    yield from _rows(rows, ("figure", "measured [95 %]", "n", "clips"))
    if outcome.verdict is None or again:
        return
    judged = outcome.verdict.judged
    made = (plots.counts, plots.intervals, plots.corners, plots.presence)
    yield from _plots([plot(judged) for plot in made])
    if outcome.verdict.worst:
        yield '<h3>The worst</h3><p>Crosses: the true corners.</p><div class="worst">'
        for one, result in outcome.verdict.worst:
            done, data = cv2.imencode(".jpg", close_up(one, result, spec))
            image = _inline(data.tobytes() if done else b"", "jpeg")
            yield f"<figure>{image}<figcaption>{escape(caption(one))}</figcaption></figure>"
        yield "</div>"


def _plots(made: list[bytes | None]) -> Iterator[str]:
    yield f'<p class="plots">{"".join(_inline(png, "png") for png in made if png)}</p>'


def _inline(data: bytes, kind: str) -> str:
    return f'<img alt="" src="data:image/{kind};base64,{base64.b64encode(data).decode()}">'


def _rows(rows: list[list[str]], head: tuple[str, ...] = ()) -> Iterator[str]:
    yield "<table>"
    if head:
        yield f"<tr>{''.join(f'<th>{cell}</th>' for cell in head)}</tr>"
    for row in rows:
        yield f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>"
    yield "</table>"
