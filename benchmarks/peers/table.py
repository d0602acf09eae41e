"""What was measured → the Markdown that docs/benchmarks.md holds."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

from contenders import FACTS, Contender

Round = dict[str, Any]


def markdown(report: dict[str, Any], all_of_them: Sequence[Contender]) -> str:
    """The report that run.py also writes as JSON → a line on the machine and two tables."""
    rounds: dict[str, list[Round]] = report["rounds"]
    machine, clip = report["machine"], report["clip"]
    ours, *_ = all_of_them
    head = (
        f"{machine['cpu']}, {machine['cores']} cores, {machine['system']}; {clip['what']}, "
        f"{clip['width']} × {clip['height']}, {clip['frames']} frames; medians of "
        f"n = {len(rounds[ours.name])} rounds, in each of which every program ran once, in random "
        "order; in brackets the lowest and the highest round."
    )
    figures = [_figures(rounds[one.name], rounds[ours.name], one.name) for one in all_of_them]
    first, *facts = ([question, *answers] for question, answers in FACTS.items())
    measured = _measured_facts({one.program: rounds[one.name][-1] for one in all_of_them}, clip)
    return "\n\n".join(
        (head, _versions(report), _rows(_FIGURES, figures), _rows(first, [*facts, *measured]))
    )


_FIGURES = (
    "program",
    "fps, whole process",
    "kpstream is faster by",
    "fps once running",
    "kpstream is faster by",
    "CPU ms a frame",
    "cores busy",
    "peak memory, MB",
    "wrote",
)


def _figures(mine: list[Round], ours: list[Round], name: str) -> list[str]:
    """A program's rounds, kpstream's rounds → its row of figures."""
    cells = [name]
    for key in ("fps", "steady_fps"):
        ratios = [our[key] / my[key] for our, my in zip(ours, mine, strict=True)]
        cells += [f"{_median(mine, key):.1f}", _spread(ratios) if mine is not ours else "–"]
    return [
        *cells,
        f"{_median(mine, 'cpu_ms'):.1f}",
        f"{_median(mine, 'cores_busy'):.2f}",
        f"{_median(mine, 'peak_mb'):.0f}",
        f"{mine[0]['codec']}, {mine[0]['written_mb']:.1f} MB",
    ]


def _spread(ratios: list[float]) -> str:
    """Ratios of the rounds → their median, and the lowest and highest."""
    return f"{statistics.median(ratios):.2f} × ({min(ratios):.2f} to {max(ratios):.2f})"


def _measured_facts(last: dict[str, Round], clip: dict[str, Any]) -> list[list[str]]:
    """A written video of each program of `FACTS` → what it says of it, a row a question."""
    frames = clip["frames"]
    columns = [last[program] for program in FACTS[""]]
    sound = {True: "kept", False: "lost"} if clip["sound"] else {False: "none to keep"}
    return [
        ["found something", *(f"in {one['found']} of {frames} frames" for one in columns)],
        ["sound", *(sound[one["sound"]] for one in columns)],
        ["dropped", *(str(frames - one["frames"]) for one in columns)],
    ]


def _versions(report: dict[str, Any]) -> str:
    """Programs and the versions of what they ran on, and the engine that kpstream named."""
    told = [
        f"{who}: {', '.join(f'{name} {version}' for name, version in versions.items())}"
        for who, versions in report["versions"].items()
    ]
    return f"{'; '.join(told)}. kpstream's last line: `{report['kpstream_said']}`."


def _median(rounds: list[Round], key: str) -> float:
    return float(statistics.median(r[key] for r in rounds))


def _rows(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Cells → a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
