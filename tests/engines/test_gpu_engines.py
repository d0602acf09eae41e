"""The GPU benchmark prints figures of what opens and reasons of what does not."""

import importlib
import json
import sys
from pathlib import Path

import pytest
from fake_cuda import FakeCuda
from fake_tensorrt import FakeTensorRt
from trt_bench import new_home

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def benchmark(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    new_home(monkeypatch, tmp_path)
    return importlib.import_module("gpu_engines")


def test_without_a_gpu_every_engine_has_its_reason(benchmark, monkeypatch, capsys, tmp_path):
    for name in ("tensorrt", "tensorrt_rtx", "onnxruntime"):
        monkeypatch.setitem(sys.modules, name, None)
    assert benchmark.main(["--rounds", "3", "--json", str(tmp_path / "out.json")]) == 1
    printed = capsys.readouterr().out
    report = json.loads((tmp_path / "out.json").read_text("utf-8"))
    assert set(report["not_opened"]) == {"trt", "rtx", "cuda", "torch"}
    for words in ("kpstream[tensorrt]", "kpstream[tensorrt-rtx]", "onnxruntime", "--checkpoint"):
        assert words in printed
    assert report["engines"] == {}


def test_what_opens_is_measured_in_turns(benchmark, monkeypatch, capsys, tmp_path):
    cuda = FakeCuda()
    monkeypatch.setitem(sys.modules, "cuda.bindings.runtime", cuda)
    for name in ("tensorrt", "tensorrt_rtx"):
        monkeypatch.setitem(sys.modules, name, FakeTensorRt(name, cuda))
    assert benchmark.main(["--rounds", "3", "--json", str(tmp_path / "out.json")]) == 0
    report = json.loads((tmp_path / "out.json").read_text("utf-8"))
    assert set(report["engines"]) == {"trt", "rtx"}
    assert set(report["not_opened"]) == {"cuda", "torch"}
    for figures in report["engines"].values():
        assert figures["n"] == 3
        assert 0 < figures["p50_ms"] <= figures["p95_ms"]
        assert "RTX 4070 (8.9), fp16" in figures["runs_on"]
    assert report["target_p50_ms"] == 0.5
    assert "0.5 ms" in capsys.readouterr().out
    assert cuda.left == 0
