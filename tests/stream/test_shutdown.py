"""Every stage × raise, end early, close while full; test_interrupts.py has Ctrl-C.

Whatever happens: the cause reaches the caller within three seconds, the files are whole and hold
what was written, everything is closed. That no thread is left is checked after every test.
"""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest
from pieces import SPEC, Dots
from trouble import Acting, ActingDots, Breaking, Outputs, fail, interrupt, within

from engines.fake import FakeEngine
from stream.frame import Finished


@pytest.fixture
def outputs(tmp_path: Path) -> Outputs:
    return Outputs(tmp_path)


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
