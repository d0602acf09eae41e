import logging
import re

import pytest

import engines
from engines.fake import FakeEngine
from engines.spec import EngineUnavailable, ModelSpec
from stream.cli import main

SPEC = ModelSpec("dots", ("a",), (), (0,), (32, 32), 4, 4.0)


def test_what_works_has_a_latency_and_what_does_not_a_reason(capsys):
    pytest.importorskip("onnxruntime", reason="needs an engine for the bundled model")
    assert main(["engines"]) == 0
    lines = capsys.readouterr().out.splitlines()
    (ort,) = (line for line in lines if line.startswith("yes  ort "))
    assert re.search(r"\d+\.\d\d ms  ONNX Runtime .* on CPU \(\d+ threads\), f32$", ort)
    (eager,) = (line for line in lines if line.split()[1] == "eager")
    assert eager.startswith("no ")
    assert eager.endswith("it is a file for another engine")
    order = [line.split()[1] for line in lines if line.startswith(("yes", "no "))]
    assert tuple(order[: len(engines.AUTO_ORDER)]) == engines.AUTO_ORDER
    works = next(line.split()[1] for line in lines if line.startswith("yes"))
    assert lines[-1].startswith(f"auto takes {works}; latencies are medians of 50 calls")


def test_what_was_refused_on_the_way_stands_below(monkeypatch, capsys):
    def open_engine(_, name):
        if name != "fake":
            raise EngineUnavailable(f"no\n {name} here")
        logging.getLogger("kpstream").info("in half precision it was a card away")
        return FakeEngine(SPEC)

    monkeypatch.setattr(engines, "open_engine", open_engine)
    assert main(["engines"]) == 0
    lines = capsys.readouterr().out.splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith("yes  fake"))
    assert lines[at + 1].strip() == "in half precision it was a card away"
    assert any(line.endswith("no trt here") for line in lines)  # on one line


def test_nothing_that_works_is_a_failure(monkeypatch, capsys):
    def open_engine(_, name):
        raise EngineUnavailable(f"no {name} here")

    monkeypatch.setattr(engines, "open_engine", open_engine)
    assert main(["engines"]) == 1
    assert "auto takes" not in capsys.readouterr().out
