"""`kpstream bench`: words → a measurement or a comparison, printed, and written if asked."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import engines
from stream.arguments import (
    Parser,
    UsageError,
    check_model,
    check_output,
    input_files,
    local_path,
)

if TYPE_CHECKING:
    from stream.bench.rounds import Plan

SIZES = {"640x480": (480, 640), "1280x720": (720, 1280), "1920x1080": (1080, 1920)}
LIVE_SECONDS = 30.0
LIVE_ROUNDS, ROUNDS = 1, 3


def main(words: Sequence[str]) -> int:
    """Words → tables on stdout. Exit code 0; what goes wrong is raised."""
    args = _parser().parse_args(words)
    _check(args)
    if args.compare:
        return _compare(*args.compare)
    from stream.bench import document, table  # noqa: PLC0415
    from stream.bench.rounds import Bench  # noqa: PLC0415
    from stream.console import Stdout  # noqa: PLC0415

    bench = Bench(_plan(args))
    stopped: KeyboardInterrupt | None = None
    try:
        bench.run()
    except KeyboardInterrupt as error:
        stopped = error
    report = bench.report(complete=stopped is None)
    if report is not None:
        try:
            if args.json:
                document.write(report, args.json)
        finally:  # whatever becomes of the file, the figures were measured
            table.show(report, Stdout())
    if stopped is not None:
        raise stopped
    return 0


def _plan(args: argparse.Namespace) -> Plan:
    """The words → what is to be measured, with what they leave open."""
    from stream.bench.rounds import Plan  # noqa: PLC0415

    return Plan(
        source=args.source,
        live=args.live,
        engines=tuple(args.engine or ["auto"]),
        model=args.model,
        rounds=args.rounds or (LIVE_ROUNDS if args.live else ROUNDS),
        seconds=args.seconds or (LIVE_SECONDS if args.live else None),
        size_hw=SIZES[args.size or "1280x720"],
        fps=float(args.fps or 30),
        show=args.show,
    )


def _parser() -> Parser:
    parser = Parser(
        prog="kpstream bench",
        description="Measure what each stage costs on this machine, end to end and in memory. "
        "Without SOURCE it films a rendered packet.",
        epilog="After Ctrl-C it prints what it has measured so far.",
    )
    add = parser.add_argument
    add(
        "source",
        nargs="?",
        type=local_path,
        metavar="SOURCE",
        help="what kpstream takes: a clip, pictures, synth:",
    )
    add("--live", action="store_true", help="a paced camera, and how old each frame is when shown")
    known = ["auto", *engines.names()]
    add("--engine", action="append", choices=known, help="again for another, measured in turns")
    add("--model", type=Path, metavar="FILE", default=engines.DEFAULT_MODEL, help="as kpstream")
    add("--rounds", type=_positive, metavar="N", help="runs of each engine (3, with --live 1)")
    add("--seconds", type=_seconds, metavar="S", help="end a run after so long (with --live 30)")
    add("--size", choices=SIZES, help="of what is rendered (1280x720)")
    add("--fps", choices=["30", "60"], help="of what is rendered (30)")
    add("--show", action="store_true", help="with --live: in a window")
    add("--json", type=Path, metavar="FILE", help="write the figures as JSON")
    add("--compare", type=Path, nargs=2, metavar="FILE", help="two such files beside each other")
    return parser


def _positive(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and 1 <= int(text) <= 1000):
        raise argparse.ArgumentTypeError(f"rounds are 1 to 1000, got {text!r}")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 1 <= seconds <= 86_400:
        raise argparse.ArgumentTypeError(f"seconds are 1 to 86400, got {text!r}")
    return seconds


def _check(args: argparse.Namespace) -> None:
    """Raise for what can be known to be wrong before anything is measured. UsageError, OSError."""
    if args.compare:
        given = {name for name, value in vars(args).items() if value and name != "model"}
        if given != {"compare"}:
            raise UsageError("--compare reads two files and measures nothing: give nothing else")
        return
    rendered = next((name for name in ("live", "size", "fps") if getattr(args, name)), None)
    if args.source is not None and rendered is not None:
        raise UsageError(f"--{rendered} is for what is rendered: leave out {args.source}")
    if args.show and not args.live:
        raise UsageError("--show goes with --live: a clip is written to a file")
    if args.show:
        _check_display()
    check_model(args.model)
    if args.json is not None:
        inputs = [("the input", path) for path in input_files(args.source)]
        check_output("--json", args.json, [*inputs, ("the model", args.model)])


def _check_display() -> None:
    from stream.sinks.window import has_display  # noqa: PLC0415

    if not has_display():
        raise OSError("there is no display for a window: leave out --show")


def _compare(a: Path, b: Path) -> int:
    """Two files that `--json` wrote → their figures beside each other."""
    from stream.bench import document, table  # noqa: PLC0415
    from stream.console import Stdout  # noqa: PLC0415

    table.show_pair(document.read(a), document.read(b), (str(a), str(b)), Stdout())
    return 0
