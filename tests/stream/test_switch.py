import logging
import threading

import numpy as np
import pytest

from engines.fake import FakeEngine
from engines.spec import EngineUnavailable, ModelSpec
from stream.flow import Later
from stream.switch import SwitchingEngine

SPEC = ModelSpec("dots", tuple("abcdefgh"), (), tuple(range(8)), (32, 32), 4, 4.0, 52)
GREY = np.full((1, 32, 32, 3), 90, np.uint8)
LIMIT_S = 5.0


class Named(FakeEngine):
    """The fake engine under a name, which remembers in which thread it was closed."""

    def __init__(self, name: str) -> None:
        super().__init__(SPEC)
        self._name = name
        self.closed_in: str | None = None

    def __str__(self) -> str:
        return self._name

    def close(self) -> None:
        super().close()
        self.closed_in = threading.current_thread().name


def called_until_switched(engine) -> None:
    for _ in range(500):
        engine(GREY)
        if "building" not in str(engine):
            return
        threading.Event().wait(0.01)


def test_the_next_best_runs_until_the_better_one_is_there():
    may_end, built = threading.Event(), Named("better")

    def build(progress):
        assert progress(0.4)
        begun.set()
        assert may_end.wait(LIMIT_S)
        return built

    begun, first = threading.Event(), Named("first")
    engine = SwitchingEngine(first, "better", build)
    assert begun.wait(LIMIT_S)
    engine(GREY)
    assert str(engine) == "first (building better, 40%)"
    may_end.set()
    called_until_switched(engine)
    assert str(engine) == "better"
    assert first.closed_in == "MainThread"  # between two calls, by the thread that makes them
    assert built.closed_in is None
    engine.close()
    assert built.closed_in


def test_a_build_that_fails_leaves_all_as_it_was_and_says_why(caplog):
    def build(_):
        raise EngineUnavailable("the driver is too old")

    first = Named("first")
    engine = SwitchingEngine(first, "better", build)
    with caplog.at_level(logging.WARNING, "kpstream"):
        called_until_switched(engine)
    assert caplog.messages == ["first stays: the driver is too old"]
    assert str(engine) == "first"
    assert first.closed_in is None
    engine.close()


def test_close_breaks_a_build_off():
    begun = threading.Event()

    def build(progress):
        begun.set()
        while progress(0.1):
            threading.Event().wait(0.01)
        raise EngineUnavailable("broken off")

    first = Named("first")
    engine = SwitchingEngine(first, "better", build)
    assert begun.wait(LIMIT_S)
    engine.close()
    engine.close()
    assert first.closed_in


def test_what_was_built_and_never_used_is_closed_too():
    built, first = Named("better"), Named("first")
    engine = SwitchingEngine(first, "better", lambda _: built)
    engine.close()
    assert built.closed_in
    assert first.closed_in


def test_another_error_of_a_build_is_not_hidden():
    def build(_):
        raise ZeroDivisionError

    engine = SwitchingEngine(Named("first"), "better", build)
    with pytest.raises(ZeroDivisionError):
        called_until_switched(engine)
    engine.close()


def test_later_hands_its_answer_over_once():
    later = Later(lambda: 7, name="seven")
    assert later.take() == 7
    assert later.ready
    assert later.close() is None


def test_later_gives_what_nobody_took_to_whoever_closes_it():
    assert Later(lambda: 7, name="seven").close() == 7


def test_later_raises_what_its_call_raised():
    def call():
        raise KeyError("x")

    later = Later(call, name="key")
    with pytest.raises(KeyError):
        later.take()
    assert later.close() is None
