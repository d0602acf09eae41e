"""`synth:` → frames of a rendered packet whose truth is known."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from stream.frame import Frame, SourceError, SourceInfo
from stream.packet import MAX_CARDS
from stream.synth import Clip, Rendered, SceneConfig

_ALLOWED = (
    f"cards=0..{MAX_CARDS}, seed=0.., size=1280x720 (16..8192), fps=1..240, frames=1.., live=0|1; "
    "for example synth:cards=37&seed=3"
)


@dataclass(frozen=True, slots=True)
class _Options:
    """What may follow `synth:`; cards None are drawn from the seed."""

    cards: int | None = None
    seed: int = 0
    hw: tuple[int, int] = (720, 1280)
    fps: float = 30.0
    frames: int | None = None
    live: bool = False


def open_source(target: str) -> SyntheticSource:
    """`synth:` with options → a rendered clip. Raises SourceError for a bad option."""
    options = _parse(target)
    frames = options.frames
    if frames is None and not options.live:
        frames = 300
    if options.cards is None:
        config = SceneConfig()
    elif options.cards == 0:
        config = SceneConfig(empty=1.0)
    else:
        config = SceneConfig(cards=(options.cards, options.cards))
    clip = Clip(config, None, options.seed, options.hw, options.fps, frames)
    return SyntheticSource(target, clip, live=options.live)


class SyntheticSource:
    """A rendered clip → frames. What is true of frame.index is `truth(frame.index)`.

    A live one keeps to the clock like a camera: it waits for each frame's moment, and skips those
    whose moment has passed (their indices are missing).
    """

    def __init__(self, target: str, clip: Clip, *, live: bool = False) -> None:
        self.clip = clip
        self.info = SourceInfo(
            name=target, live=live, size_hw=clip.hw, fps=clip.fps, frames=clip.frames
        )
        self._closed = threading.Event()

    def truth(self, index: int) -> Rendered:
        """Frame number `index` rendered again with all that is true of it; from any thread."""
        return self.clip.frame(index)

    def __iter__(self) -> Iterator[Frame]:
        """Frames in order, until the clip ends or the source is closed."""
        start, index = time.perf_counter(), 0
        while not self._closed.is_set() and (self.clip.frames is None or index < self.clip.frames):
            pts = None if self.info.live else index / self.clip.fps
            image = self.clip.frame(index).image
            if self.info.live and self._closed.wait(
                start + index / self.clip.fps - time.perf_counter()
            ):
                return
            yield Frame(image, index, time.perf_counter(), pts, self.info.name)
            index += 1
            if self.info.live:
                index = max(index, int((time.perf_counter() - start) * self.clip.fps))

    def close(self) -> None:
        """End before the next frame; a wait for its moment ends at once."""
        self._closed.set()


def _parse(target: str) -> _Options:
    """`synth:NAME=VALUE&…` → options. Raises SourceError naming what is allowed."""
    query = target.removeprefix("synth:")
    options, seen = _Options(), set()
    for part in query.split("&") if query else ():
        name, _, text = part.partition("=")
        if name not in _READERS or name in seen:
            fault = "given twice" if name in seen else "unknown"
            raise SourceError(f"{target!r}: option {name!r} is {fault}; allowed are {_ALLOWED}")
        seen.add(name)
        try:
            options = _READERS[name](options, text)
        except ValueError:
            fault = f"{name}={text!r} is not possible"
            raise SourceError(f"{target!r}: {fault}; allowed are {_ALLOWED}") from None
    return options


def _whole(text: str, low: int, high: int) -> int:
    """Digits → a number in low..high. Raises ValueError."""
    if not (text.isascii() and text.isdecimal() and len(text) < 20 and low <= int(text) <= high):
        raise ValueError(text)
    return int(text)


def _size(text: str) -> tuple[int, int]:
    """WIDTHxHEIGHT → (height, width). Raises ValueError."""
    width, height = text.split("x")
    return _whole(height, 16, 8192), _whole(width, 16, 8192)


def _rate(text: str) -> float:
    """A rate in 1..240 → the number. Raises ValueError."""
    rate = float(text)
    if not 1 <= rate <= 240:
        raise ValueError(text)
    return rate


_READERS: dict[str, Callable[[_Options, str], _Options]] = {
    "cards": lambda options, text: replace(options, cards=_whole(text, 0, MAX_CARDS)),
    "seed": lambda options, text: replace(options, seed=_whole(text, 0, 2**63)),
    "size": lambda options, text: replace(options, hw=_size(text)),
    "fps": lambda options, text: replace(options, fps=_rate(text)),
    "frames": lambda options, text: replace(options, frames=_whole(text, 1, 10**9)),
    "live": lambda options, text: replace(options, live=bool(_whole(text, 0, 1))),
}
