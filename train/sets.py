"""Folders, and how much of them is wanted → the sets of pictures that models are scored on.

No picture is in them that training may see: real clips by their count, the rest by its name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np

from stream.synth import Art
from train.config import HELD_CLIPS
from train.datasets import cardcut, empty, rendered
from train.datasets.held_out import original
from train.pictures import read
from train.truth import Sight, Truth, diagonal, nothing

T = TypeVar("T")
Opened = tuple[int, Iterable[Iterable[Sight]]]
"""How many pictures there are, and they, clip by clip."""


@dataclass(frozen=True, slots=True, eq=False)
class Given:
    """Where pictures are, and how many of them are wanted."""

    data: Path | None = None
    backgrounds: Path | None = None
    hands: Path | None = None
    art: Path | None = None
    clips: tuple[int, ...] = HELD_CLIPS  # none = every clip
    hw: tuple[int, int] = (1080, 1920)  # of rendered pictures
    seed: int = 1_000_003
    scale: float = 1.0  # of every number of pictures, of clips, of calls

    def some(self, count: int) -> int:
        """So many of `count`, one at least."""
        return max(1, round(self.scale * count))

    def missing(self) -> list[str]:
        """A line for each kind of picture that is not given."""
        lines = {
            "data": "no real packets",
            "art": "backs and faces are drawn",
            "backgrounds": "tables are drawn, and no photograph stands among the empty pictures",
            "hands": "hands are drawn",
        }
        return [
            f"--{name} not given: {so}" for name, so in lines.items() if not getattr(self, name)
        ]


@dataclass(frozen=True, slots=True, eq=False)
class Set:
    """Pictures that are run together."""

    stills: bool  # judged one by one; otherwise each clip as a stream
    open: Callable[[Given, Art], Opened]
    needs: str | None = None  # what must be given


def _cardcut(given: Given, _art: Art) -> Opened:
    samples = cardcut.load(given.data or Path())
    if given.clips:
        _, samples = cardcut.split(samples, given.clips)
    samples = _thinned(samples, given.some(len(samples)))
    return len(samples), [_labelled(samples)]


def _labelled(samples: Sequence[cardcut.Sample]) -> Iterator[Sight]:
    for s in samples:
        truth = Truth(s.path.name, s.clip, "cardcut", s.cards, s.xy, s.visible, diagonal(s.xy))
        yield Sight(read(s.path), truth)


def _rendered(given: Given, art: Art, *, named: bool = False) -> Opened:
    clips = given.some(24)
    stage = rendered.Stage(art, given.hw, given.seed)
    return clips * rendered.FRAMES, stage.clips(clips, named=named)


def _covered(given: Given, art: Art) -> Opened:
    count = given.some(200)
    stage = rendered.Stage(art, given.hw, given.seed + 1)
    return count, [stage.stills(count, rendered.COVERED)]


def _empty(given: Given, art: Art) -> Opened:
    count = given.some(300)
    paths = empty.paths(given.backgrounds, held_out=True) if given.backgrounds else []
    paths = _thinned(paths, max(1, count // 2))
    stage = rendered.Stage(art, given.hw, given.seed + 2)
    return count, [_photographs(paths), stage.stills(count - len(paths), rendered.EMPTY)]


def _photographs(paths: Sequence[Path]) -> Iterator[Sight]:
    for path in paths:
        yield Sight(read(path), nothing(path.name, original(path), "photograph"))


def _empty_video(given: Given, art: Art) -> Opened:
    clips = given.some(12)
    stage = rendered.Stage(art, given.hw, given.seed + 1000)
    return clips * rendered.FRAMES, stage.clips(clips, rendered.EMPTY)


def _thinned(every: Sequence[T], count: int) -> list[T]:
    """So many of them, evenly chosen; all if there are no more."""
    count = min(count, len(every))
    return [every[i] for i in np.linspace(0, len(every) - 1, count).round().astype(int)]


SETS = {
    "cardcut": Set(stills=True, open=_cardcut, needs="data"),
    "rendered": Set(stills=False, open=_rendered),
    "rendered-named": Set(stills=False, open=partial(_rendered, named=True)),
    "covered": Set(stills=True, open=_covered),
    "empty": Set(stills=True, open=_empty),
    "empty-video": Set(stills=False, open=_empty_video),
}
