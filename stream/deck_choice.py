"""`--deck` and `--cards-in-deck` → the deck that a run counts with."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from zlib import crc32

from stream.arguments import UsageError
from stream.calibration import Calibration
from stream.deck_file import read_decks
from stream.decks import DECKS, Deck
from stream.frame import SourceInfo

_log = logging.getLogger("kpstream")


@dataclass(frozen=True, slots=True)
class Choice:
    """A deck, and what it was learnt from if it is one of the user's."""

    deck: Deck
    name: str
    calibration: Calibration | None = None
    asked: bool = True  # by one of the options; otherwise it is what most cards are

    @property
    def known(self) -> Deck | None:
        """The deck, if the user said what it is."""
        return self.deck if self.asked else None

    def mention_another_camera(self, info: SourceInfo, model: Path) -> None:
        """Warn of a frame size or a model that the deck was not learnt with. Raises OSError."""
        if self.calibration is None:
            return
        name = called(model)
        if self.calibration.fits(info.size_hw, name):
            return
        record = self.calibration.records[-1]
        height, width = record.frame_hw
        _log.warning(
            "%s was learnt at %dx%d with the model %s, this is %s with %s: "
            "its count may be off, calibrate again here",
            self.name,
            width,
            height,
            record.model,
            "another size" if info.size_hw is None else f"{info.size_hw[1]}x{info.size_hw[0]}",
            name,
        )


def called(model: Path) -> str:
    """A model's file → its name, and what tells it from others of that name."""
    return f"{model.stem}-{crc32(model.read_bytes()):08x}"


def chosen(name: str | None, cards: int | None) -> Choice:
    """The words of the two options → a deck; poker unasked.

    Raises UsageError for a name that is not known, and what `read_decks` does.
    """
    asked = not (name is None and cards is None)
    choice = replace(_named("poker" if name is None else name), asked=asked)
    return choice if cards is None else replace(choice, deck=replace(choice.deck, cards=cards))


def _named(name: str) -> Choice:
    if name in DECKS:  # the user's file need not even be whole
        return Choice(DECKS[name], name)
    decks = read_decks()
    if name in decks:
        return Choice(decks[name].deck(), name, decks[name])
    known = [*DECKS, *decks]
    near = get_close_matches(name, known, n=1)
    guess = f"did you mean {near[0]}? " if near else ""
    raise UsageError(
        f"there is no deck {name!r}: {guess}known are {', '.join(known)}; "
        f"kpstream calibrate --cards N --deck {name} learns one"
    )
