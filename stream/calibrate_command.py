"""`kpstream calibrate`: a packet that was counted by hand → what is known of its deck, kept."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from stream.arguments import Parser, UsageError, add_source, check_source, open_source, whole_cards

if TYPE_CHECKING:
    from stream.calibration import Calibration, Record
    from stream.frame import Sink, SourceInfo

NAME = "mine"


def main(words: Sequence[str]) -> int:
    """Words → a line or two on stdout. Exit code 0; what is refused is raised, and not kept."""
    args = _parser().parse_args(words)
    from stream import calibration, deck_file  # noqa: PLC0415

    if args.list:
        return _list(args.deck)
    name = NAME if args.deck is None else args.deck
    if args.forget is not None:
        return _forget(name, args.forget)
    _check(args, name)
    known = _known(args, name)
    packet = _measured(args, known)
    reason = calibration.objection(known, packet)
    if reason is not None and not args.force:
        raise ValueError(f"{reason}; nothing is kept")
    decks = deck_file.read_decks()  # again: others may have been kept, or forgotten, meanwhile
    known = decks.get(name, replace(known, records=()))
    decks[name] = replace(known, records=(*known.records, packet))
    deck_file.keep_decks(decks)
    _tell(name, decks[name])
    return 0


def _parser() -> Parser:
    parser = Parser(
        prog="kpstream calibrate",
        description="Learn how thick a card of your deck is, from a packet that you counted.",
        epilog="With a camera it says when to lift the packet, and ends by itself. Ctrl-C keeps "
        "nothing.",
    )
    add_source(parser)
    add = parser.add_argument
    add("--cards", type=whole_cards, metavar="N", help="how many cards the packet has")
    add("--deck", metavar="NAME", help=f"what to call the deck ({NAME})")
    add("--kind", metavar="KIND", help="the size of its cards, as bridge or tarot (poker)")
    add("--force", action="store_true", help="keep it, however unlikely its count is")
    add("--list", action="store_true", help="say what is known, of --deck NAME or of all")
    add(
        "--forget",
        type=whole_cards,
        nargs="?",
        const=0,
        metavar="K",
        help="take packet K of --list back, the last one unasked",
    )
    return parser


def _check(args: argparse.Namespace, name: str) -> None:
    """Raise for what can be known to be wrong before anything is opened. UsageError, OSError."""
    from stream.deck_file import check_name  # noqa: PLC0415
    from stream.decks import DECKS  # noqa: PLC0415

    check_source(args)
    if args.cards is None:
        raise UsageError("how many cards does the packet have? Count them, and add --cards N")
    if args.kind is not None and args.kind not in DECKS:
        raise UsageError(f"--kind is one of {', '.join(DECKS)}, got {args.kind!r}")
    try:
        check_name(name)
    except ValueError as error:
        raise UsageError(str(error)) from error


def _known(args: argparse.Namespace, name: str) -> Calibration:
    """What the user's file says of the deck; a new one of the kind asked for."""
    from stream.calibration import Calibration  # noqa: PLC0415
    from stream.deck_file import read_decks  # noqa: PLC0415

    known = read_decks().get(name)
    if known is None:
        return Calibration(args.kind or "poker")
    if args.kind not in (None, known.kind):
        raise UsageError(
            f"{name} is known as a {known.kind} deck, not {args.kind}: name another --deck"
        )
    return known


def _measured(args: argparse.Namespace, known: Calibration) -> Record:
    """Open what the words name, look at it until it is enough → the record."""
    from stream.calibrate_console import Guide  # noqa: PLC0415
    from stream.choice import choose, opening  # noqa: PLC0415
    from stream.console import building  # noqa: PLC0415
    from stream.deck_choice import called  # noqa: PLC0415
    from stream.decks import DECKS  # noqa: PLC0415
    from stream.estimate import estimate  # noqa: PLC0415
    from stream.measure import Measure, record  # noqa: PLC0415
    from stream.packet import KEYPOINTS  # noqa: PLC0415
    from stream.pipeline import run  # noqa: PLC0415

    with ExitStack() as opened:
        source = opened.enter_context(closing(open_source(args)))
        info = source.info
        how = opening(live=info.live, progress=building)
        engine = opened.enter_context(closing(choose(args.model, args.engine, how)))
        if engine.spec.keypoints != KEYPOINTS:
            raise UsageError(f"{args.model} is no model of packets: calibrate without --model")
        measure = Measure(DECKS[known.kind], stills=info.stills)
        sinks = [opened.enter_context(closing(sink)) for sink in _windows(info)]
        with Guide(info, measure) as guide:
            opened.pop_all()  # from here on the run closes them
            run(source, engine, sinks, find=partial(estimate, body=False), on_result=guide)
    return record(
        measure,
        args.cards,
        known.kind,
        engine.spec.max_cards,
        source=info.name,
        when=datetime.now().astimezone().isoformat(timespec="minutes"),
        model=called(args.model),
    )


def _windows(info: SourceInfo) -> Iterator[Sink]:
    """What is live is seen, where there is a display."""
    if info.live:
        from stream.sinks import window  # noqa: PLC0415

        if window.has_display():
            yield window.open_sink(f"kpstream calibrate {info.name}")


def _tell(name: str, known: Calibration) -> None:
    """What was learnt, in plain words."""
    from stream.calibration import error_cards  # noqa: PLC0415

    deck, last = known.deck(), known.records[-1]
    times = "once" if len(last.layings_mm) == 1 else f"{len(last.layings_mm)} times"
    print(f"{last.cards} cards, laid down {times}: {last.thickness_mm:.1f} mm thick")
    print(f"{name}: a card of this deck is {deck.card_mm:.3f} mm thick (± {deck.card_sd_mm:.3f})")
    counts = sorted({max(1, last.cards // 2), last.cards})
    errors = " and ".join(f"± {error_cards(deck, n):.1f} at {n} cards" for n in counts)
    print(f"by thickness counts will be right to {errors}, nine times in ten")
    if len(known.records) == 1:
        half = f"--cards {counts[0]} --deck {name}" if counts[0] < last.cards else "more cards"
        print(f"surer yet: square it up, lay it down anew and calibrate again; then with {half}")


def _list(name: str | None) -> int:
    """Say what is known of each deck, or of one. Exit code 0, also where nothing is."""
    from stream.deck_file import config_file, read_decks  # noqa: PLC0415

    decks = read_decks()
    for each in decks if name is None else [_there(decks, name)]:
        known = decks[each]
        deck = known.deck()
        print(
            f"{each}: {known.kind}, a card {deck.card_mm:.3f} ± {deck.card_sd_mm:.3f} mm, slack "
            f"{deck.slack_mm:.2f} ± {deck.slack_sd_mm:.2f} mm, the network's count × "
            f"{deck.network_ratio:.2f} ± {deck.network_ratio_sd:.2f}"
        )
        for number, one in enumerate(known.records, 1):
            height, width = one.frame_hw
            print(
                f"  {number}  {one.when}  {one.cards} cards  {one.thickness_mm:.2f} mm, laid "
                f"{len(one.layings_mm)} ×  {one.source}  {width}x{height}  {one.model}"
            )
    if not decks:
        print(f"no deck is known yet ({config_file()}): kpstream calibrate --camera 0 --cards 52")
    return 0


def _forget(name: str, number: int) -> int:
    """Take a packet back, by its number in the list; 0: the last. The deck goes with its last."""
    from stream.deck_file import keep_decks, read_decks  # noqa: PLC0415

    decks = read_decks()
    records = list(decks[_there(decks, name)].records)
    if number > len(records):
        raise UsageError(f"{name} rests on {len(records)} packets, got --forget {number}: --list")
    gone = records.pop(number - 1)
    if records:
        decks[name] = replace(decks[name], records=tuple(records))
    else:
        del decks[name]
    keep_decks(decks)
    left = f"{len(records)} left" if records else "none left, and the deck is gone"
    print(f"{name}: forgot the packet of {gone.cards} cards of {gone.when}, {left}")
    return 0


def _there(decks: Mapping[str, Calibration], name: str) -> str:
    if name not in decks:
        known = ", ".join(decks) or "none"
        raise UsageError(f"no deck {name!r} was ever calibrated: known are {known}")
    return name
