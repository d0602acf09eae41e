"""Ctrl-C at every stage: within three seconds all is closed and the files are whole."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pieces import SPEC, Dots, Taker
from trouble import Acting, ActingDots, Breaking, Outputs, fail, interrupt, within

from engines.fake import FakeEngine
from stream import pipeline
from stream.pipeline import run


@pytest.fixture
def outputs(tmp_path: Path) -> Outputs:
    return Outputs(tmp_path)


@pytest.mark.parametrize("live", [False, True])
def test_interrupted_while_the_source_is_stuck(outputs, live):
    source = Dots(3, live=live, pause_s=0.05, stuck=True)

    def interrupt_then() -> None:
        while not (outputs.lines.exists() and '"frame": 2' in outputs.lines.read_text("utf-8")):
            time.sleep(0.02)
        time.sleep(0.1)
        interrupt()

    threading.Thread(target=interrupt_then, daemon=True).start()
    with within(3), pytest.raises(KeyboardInterrupt):
        outputs.run(source, FakeEngine(SPEC))
    assert source.closed
    if not live:  # of which the newest frame wins, as fast as this machine is
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


def test_who_insists_is_heard_even_while_a_write_is_stuck(stop, monkeypatch):
    monkeypatch.setattr(pipeline, "PATIENCE_S", 0.2)

    main = threading.main_thread().ident or 0

    class Stuck(Taker):
        began_s = 0.0

        def write(self, result, picture):
            self.began_s = time.monotonic()
            for delay_s in (0.1, 0.2, 0.5):  # the second belongs to the first: wrappers send two
                threading.Timer(delay_s, signal.pthread_kill, (main, stop)).start()
            threading.Event().wait(20)
            super().write(result, picture)

    sink = Stuck()
    with pytest.raises(KeyboardInterrupt):
        run(Dots(3), FakeEngine(SPEC), [sink])
    assert 0.45 < time.monotonic() - sink.began_s < 3
    assert sink.closed == 1
