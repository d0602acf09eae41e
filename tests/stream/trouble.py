"""Stages that do something at a certain frame, and the files of a run that they end."""

from __future__ import annotations

import json
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import av
import numpy as np
from pieces import SPEC, Dots, Taker

from engines.fake import FakeEngine
from engines.spec import Engine, Prediction
from stream.frame import Frame, Sink, Source
from stream.pipeline import run
from stream.sinks import jsonl, video
from stream.stats import Stats


class Outputs:
    """The two files of a run, and how much of it they hold."""

    def __init__(self, folder: Path) -> None:
        self.video = folder / "out.mp4"
        self.lines = folder / "out.jsonl"

    def run(self, source: Source, engine: Engine, *others: Sink) -> Stats:
        files = [video.open_sink(self.video, source.info), jsonl.open_sink(self.lines, SPEC)]
        return run(source, engine, [*files, *others])

    def check(self, count: int) -> None:
        """Both files are whole and hold the first `count` frames."""
        lines = [json.loads(line) for line in self.lines.read_text("utf-8").splitlines()]
        assert [line["frame"] for line in lines] == list(range(count))
        with av.open(str(self.video)) as container:
            assert sum(1 for _ in container.decode(video=0)) == count


@contextmanager
def within(seconds: float) -> Iterator[None]:
    started = time.monotonic()
    yield
    assert time.monotonic() - started < seconds


class Breaking(FakeEngine):
    """Does something in its call number `after`, counted from 0, and then goes on."""

    def __init__(self, after: int, action: Callable[[], None]) -> None:
        super().__init__(SPEC)
        self._left = after
        self._action = action
        self.closed = False

    def __call__(self, images: np.ndarray) -> Prediction:
        if self._left == 0:
            self._action()
        self._left -= 1
        return super().__call__(images)

    def close(self) -> None:
        super().close()
        self.closed = True


def fail() -> None:
    raise ValueError("the cause") from OSError("its own cause")


def interrupt() -> None:
    """Ctrl-C, as the system sends it; its effect is always in the main thread."""
    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)


class Acting(Taker):
    """Does something at a certain frame."""

    def __init__(self, after: int, action: Callable[[], None]) -> None:
        super().__init__(wants_picture=True)
        self._at = after
        self._action = action

    def write(self, result, picture):
        super().write(result, picture)
        if len(self.results) == self._at:
            self._action()


class ActingDots(Dots):
    """Does something before a certain frame."""

    def __init__(self, count: int, at: int, action: Callable[[], None], **options) -> None:
        super().__init__(count, **options)
        self._at = at
        self._action = action

    def __iter__(self) -> Iterator[Frame]:
        for frame in super().__iter__():
            if frame.index == self._at:
                self._action()
            yield frame
