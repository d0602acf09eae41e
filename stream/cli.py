"""`kpstream`: words → what to open → one run. Parses, opens, runs; what it does is elsewhere.

Nothing heavy is imported before the words are understood, so that help and most mistakes are
answered at once.
"""

from __future__ import annotations

import argparse
import importlib
import io
import os
import signal
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import engines
from stream.arguments import (
    Parser,
    UsageError,
    add_source,
    check_output,
    check_source,
    input_files,
    one_line,
    open_source,
    seconds,
    whole_cards,
)
from stream.process import (
    Terminated,
    hold_what_is_closed,
    is_of_no_reader,
    is_unread,
    let_go,
    stops_heard,
)

if TYPE_CHECKING:
    from stream.decks import Deck
    from stream.frame import Sink, Source
    from stream.second_pass import SecondPass

COMMANDS = {
    "bench": "stream.bench.command",
    "calibrate": "stream.calibrate_command",
    "engines": "stream.engine_list",
}
"""A first word that is one of these is that command: its module's `main(words) -> exit code`."""

WANTS_A_FILE = "--second-pass reads its source twice and wants a video file"


def main(argv: Sequence[str] | None = None) -> int:
    """Words → exit code: 0 done, 1 failed, 2 wrong usage, 130 after Ctrl-C, 143 after SIGTERM.

    A reader of standard output who leaves, as `head` does, is no failure.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    hold_what_is_closed()
    try:
        with stops_heard():
            return _run(words)
    except Terminated:
        return 128 + signal.SIGTERM
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except Exception as error:  # noqa: BLE001 - the top: every error becomes one line
        if is_of_no_reader(error) and is_unread(sys.stdout):
            return 0
        with suppress(OSError):  # nobody reads of it, or the disk is full; the code tells still
            _tell(error)
        return 2 if isinstance(error, UsageError) else 1
    finally:
        let_go(sys.stdout)
        let_go(sys.stderr)


def _run(words: Sequence[str]) -> int:
    """The command that the words name, with all that it says on standard output → exit code."""
    if isinstance(sys.stdout, io.TextIOWrapper):  # as stderr: a name may hold what is no text
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        if words and words[0] in COMMANDS:
            command = importlib.import_module(COMMANDS[words[0]])
            code = int(command.main(words[1:]))
        else:
            code = stream(words)
    except SystemExit as end:  # how argparse leaves when it has printed its help
        code = int(end.code or 0)
    if sys.stdout is not None:
        sys.stdout.flush()  # what cannot be written is an error like any other
    return code


def _tell(error: Exception) -> None:
    if os.environ.get("KPSTREAM_TRACEBACK") == "1":
        traceback.print_exc()
    print(f"kpstream: error: {one_line(error)}", file=sys.stderr)


def stream(words: Sequence[str]) -> int:
    """The command without a name: keypoints and count of everything that a source shows."""
    args = _parser().parse_args(words)
    if args.version:
        print(f"kpstream {importlib.import_module('importlib.metadata').version('kpstream')}")
        return 0
    _check(args)
    from stream import deck_choice  # noqa: PLC0415
    from stream.choice import choose, opening  # noqa: PLC0415
    from stream.console import WAITING, Dashboard, Stderr, building  # noqa: PLC0415
    from stream.estimate import estimate  # noqa: PLC0415
    from stream.frame import STDOUT  # noqa: PLC0415
    from stream.pipeline import Finding, run  # noqa: PLC0415

    deck = deck_choice.chosen(args.deck, args.cards_in_deck)
    with ExitStack() as opened:
        source = opened.enter_context(closing(_source(args)))
        if args.second_pass and (source.info.live or source.info.stills):
            raise UsageError(f"{WANTS_A_FILE}, got {source.info.name}")
        show = _wants_window(args, live=source.info.live)
        if not (show or args.out or args.json):
            raise UsageError("nowhere to put the result: add --out FILE.mp4, --json FILE or --show")
        how = opening(live=source.info.live, progress=building)
        engine = opened.enter_context(closing(choose(args.model, args.engine, how)))
        deck.mention_another_camera(source.info, args.model)
        # before a first pass, for hours may go by in it
        wanted = _open_sinks(args, source, engine.spec, show=show)
        sinks = [opened.enter_context(closing(sink)) for sink in wanted]
        find: Finding = partial(estimate, deck=deck.known)
        waiting = WAITING
        if args.second_pass:
            passes = _first_pass(source, engine, deck.known)
            source = opened.enter_context(closing(open_source(args)))
            find = passes.second  # takes a second for a thousand frames to begin with
            waiting = f"putting {len(passes):,} frames together"
        # where lines go to the screen, what is drawn there would wipe them out
        console = Stderr(still=args.json == STDOUT and os.isatty(1))
        says = partial(_engine_says, engine)
        with Dashboard(source.info, says, console, waiting=waiting) as dashboard:
            opened.pop_all()  # from here on the run closes them
            run(source, engine, sinks, names=args.names, on_result=dashboard, find=find)
    return 0


def _first_pass(source: Source, engine: engines.Engine, deck: Deck | None) -> SecondPass:
    """A file, read to its end and closed, as is the engine → what was found in all of it."""
    from stream.console import Dashboard  # noqa: PLC0415
    from stream.pipeline import run  # noqa: PLC0415
    from stream.second_pass import SecondPass  # noqa: PLC0415

    passes = SecondPass(deck)
    info = replace(source.info, name=f"{source.info.name}, first pass")
    with Dashboard(info, partial(_engine_says, engine)) as dashboard:
        run(source, engine, [], on_result=dashboard, find=passes.first)
    return passes


def _engine_says(engine: engines.Engine) -> str:
    """What it says of itself, which may change, and its model's name."""
    return f"{engine}, {engine.spec.name}"


def _parser() -> Parser:
    parser = Parser(
        prog="kpstream",
        description="Find the eight corners of a packet of playing cards in video, and count it.",
        epilog="Commands: " + ", ".join(f"kpstream {name}" for name in COMMANDS),
    )
    add_source(parser)
    add = parser.add_argument
    add("--out", type=Path, metavar="FILE", help="write an annotated video, with its sound (.mp4)")
    add("--json", type=Path, metavar="FILE", help="write a line of JSON a frame; - is stdout")
    words = "a kind, as bridge or tarot (poker), or a deck that kpstream calibrate learnt"
    add("--deck", metavar="NAME", help=words)
    add("--cards-in-deck", type=whole_cards, metavar="N", help="no packet holds more than N cards")
    add(
        "--show",
        action=argparse.BooleanOptionalAction,
        help="open a window; what is live has one where there is a display, a file has none",
    )
    words = "for a file: find in all of it first, then write, so that nothing lags or has to settle"
    add("--second-pass", action="store_true", help=words)
    words = "how long a camera or stream that broke off is waited for; 0: not at all (300)"
    add("--wait", type=seconds, metavar="S", default=300.0, help=words)
    add("--names", action="store_true", help="write the corners' names into the picture")
    add("--version", action="store_true", help="print the version and stop")
    return parser


def _check(args: argparse.Namespace) -> None:
    """Raise for what can be known to be wrong before anything is opened. UsageError, OSError."""
    from stream.frame import STDOUT  # noqa: PLC0415

    check_source(args)
    if args.second_pass and (args.camera is not None or not Path(args.source).is_file()):
        raise UsageError(f"{WANTS_A_FILE}, got {args.source or f'camera {args.camera}'}")
    written = args.out or args.json  # else a folder need not be looked through twice
    inputs = [("the input", path) for path in (input_files(args.source) if written else [])]
    inputs.append(("the model", args.model))
    outputs = {"--out": args.out, "--json": None if args.json == STDOUT else args.json}
    for option, path in outputs.items():
        if path is not None:
            check_output(option, path, inputs)
            inputs.append((f"the file of {option}", path))


def _source(args: argparse.Namespace) -> Source:
    """What is named, opened; what is live comes back if it breaks off."""
    source = open_source(args)
    if not source.info.live:
        return source
    from stream.returning import Returning  # noqa: PLC0415

    return Returning(source, partial(open_source, args), wait_s=args.wait)


def _wants_window(args: argparse.Namespace, *, live: bool) -> bool:
    """A window if asked for; unasked, for what is live, where there is a display."""
    if args.show is not None or not live:
        return bool(args.show)
    window = importlib.import_module("stream.sinks.window")
    return bool(window.has_display())


def _open_sinks(
    args: argparse.Namespace, source: Source, spec: engines.ModelSpec, *, show: bool
) -> Iterator[Sink]:
    """The outputs asked for, opened one at a time so that each is owned before the next."""
    # The one that overwrites a file at once comes last, when nothing more can go wrong.
    if show:
        from stream.sinks import window  # noqa: PLC0415

        yield window.open_sink(f"kpstream {source.info.name}")
    if args.out is not None:
        from stream.sinks import video  # noqa: PLC0415

        yield video.open_sink(args.out, source.info)
    if args.json is not None:
        from stream.sinks import jsonl  # noqa: PLC0415

        alone = not show and args.out is None
        yield jsonl.open_sink(args.json, spec, live=source.info.live, alone=alone)
