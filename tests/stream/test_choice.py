import logging
from pathlib import Path
from types import SimpleNamespace

import pytest

import engines
from engines.fake import FakeEngine
from engines.spec import EngineUnavailable, ModelSpec
from stream import choice
from stream.choice import choose, opening
from stream.switch import SwitchingEngine

SPEC = ModelSpec("dots", ("a",), (), (0,), (32, 32), 4, 4.0)
MODEL = Path("packet.onnx")


class Named(FakeEngine):
    def __init__(self, name: str) -> None:
        super().__init__(SPEC)
        self.name = name

    def __str__(self) -> str:
        return self.name


@pytest.fixture
def machine(monkeypatch):
    """A machine on which just these runtimes work; returns what was opened, in order."""

    def have(**runtimes: str) -> list[str]:
        opened = []

        def module_of(name):
            state = runtimes.get(name, "missing")
            if state in ("built", "unbuilt"):
                return SimpleNamespace(is_built=lambda _: state == "built")
            return SimpleNamespace()

        def open_engine(_model, name, _progress=None):
            opened.append(name)
            if runtimes.get(name, "missing") == "missing":
                raise EngineUnavailable(f"no {name} here")
            return Named(name)

        monkeypatch.setattr(engines, "module_of", module_of)
        monkeypatch.setattr(engines, "open_engine", open_engine)
        monkeypatch.setattr(choice.shutil, "which", lambda _: None)
        return opened

    return have


def test_the_first_that_works(machine):
    opened = machine(ov="works", ort="works")
    assert str(choose(MODEL, "auto")) == "ov"
    assert opened == ["trt", "rtx", "cuda", "ov"]


def test_a_plan_that_is_built_is_taken_at_once(machine):
    machine(trt="built", ov="works")
    engine = choose(MODEL, "auto")
    assert str(engine) == "trt"
    assert not isinstance(engine, SwitchingEngine)


def test_while_a_plan_is_built_the_next_best_runs(machine):
    opened = machine(trt="unbuilt", rtx="unbuilt", cuda="works", ov="works")
    engine = choose(MODEL, "auto")
    assert isinstance(engine, SwitchingEngine)
    assert "cuda" in opened
    assert "ov" not in opened
    engine.close()
    assert opened.count("trt") == 1  # in the background, and the best of the two unbuilt


def test_one_asked_for_by_name_is_waited_for(machine):
    machine(trt="unbuilt", ov="works")
    assert str(choose(MODEL, "trt")) == "trt"


def test_where_nothing_else_works_the_build_is_waited_for(machine):
    machine(rtx="unbuilt")
    assert str(choose(MODEL, "auto")) == "rtx"


def test_where_nothing_works_every_reason_is_given(machine):
    machine()
    with pytest.raises(EngineUnavailable) as caught:
        choose(MODEL, "auto")
    for name in engines.AUTO_ORDER:
        assert f"no {name} here" in str(caught.value)


def test_an_idle_gpu_is_mentioned_with_the_reasons(machine, monkeypatch, caplog):
    machine(ov="works")
    monkeypatch.setattr(choice.shutil, "which", lambda name: f"/usr/bin/{name}")
    with caplog.at_level(logging.WARNING, "kpstream"):
        choose(MODEL, "auto")
    (line,) = caplog.messages
    assert line.startswith("an NVIDIA GPU is here, but the CPU does the work.")
    assert "no trt here" in line


def test_without_a_gpu_nothing_is_said(machine, caplog):
    machine(ov="works")
    with caplog.at_level(logging.WARNING, "kpstream"):
        choose(MODEL, "auto")
    assert not caplog.messages


@pytest.mark.parametrize(("cores", "beside"), [(1, 1), (2, 1), (8, 4)])
def test_beside_a_file_an_engine_takes_half_of_the_cores(monkeypatch, cores, beside):
    monkeypatch.setattr(choice, "physical_cores", lambda: cores)
    assert opening(live=False).cores == beside
    assert opening(live=True).cores is None
