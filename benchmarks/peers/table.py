"""What was measured → the Markdown that docs/benchmarks.md holds."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

from contenders import QUESTIONS, Contender

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
    return "\n\n".join(
        (
            head,
            _rows(
                _FIGURES, [_figures(rounds[c.name], rounds[ours.name], c.name) for c in all_of_them]
            ),
            _rows(
                ("", *(c.name for c in all_of_them)),
                [
                    *([q, *(c.does[i] for c in all_of_them)] for i, q in enumerate(QUESTIONS)),
                    *_measured_facts(rounds, clip, [c.name for c in all_of_them]),
                ],
            ),
        )
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
    ]


def _spread(ratios: list[float]) -> str:
    """Ratios of the rounds → their median, and the lowest and highest."""
    return f"{statistics.median(ratios):.2f} × ({min(ratios):.2f} to {max(ratios):.2f})"


def _measured_facts(
    rounds: dict[str, list[Round]], clip: dict[str, Any], names: list[str]
) -> list[list[str]]:
    """What the written files say of the programs, a row a question."""
    last = [rounds[name][-1] for name in names]
    frames = clip["frames"]
    return [
        ["found something", *(f"in {r['found']} of {frames} frames" for r in last)],
        ["wrote", *(f"{r['codec']}, {r['written_mb']:.1f} MB" for r in last)],
        ["sound", *("kept" if r["sound"] else "lost" for r in last)],
        ["dropped", *(f"{frames - r['frames']}" for r in last)],
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
