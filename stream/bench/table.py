"""Reports → what is read at a terminal: facts, an overview, a table of stages. 80 columns do."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

from rich import box
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from stream.bench.compare import incomparable, numbered, pairs, remarkable
from stream.bench.figures import paired_ratio
from stream.bench.report import Measured, Report, Times

LEAST_MS = 0.01
"""A stage that takes less does nothing worth a rate or a ratio."""

_END = "end to end"

Entry = tuple[str, Measured]
_OUTPUTS = {
    "video": "written to a video file",
    "display": "drawn for a display without a screen",
    "window": "shown in a window",
}


def show(report: Report, console: Console) -> None:
    """Print a report."""
    names = numbered([engine.engine for engine in report.engines])
    entries = list(zip(names, report.engines, strict=True))
    console.print(_facts(report, entries))
    _print_tables(entries, report, console, paired=True)


def show_pair(a: Report, b: Report, names: tuple[str, str], console: Console) -> None:
    """Print two reports beside each other, and first of all whether that makes sense."""
    dated = zip("AB", names, (a, b), strict=True)
    console.print(_list([f"{x}  {name}, of {report.measured_at}" for x, name, report in dated]))
    differences = incomparable(a, b)
    if differences:
        console.print(Text("Not comparable: what was measured differs, A | B", "bold red"))
        console.print(_list(differences))
    others = remarkable(a, b)
    if others:
        console.print(Text("Also different, A | B", "bold"))
        console.print(_list(others))
    for one, other in pairs(a, b):
        entries = [("A", one), ("B", other)]
        console.print(_list([f"{name}  {m.engine}: {m.label}" for name, m in entries]))
        _print_tables(entries, a, console, paired=False)


def _print_tables(
    entries: Sequence[Entry], report: Report, console: Console, *, paired: bool
) -> None:
    console.print(_overview(entries, live=report.source.live, paired=paired))
    console.print(_stages(entries))


def _list(lines: Sequence[str]) -> RenderableType:
    return Text("\n".join(f"  {line}" for line in lines))


def _facts(report: Report, entries: Sequence[Entry]) -> RenderableType:
    """What was measured, on what and how, a line each."""
    machine, model, source = report.machine, report.model, report.source
    gpus = "".join(f", {gpu}" for gpu in machine.gpus)
    size = f"{source.width}x{source.height}"
    shown = "" if source.width is None or size in source.name else f", {size}"
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim")
    grid.add_column(overflow="fold")
    grid.add_row(
        "machine",
        f"{machine.cpu}, {_cores(machine.cores)}, {machine.memory_mb / 1000:.0f} GB{gpus}",
    )
    grid.add_row("system", f"{machine.system}, {machine.python}, kpstream {report.kpstream}")
    grid.add_row("model", f"{model.name}, sha256 {model.sha256[:12]}")
    grid.add_row("source", f"{source.name}{shown}, {_OUTPUTS[report.settings.output]}")
    for name, found in entries:
        grid.add_row("engine", f"{name}: {found.label}")
    grid.add_row("measured", _method(entries))
    if not report.complete:
        grid.add_row("", Text("stopped before the end: these are the figures so far", "bold"))
    return grid


def _method(entries: Sequence[Entry]) -> str:
    counts = [len(found.rounds) for _, found in entries]
    rounds = f"{max(counts)} rounds" if max(counts) > 1 else "1 round"
    turns = " in turns, each" if len(counts) > 1 else ", each" if max(counts) > 1 else ","
    warm_up = max(run.warm_up_frames for _, found in entries for run in found.rounds)
    lost = sum(run.dropped_warm_up for _, found in entries for run in found.rounds)
    return (
        f"{rounds}{turns} in a process of its own; the first {warm_up} frames of each are warm-up "
        f"and not counted" + (f" ({lost} were dropped)" if lost else "")
    )


def _cores(cores: int) -> str:
    return "1 core" if cores == 1 else f"{cores} cores"


def _overview(entries: Sequence[Entry], *, live: bool, paired: bool) -> Table:
    """What holds for a run as a whole: a row a figure, a column an engine."""
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("")
    for name, _ in entries:
        table.add_column(name, justify="right")
    camera = all(found.camera is not None for _, found in entries)
    rounds = max(len(found.rounds) for _, found in entries)
    for title, words in _rows(live=live, camera=camera, rounds=rounds):
        table.add_row(title, *(words(found) for _, found in entries))
        if title == "fps" and len(entries) > 1:
            ratios = [_fps_ratio(found, entries[0][1], paired=paired) for _, found in entries]
            table.add_row(f"  × {entries[0][0]}", *(f"{ratio:.2f}" for ratio in ratios))
    return table


def _rows(
    *, live: bool, camera: bool, rounds: int
) -> Iterator[tuple[str, Callable[[Measured], str]]]:
    yield "frames counted", lambda m: str(m.age.n)
    yield "fps", lambda m: number(m.fps.median)
    if rounds > 1:
        yield "  slowest round", lambda m: number(m.fps.low)
        yield "  fastest round", lambda m: number(m.fps.high)
    if camera:
        yield "dropped by the program", lambda m: str(m.dropped - _skipped(m))
        yield "dropped, camera too late", lambda m: str(_skipped(m))
        yield "camera late, p95 ms", lambda m: number(m.camera.late.p95_ms if m.camera else 0)
        yield "  at most ms", lambda m: number(m.camera.late.max_ms if m.camera else 0)
    else:
        yield "dropped", lambda m: str(m.dropped)
    if live:
        yield "age, first to last fifth", lambda m: f"{m.age_growth.ms:+.1f} ms"
        yield "  that is", lambda m: f"{m.age_growth.ms_per_min:+.1f} ms/min"
    yield "CPU ms a frame", lambda m: number(m.cpu_ms_per_frame)
    yield "  of all cores", lambda m: _percent(m.cpu_share)
    yield "  all else took", lambda m: _percent(m.others_share)
    yield "memory resident MB", lambda m: number(m.resident_mb)
    if camera:
        yield "  of it the camera's", lambda m: number(m.camera.pictures_mb if m.camera else 0)
    yield "  at most MB", lambda m: number(m.peak_mb)
    yield "first frame after s", lambda m: f"{m.first_frame_s:.2f}"


def _stages(entries: Sequence[Entry]) -> Table:
    """Times by stage: a row a stage and engine, so that they stand below each other."""
    several = len(entries) > 1
    table = Table(box=box.SIMPLE_HEAD, caption=_caption(entries), caption_justify="left")
    table.add_column("stage")
    if several:
        table.add_column("", style="dim")
    for title in ("p50 ms", "p95 ms", "p99 ms", "max ms", "alone fps"):
        table.add_column(title, justify="right")
    if several:
        table.add_column(f"× {entries[0][0]}", justify="right")
    known = dict.fromkeys(stage for _, found in entries for stage in found.stages)
    for stage in [*known, _END]:
        taken = [(name, m.age if stage == _END else m.stages.get(stage)) for name, m in entries]
        first, title = taken[0][1], stage
        for row, (name, times) in enumerate(taken):
            if times is None:
                continue
            cells = [title, *([name] if several else []), *_cells(times)]
            cells.append("" if stage == _END else number(_alone(times.p50_ms)))
            if several and row > 0 and first is not None:
                cells.append(_ratio(times.p50_ms, first.p50_ms))
            table.add_row(*cells)
            title = ""
    return table


def _caption(entries: Sequence[Entry]) -> str:
    counts = sorted({found.age.n for _, found in entries})
    return f"n = {' and '.join(map(str, counts))} frames; alone fps: 1 / p50, this stage on its own"


def _cells(times: Times) -> list[str]:
    return [number(ms) for ms in (times.p50_ms, times.p95_ms, times.p99_ms, times.max_ms)]


def _fps_ratio(found: Measured, first: Measured, *, paired: bool) -> float:
    """Round by round where rounds were taken in turns, else of the medians."""
    if paired:
        return paired_ratio([r.fps for r in found.rounds], [r.fps for r in first.rounds])
    return found.fps.median / first.fps.median


def _skipped(found: Measured) -> int:
    return 0 if found.camera is None else found.camera.skipped


def _alone(ms: float) -> float:
    """Frames a second of a stage with nothing else to wait for; of next to no time, none."""
    return 1000 / ms if ms >= LEAST_MS else math.nan


def _ratio(value: float, first: float) -> str:
    return f"{value / first:.2f}" if first >= LEAST_MS else number(math.nan)


def _percent(share: float) -> str:
    return f"{number(100 * share)} %"


def number(value: float) -> str:
    """Three digits that matter, no exponent; a dash for what is not known."""
    if not math.isfinite(value):
        return "–"
    size = abs(value)
    return f"{value:.{2 if size < 10 else 1 if size < 100 else 0}f}"
