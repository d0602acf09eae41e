"""Source, engine and sinks → one run from the first frame to the last. Owns every `close`.

    source ─▶ ┃ capture ┃ ─▶ estimate ─▶ ┃ infer ┃ ─▶ draw, sinks (the caller's thread)

What always holds when `run` returns or raises: every output is finished, source and engine are
closed, no thread is left, and what is raised is the error that came first.
"""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from types import FrameType, TracebackType
from typing import Protocol, TypeVar, final

import cv2

from engines.spec import Engine
from stream.estimate import estimate
from stream.flow import threaded
from stream.frame import Attentive, Finished, Frame, Result, Sink, Source
from stream.overlay import Overlay
from stream.stats import Stats, telling_stage

T = TypeVar("T")
AHEAD = 6
"""Results of a file that may wait to be written: the encoder takes some frames three times as long
as others, and the network need not wait for it."""

IDLE_S = 0.1
"""How long a result is waited for before sinks are told that none came."""

PATIENCE_S = 1.0
"""A stop that a write did not let through for so long is, asked for again, obeyed in the middle."""

Watcher = Callable[[Result, Stats], None]


class Finding(Protocol):
    """Frames and an engine → results, in order; `stream.estimate.estimate` is one."""

    def __call__(
        self, frames: Iterable[Frame], engine: Engine, *, stills: bool
    ) -> Generator[Result, None, None]:
        """`stills`: every picture is judged alone."""


def run(
    source: Source,
    engine: Engine,
    sinks: Sequence[Sink],
    *,
    names: bool = False,
    on_result: Watcher | None = None,
    find: Finding = estimate,
) -> Stats:
    """Every frame of the source → every sink, until one of them has had enough.

    Takes all three open and closes them, however it ends. A live source loses the frames that the
    rest is too slow for; any other waits and loses none. `names` writes the keypoints' names into
    the picture. `on_result` is told of each result once all sinks have it, in this thread;
    like a sink it may raise Finished, and be Attentive. `find` is how results are made.
    """
    stats, overlay = Stats(), Overlay(engine.spec, names=names)
    with _Stops() as stops, _Closing() as closing:
        # the last named is the first to close: outputs first, so that they are whole whatever a
        # stuck driver does, then the threads from the end of the chain upwards
        closing.callback(engine.close)
        closing.callback(source.close)
        threads = closing.enter_context(ExitStack())
        for sink in reversed(sinks):
            closing.callback(sink.close)
        info = source.info
        if not info.live:  # OpenCV's other threads would spin on cores that decode and encode
            closing.callback(cv2.setNumThreads, cv2.getNumThreads())
            cv2.setNumThreads(1)
        capture = threaded(source, name="capture", newest=info.live, unblock=source.close)
        threads.callback(capture.close)
        found = find(capture, engine, stills=info.stills)
        size = 2 if info.live else AHEAD
        results = threaded(found, name="infer", size=size, unblock=capture.close)
        threads.callback(results.close)
        closing.callback(stops.forget)
        with suppress(Finished):
            told: list[object] = [*sinks, on_result]
            idle = [one.idle for one in told if isinstance(one, Attentive)]
            for result in stops.heard(results, idle):
                hud = _hud(stats, telling_stage(live=info.live))
                written = _write(result, sinks, overlay, hud)
                stats.add(written, time.perf_counter())
                if on_result is not None:
                    on_result(written, stats)
    return stats


def _write(result: Result, sinks: Iterable[Sink], overlay: Overlay, hud: str) -> Result:
    """Draw a result if a sink wants it, hand it to all; returns it with both times taken."""
    picture = None
    if any(sink.wants_picture for sink in sinks):
        started = time.perf_counter()
        picture = overlay(result, hud)
        result = _timed(result, "draw", started)
    started = time.perf_counter()
    for sink in sinks:
        sink.write(result, picture if sink.wants_picture else None)
    return _timed(result, "write", started)


def _timed(result: Result, stage: str, started_s: float) -> Result:
    """The result with the seconds since `started_s` put down to a stage."""
    spent = time.perf_counter() - started_s
    return replace(result, stages_s={**result.stages_s, stage: spent})


def _hud(stats: Stats, stage: str) -> str:
    """What stands small in the picture: the rate, and how long a stage takes as a rule."""
    if stats.frames < 2:
        return ""
    return f"{stats.fps_now:.0f} fps  {stats.latency_s(stage, 50) * 1000:.0f} ms"


class _Closing(ExitStack):
    """Closes all that it was given, even if a close raises. The error that came first is raised."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> None:
        if error is None:
            super().__exit__(None, None, None)
            return
        with suppress(BaseException):  # what closing adds to an error is only its echo
            super().__exit__(kind, error, trace)


@final
class _Stops:
    """Ctrl-C and SIGTERM, held back but for where the run waits for the next result.

    Raised in the middle of a write they would tear it, and the first second of a recording with
    it: what an encoder was about to hand over is lost. Only who insists is heard there: whoever is
    to read what is written may never do so. While outputs are finished they are forgotten. Only
    signals that Python handles are held, and only in the main thread, which alone is told of them.
    """

    def __init__(self) -> None:
        self._ears: dict[int, Callable[[int, FrameType | None], object]] = {}
        self._waiting = False
        self._finishing = False
        self._missed: int | None = None
        self._missed_s = math.inf

    def __enter__(self) -> _Stops:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                ear = signal.getsignal(number)
                if callable(ear):
                    self._ears[number] = ear
                    signal.signal(number, self._hear)
        return self

    def __exit__(self, *_: object) -> None:
        for number, ear in self._ears.items():
            signal.signal(number, ear)

    def heard(self, items: threaded[T], idle: Sequence[Callable[[], None]]) -> Iterator[T]:
        """Items → the same; while it waits for one, and as a rule only then, a stop is raised.

        As long as none comes, `idle` is called again and again.
        """
        while True:
            try:
                item = self._awaited(items)
            except StopIteration:
                return
            except TimeoutError:
                for call in idle:
                    call()
            else:
                yield item

    def _awaited(self, items: threaded[T]) -> T:
        try:
            self._waiting = True
            if self._missed is not None:
                self._hear(self._missed, None)
            return items.within(IDLE_S)
        finally:
            self._waiting = False

    def forget(self) -> None:
        """From now on outputs are finished."""
        self._finishing = True

    def _hear(self, number: int, frame: FrameType | None) -> None:
        if self._finishing:
            return
        now_s = time.perf_counter()
        if self._waiting or now_s - self._missed_s > PATIENCE_S:
            self._missed, self._missed_s = None, math.inf
            self._ears[number](number, frame)
        else:
            self._missed, self._missed_s = number, min(now_s, self._missed_s)
