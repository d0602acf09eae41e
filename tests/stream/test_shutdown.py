"""Every stage × raise, end early, close while full, interrupt.

Whatever happens: the cause reaches the caller within three seconds, the files are whole and hold
what was written, everything is closed. That no thread is left is checked after every test.
"""

from __future__ import annotations

import json
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
from pieces import SPEC, Dots, Taker

from engines.fake import FakeEngine
from engines.spec import Engine, Prediction
from stream.frame import Finished, Frame, Sink, Source
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


@pytest.fixture
def outputs(tmp_path: Path) -> Outputs:
    return Outputs(tmp_path)


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


def test_source_raises(outputs):
    source = ActingDots(100, 10, fail)
    engine = Breaking(-1, fail)
    with within(3), pytest.raises(ValueError, match="the cause") as caught:
        outputs.run(source, engine)
    assert isinstance(caught.value.__cause__, OSError)
    assert source.closed
    assert engine.closed
    outputs.check(10)


def test_engine_raises(outputs):
    source, engine = Dots(100_000), Breaking(12, fail)
    with within(3), pytest.raises(ValueError, match="the cause") as caught:
        outputs.run(source, engine)
    assert isinstance(caught.value.__cause__, OSError)
    assert source.closed
    assert engine.closed
    outputs.check(outputs.lines.read_text("utf-8").count("\n"))
    assert source.read < 30


def test_draw_raises(outputs):
    liar = replace(SPEC)
    object.__setattr__(liar, "edges", ((0, 99),))  # no spec that is checked could say so
    source, engine = Dots(100_000), FakeEngine(liar)
    with within(3), pytest.raises(IndexError):
        outputs.run(source, engine)
    assert source.closed


@pytest.mark.parametrize("after", [1, 20])
def test_sink_raises(outputs, after):
    source, engine, sink = Dots(100_000), Breaking(-1, fail), Acting(after, fail)
    with within(3), pytest.raises(ValueError, match="the cause"):
        outputs.run(source, engine, sink)
    assert source.closed
    assert engine.closed
    assert sink.closed
    outputs.check(after)


def test_source_ends_before_it_said(outputs):
    source = Dots(7)
    source.info = replace(source.info, frames=1000)
    with within(3):
        stats = outputs.run(source, FakeEngine(SPEC))
    assert stats.frames == 7
    outputs.check(7)


def test_sink_has_had_enough(outputs):
    def enough() -> None:
        raise Finished

    source = Dots(100_000)
    with within(3):
        outputs.run(source, FakeEngine(SPEC), Acting(9, enough))
    assert source.closed
    outputs.check(9)


def test_source_without_a_frame(outputs):
    source = Dots(0)
    with within(3):
        assert outputs.run(source, FakeEngine(SPEC)).frames == 0
    assert source.closed


@pytest.mark.parametrize("live", [False, True])
@pytest.mark.parametrize("action", [fail, interrupt])
def test_closed_while_everything_is_full(outputs, live, action):
    def when_full() -> None:
        time.sleep(0.2)  # by now both threads wait for room, or would if they could
        action()

    source = Dots(100_000, live=live, pause_s=0.001 if live else 0)
    with within(3), pytest.raises((ValueError, KeyboardInterrupt)):
        outputs.run(source, FakeEngine(SPEC), Acting(1, when_full))
    assert source.closed


@pytest.mark.parametrize("live", [False, True])
def test_interrupted_while_the_source_is_stuck(outputs, live):
    source = Dots(3, live=live, pause_s=0.05, stuck=True)
    threading.Timer(0.5, interrupt).start()
    with within(3), pytest.raises(KeyboardInterrupt):
        outputs.run(source, FakeEngine(SPEC))
    assert source.closed
    outputs.check(3)


def test_interrupted_from_the_source(outputs):
    source, engine = ActingDots(100_000, 10, interrupt), Breaking(-1, fail)
    with within(3), pytest.raises(KeyboardInterrupt):
        outputs.run(source, engine)
    assert source.closed
    assert engine.closed
    assert 0 < outputs.lines.read_text("utf-8").count("\n") < 12


def test_interrupted_from_the_engine(outputs):
    source, engine = Dots(100_000), Breaking(12, interrupt)
    with within(3), pytest.raises(KeyboardInterrupt):
        outputs.run(source, engine)
    assert source.closed
    assert engine.closed


def test_interrupted_in_a_sink(outputs):
    source = Dots(100_000)
    with within(3), pytest.raises(KeyboardInterrupt):
        outputs.run(source, FakeEngine(SPEC), Acting(9, interrupt))
    outputs.check(9)


@pytest.fixture(params=["SIGINT", "SIGTERM"])
def stop(request: pytest.FixtureRequest) -> Iterator[signal.Signals]:
    """A signal that raises KeyboardInterrupt."""
    number = signal.Signals[request.param]
    before = signal.signal(number, signal.default_int_handler)
    yield number
    signal.signal(number, before)


def test_a_second_interrupt_does_not_cut_the_finishing_short(outputs, stop):
    class Impatient(Taker):
        def close(self) -> None:
            signal.raise_signal(stop)  # the user presses again while outputs are finished
            super().close()

    sink = Impatient()
    with pytest.raises(ValueError, match="the cause"):
        outputs.run(Dots(100), FakeEngine(SPEC), sink, Acting(9, fail))
    assert sink.closed == 1
    outputs.check(9)
    assert signal.getsignal(stop) == signal.default_int_handler


def test_an_interrupt_does_not_tear_a_write(stop):
    class Interrupted(Taker):
        def write(self, result, picture):
            if len(self.results) == 4:
                signal.raise_signal(stop)
            super().write(result, picture)

    sinks = [Taker(), Interrupted(), Taker()]
    with pytest.raises(KeyboardInterrupt):
        run(Dots(1000), FakeEngine(SPEC), sinks)
    assert [sink.indices for sink in sinks] == [[0, 1, 2, 3, 4]] * 3


def test_an_interrupt_during_the_last_write_is_not_lost_nor_one_while_starting(stop):
    class Interrupted(Dots):
        @property
        def info(self):
            signal.raise_signal(stop)
            return self.said

        @info.setter
        def info(self, value):
            self.said = value

    source, sink = Interrupted(10), Taker()
    with pytest.raises(KeyboardInterrupt):
        run(source, FakeEngine(SPEC), [sink])
    assert sink.results == []
    assert sink.closed == 1
    sink = Acting(3, lambda: signal.raise_signal(stop))
    with pytest.raises(KeyboardInterrupt):
        run(Dots(3), FakeEngine(SPEC), [sink])
    assert sink.indices == [0, 1, 2]


def test_a_stop_that_the_caller_only_notes_does_not_end_the_run():
    noted = []
    before = signal.signal(signal.SIGTERM, lambda number, _: noted.append(number))
    try:
        stats = run(
            Dots(10), FakeEngine(SPEC), [Acting(3, lambda: signal.raise_signal(signal.SIGTERM))]
        )
    finally:
        signal.signal(signal.SIGTERM, before)
    assert noted == [signal.SIGTERM]
    assert stats.frames == 10
