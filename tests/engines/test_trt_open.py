"""From a model file to an engine: what is missing is named, what was built is not built again."""

import dataclasses
import importlib
import logging
import sys
from pathlib import Path

import fake_plan
import fake_tensorrt
import marker_graph
import numpy as np
import pytest
from fake_cuda import FakeCuda, cudaError_t
from fake_tensorrt import FakeTensorRt
from trt_bench import new_home

import engines
from engines import EngineUnavailable, plans
from engines.build import build_plan, describe
from engines.spec import Opening, SpecError, read_spec

EXTRAS = {"trt": "tensorrt", "rtx": "tensorrt-rtx"}


@pytest.fixture(params=list(EXTRAS))
def backend(request) -> str:
    return request.param


@pytest.fixture
def cuda(monkeypatch) -> FakeCuda:
    cuda = FakeCuda()
    monkeypatch.setitem(sys.modules, "cuda.bindings.runtime", cuda)
    return cuda


@pytest.fixture
def trt(backend, cuda, monkeypatch, tmp_path) -> FakeTensorRt:
    new_home(monkeypatch, tmp_path)
    return installed(EXTRAS[backend], cuda, monkeypatch)


def installed(extra, cuda, monkeypatch, version="10.3.0") -> FakeTensorRt:
    name = extra.replace("-", "_")
    trt = FakeTensorRt(name, cuda, version)
    monkeypatch.setitem(sys.modules, name, trt)
    return trt


def module(backend):
    return importlib.import_module(f"engines.{backend}")


def opened_and_closed(backend, model, *how) -> str:
    engine = module(backend).open_model(model, *how)
    engine(np.zeros((1, *marker_graph.SPEC.input_hw, 3), np.uint8))
    engine.close()
    return str(engine)


def exported(path: Path, model: Path, trt, **changes) -> Path:
    """A plan file as export writes it."""
    spec, data = read_spec(model), model.read_bytes()
    plan = build_plan(data, spec, trt, compute_capabilities=None)
    about = describe(data, spec, trt, capabilities=[(8, 6), (8, 9)])
    plans.write_plan(path, plan, dataclasses.replace(about, **changes))
    return path


def test_a_plan_is_built_once(backend, trt, marker_model):
    assert not module(backend).is_built(marker_model)
    opened_and_closed(backend, marker_model)
    assert module(backend).is_built(marker_model)
    opened_and_closed(backend, marker_model)
    assert trt.built == 1
    assert trt.cuda.left == 0
    assert trt.flags == ({"REQUIRE_USER_ALLOCATION"} if backend == "rtx" else set())


@pytest.mark.usefixtures("trt")
def test_what_is_built_is_in_half_precision(backend, marker_model, monkeypatch):
    built = []
    monkeypatch.setattr(
        fake_tensorrt, "Model", lambda data: built.append(data) or fake_plan.Model(data)
    )
    assert opened_and_closed(backend, marker_model).endswith("fp16")
    half = importlib.import_module("engines.fp16").half_precision(marker_model.read_bytes())
    assert built[0] == half != marker_model.read_bytes()


def test_another_model_gpu_or_version_has_a_plan_of_its_own(
    backend, trt, marker_model, monkeypatch, tmp_path
):
    opened_and_closed(backend, marker_model)
    other = marker_graph.write(
        tmp_path / "other.onnx", dataclasses.replace(marker_graph.SPEC, name="other")
    )
    assert not module(backend).is_built(other)
    cuda = trt.cuda
    cuda.card.name, cuda.card.minor = b"NVIDIA GeForce RTX 3060", 6
    assert not module(backend).is_built(marker_model)
    opened_and_closed(backend, marker_model)
    assert trt.built == 2
    newer = installed(EXTRAS[backend], cuda, monkeypatch, version="11.0.0")
    assert not module(backend).is_built(marker_model)
    opened_and_closed(backend, marker_model)
    assert newer.built == 1


def test_another_way_to_build_makes_another_plan(backend, trt, marker_model, monkeypatch):
    opened_and_closed(backend, marker_model)
    monkeypatch.setattr("engines.build._RECIPE", ("build.py", "graph.py"))
    assert not module(backend).is_built(marker_model)
    opened_and_closed(backend, marker_model)
    assert trt.built == 2


def test_a_damaged_plan_is_built_again(backend, trt, marker_model):
    opened_and_closed(backend, marker_model)
    (path,) = plans.cache_dir().glob("*.plan")
    path.write_bytes(path.read_bytes()[:-1])
    assert not module(backend).is_built(marker_model)
    opened_and_closed(backend, marker_model)
    assert trt.built == 2


def test_a_kept_plan_that_does_not_load_is_built_again(backend, trt, marker_model, caplog):
    opened_and_closed(backend, marker_model)
    (path,) = plans.cache_dir().glob("*.plan")
    about, _ = plans.read_plan(path)
    plans.keep_plan(about, b'["tensorrt", "9.0.0", []]\0')
    with caplog.at_level(logging.WARNING, "kpstream"):
        opened_and_closed(backend, marker_model)
    assert "the plan is of another version" in caplog.text
    assert trt.built == 2
    opened_and_closed(backend, marker_model)
    assert trt.built == 2


def test_without_a_cache_every_start_builds(backend, trt, marker_model, caplog):
    plans.cache_dir().parent.mkdir(parents=True)
    plans.cache_dir().write_bytes(b"a file where the folder should be")
    opened_and_closed(backend, marker_model)
    assert "nothing is kept for the next start" in caplog.text
    assert trt.built == 1


@pytest.mark.usefixtures("trt")
def test_a_build_is_told_of_and_can_be_broken_off(backend, marker_model):
    told = []

    def until(share: float) -> bool:
        told.append(share)
        return share < 0.6

    with pytest.raises(EngineUnavailable, match="was broken off"):
        module(backend).open_model(marker_model, Opening(progress=until))
    assert told == [0.25, 0.5, 0.75]
    assert not module(backend).is_built(marker_model)
    how = Opening(progress=lambda share: told.append(share) or True)
    opened_and_closed(backend, marker_model, how)
    assert told[3:] == [0.25, 0.5, 0.75, 1.0]


def test_a_build_that_fails_is_in_the_runtimes_words(backend, trt, marker_model):
    trt.refuses.add("build_serialized_network")
    words = r"cannot build this model \(build_serialized_network: Error Code 9: refused\)"
    with pytest.raises(EngineUnavailable, match=words):
        module(backend).open_model(marker_model)


def test_what_is_compiled_at_the_first_run_is_kept(marker_model, cuda, monkeypatch, tmp_path):
    new_home(monkeypatch, tmp_path)
    trt = installed("tensorrt-rtx", cuda, monkeypatch)
    opened_and_closed("rtx", marker_model)
    assert trt.compiled == 1
    opened_and_closed("rtx", marker_model)
    assert trt.compiled == 1
    cuda.driver += 10
    opened_and_closed("rtx", marker_model)
    assert trt.compiled == 2
    (path,) = plans.cache_dir().glob("*.kernels")
    path.write_bytes(b"foreign")
    opened_and_closed("rtx", marker_model)
    assert trt.compiled == 3


def test_a_plan_file_is_opened_as_it_is(backend, trt, marker_model, tmp_path):
    path = exported(tmp_path / "packet.plan", marker_model, trt)
    assert module(backend).is_built(path)
    assert "fp16" in opened_and_closed(backend, path)
    assert trt.built == 1


OTHERS = {
    r"is a plan for \w+ 9\.1\.0 on GPUs \(8\.6, 8\.9\), here is \w+ 10": {"version": "9.1.0"},
    r"is a plan for tensorflow 10\.3\.0": {"runtime": "tensorflow"},
    r"on GPUs \(12\.0\), here is .* RTX 4070 \(8\.9\): give": {"capabilities": ((12, 0),)},
    r"on NVIDIA L4 \(8\.6, 8\.9\), here is": {"device": "NVIDIA L4"},
}


@pytest.mark.parametrize("words", list(OTHERS))
def test_a_plan_file_for_something_else_is_refused(backend, trt, marker_model, tmp_path, words):
    path = exported(tmp_path / "packet.plan", marker_model, trt, **OTHERS[words])
    with pytest.raises(EngineUnavailable, match=words):
        module(backend).open_model(path)


def test_a_damaged_plan_file_is_refused(backend, trt, marker_model, tmp_path):
    path = exported(tmp_path / "packet.plan", marker_model, trt)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(SpecError, match="is damaged"):
        module(backend).open_model(path)


@pytest.mark.usefixtures("trt")
@pytest.mark.parametrize("data", [b"", b"kps", b"ftrt" * 100])
def test_a_plan_that_another_program_wrote_is_told_as_that(backend, tmp_path, data):
    (tmp_path / "foreign.plan").write_bytes(data)
    with pytest.raises(SpecError, match=r"foreign\.plan is not a whole file that kpstream wrote"):
        engines.open_engine(tmp_path / "foreign.plan", backend)


@pytest.mark.parametrize("ask", ["open_model", "is_built"])
def test_a_missing_runtime_is_named_with_its_extra(backend, trt, marker_model, monkeypatch, ask):
    monkeypatch.setitem(sys.modules, trt.__name__, None)
    words = rf"does not load \(.*\): pip install 'kpstream\[{EXTRAS[backend]}\]'"
    with pytest.raises(EngineUnavailable, match=words):
        getattr(module(backend), ask)(marker_model)


@pytest.mark.usefixtures("trt")
def test_cuda_python_is_named_with_the_extra(backend, marker_model, monkeypatch):
    monkeypatch.setitem(sys.modules, "cuda.bindings.runtime", None)
    words = rf"cuda-python does not load .*pip install 'kpstream\[{EXTRAS[backend]}\]'"
    with pytest.raises(EngineUnavailable, match=words):
        module(backend).open_model(marker_model)


def test_no_driver(backend, trt, marker_model):
    trt.cuda.driver = 0
    trt.cuda.fails["cudaGetDeviceCount"] = cudaError_t.cudaErrorInsufficientDriver
    with pytest.raises(EngineUnavailable, match=r"10\.3\.0 cannot run: no NVIDIA driver is found"):
        module(backend).open_model(marker_model)


def test_an_old_driver(backend, trt, marker_model):
    trt.cuda.driver = 12020
    trt.cuda.fails["cudaGetDeviceCount"] = cudaError_t.cudaErrorInsufficientDriver
    words = r"driver serves CUDA 12\.2, cuda-python wants 13\.4: update the driver"
    with pytest.raises(EngineUnavailable, match=words):
        module(backend).is_built(marker_model)


@pytest.mark.parametrize("says", ["an error", "none"])
def test_no_gpu(backend, trt, marker_model, says):
    if says == "none":
        trt.cuda.count = 0
    else:
        trt.cuda.fails["cudaGetDeviceCount"] = cudaError_t.cudaErrorNoDevice
    with pytest.raises(EngineUnavailable, match=r"driver finds no GPU .*CUDA_VISIBLE_DEVICES"):
        module(backend).open_model(marker_model)


def test_a_gpu_in_use_by_another(backend, trt, marker_model):
    trt.cuda.fails["cudaGetDeviceCount"] = cudaError_t.cudaErrorLaunchFailure
    with pytest.raises(EngineUnavailable, match="cudaGetDeviceCount failed on the GPU"):
        module(backend).open_model(marker_model)


def test_tensorrt_builds_for_the_gpu_at_hand_alone(cuda, marker_model):
    words = (
        r"tensorrt 10\.3\.0 builds for the GPU at hand alone, not for 8\.6, 8\.9: .*tensorrt-rtx"
    )
    with pytest.raises(EngineUnavailable, match=words):
        build_plan(
            marker_model.read_bytes(),
            marker_graph.SPEC,
            FakeTensorRt("tensorrt", cuda),
            compute_capabilities=[(8, 6), (8, 9)],
        )


def test_auto_and_the_command_find_them_by_name():
    assert {"trt", "rtx"} <= set(engines.names())
    assert not {"build", "gpu", "lane", "plans"} & set(engines.names())
