"""Which engine is opened for a file: by name, by "auto", in which precision, and why not."""

import importlib
import os
import subprocess
import sys
import tempfile
from types import ModuleType

import marker_graph
import numpy as np
import pytest

import engines
from engines import EngineUnavailable, compiled, parity, trust


def opened(model, backend):
    try:
        return engines.open_engine(model, backend)
    except EngineUnavailable as error:
        pytest.skip(f"{backend}: {error}")


def test_openvino_takes_full_precision_when_asked(ov, marker_model):
    engine = ov.open_exact(marker_model)
    assert str(engine).endswith("f32")
    engine.close()


def test_openvino_leaves_the_first_convolutions_in_full_precision(ov, monkeypatch):
    """On what they see hangs the count: without that, it is half a card away."""
    core = compiled.core(compiled.runtime())
    if "BF16" not in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        pytest.skip("this processor does not compute in bf16")
    wanted = trust.reference(engines.DEFAULT_MODEL)
    found = []
    for first in (0, compiled.EXACT_FIRST):
        monkeypatch.setattr(compiled, "EXACT_FIRST", first)
        engine = ov.open_model(engines.DEFAULT_MODEL)
        assert str(engine).endswith("bf16")
        found.append(float(np.nanmean(np.abs(parity.read(engine).cards - wanted.cards))))
        engine.close()
    assert found[1] < 0.7 * found[0]


def test_without_a_temporary_folder_another_engine_runs(ov, marker_model, monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path))
    with pytest.raises(EngineUnavailable, match=r"temporary folder \(.*missing.*\): set TMPDIR"):
        ov.OvEngine(marker_model, compiled.runtime(), "bf16")


def test_what_was_compiled_is_kept_and_says_the_same(ov, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path))
    images = parity.pictures((256, 256))[:3]
    answers = []
    for _ in range(2):
        engine = ov.open_model(engines.DEFAULT_MODEL)
        answers.append(engine(images).heatmaps)
        engine.close()
        # the second start has to do without compiling
        monkeypatch.setattr(compiled, "_compile", None)
    np.testing.assert_array_equal(answers[0], answers[1])


def test_a_kept_model_that_does_not_load_is_made_anew(ov, monkeypatch, caplog):
    monkeypatch.setattr(compiled.plans, "recall", lambda _: b"of another OpenVINO")
    remembered = []
    monkeypatch.setattr(compiled.plans, "remember", lambda *kept: remembered.append(kept))
    engine = ov.open_model(engines.DEFAULT_MODEL)
    engine.close()
    (said,) = caplog.messages
    assert "does not load" in said
    assert "\n" not in said
    assert len(remembered) == 1


def test_what_misses_the_gate_is_opened_in_full_precision(ov, marker_model, monkeypatch, caplog):
    checked = []

    def check(engine, *_):
        checked.append(str(engine))
        if len(checked) == 1:
            raise engines.Disagreement("half a card away")

    monkeypatch.setattr(trust, "check", check)
    hasty = ov.OvEngine(marker_model, compiled.runtime(), "bf16")
    monkeypatch.setattr(ov, "open_model", lambda *_: hasty)
    with caplog.at_level("INFO", "kpstream"):
        engine = engines.open_engine(marker_model, "ov")
    assert [text.rsplit(" ", 1)[1] for text in checked] == ["bf16", "f32"]
    assert str(engine).endswith("f32")
    assert caplog.messages == ["half a card away"]
    engine.close()


@pytest.mark.usefixtures("ov")
def test_what_misses_the_gate_in_full_precision_too_is_refused(marker_model, monkeypatch):

    def check(engine, *_):
        raise engines.Disagreement(f"{engine} is half a card away")

    monkeypatch.setattr(trust, "check", check)
    with pytest.raises(EngineUnavailable, match="f32 is half a card away"):
        engines.open_engine(marker_model, "ov")
    engine = engines.open_engine(marker_model)  # the reference is left
    assert "ONNX Runtime" in str(engine)
    engine.close()


@pytest.mark.parametrize(
    ("provider", "words"),
    [
        ("CUDAExecutionProvider", "took CPUExecutionProvider in place of CUDA"),  # in silence
        ("NoSuchExecutionProvider", "NoSuchExecutionProvider"),
    ],
)
def test_another_provider_than_the_one_asked_for_is_an_error(marker_model, provider, words):
    ort = pytest.importorskip("onnxruntime", reason="needs onnxruntime")
    if provider in ort.get_available_providers():
        pytest.skip("this one has it")
    from engines.ort import OrtEngine

    refused = pytest.raises(EngineUnavailable, match=words)
    with refused, pytest.warns(UserWarning, match="not in available provider names"):
        OrtEngine(marker_model, ort, "nothing", provider=provider)


class NoKernel:
    """A session of ONNX Runtime, but the provider fails as it runs."""

    def __init__(self, session):
        self._session = session

    def __getattr__(self, name):
        return getattr(self._session, name)

    def run(self, *_):
        state = importlib.import_module("onnxruntime.capi.onnxruntime_pybind11_state")
        raise state.EPFail("no kernel image is available")


def test_a_provider_that_fails_as_it_runs_is_not_another_one_in_silence(marker_model, capsys):
    engine = opened(marker_model, "ort")
    engine._session._sess = NoKernel(engine._session._sess)
    with pytest.raises(EngineUnavailable, match=r"f32 failed \(no kernel image is available\): "):
        engine(np.zeros((1, *marker_graph.SPEC.input_hw, 3), np.uint8))
    assert capsys.readouterr().out == ""  # which may be somebody's JSON
    engine.close()


def test_what_fails_at_its_first_run_is_not_taken(tmp_path):
    onnx = pytest.importorskip("onnx", reason="needs onnx to build a graph: pip install onnx")
    pytest.importorskip("onnxruntime", reason="needs onnxruntime")
    broken = marker_graph.build(marker_graph.SPEC)
    words = ["Reshape", ["peak", "classes"], ["count"]]  # 8 values in rows of 53
    broken.graph.node[-1].CopyFrom(onnx.helper.make_node(*words))
    broken.graph.initializer.append(onnx.numpy_helper.from_array(np.array([-1, 53]), "classes"))
    (tmp_path / "broken.onnx").write_bytes(broken.SerializeToString())
    with pytest.raises(EngineUnavailable, match=r"(?s)works here.*ort: .* failed \(.*Reshape"):
        engines.open_engine(tmp_path / "broken.onnx")


def test_cuda_says_nothing_on_standard_output(marker_model, monkeypatch, capsys):
    ort = pytest.importorskip("onnxruntime", reason="needs onnxruntime")
    if "CUDAExecutionProvider" in ort.get_available_providers():
        pytest.skip("this one has it")
    monkeypatch.setattr(ort, "get_available_providers", lambda: ["CUDAExecutionProvider"])
    monkeypatch.setattr(
        ort, "preload_dlls", lambda: print("Failed to load libcudnn.so.9"), raising=False
    )
    refused = pytest.raises(EngineUnavailable, match="took CPUExecutionProvider in place of CUDA")
    with refused, pytest.warns(UserWarning, match="not in available provider names"):
        engines.open_engine(marker_model, "cuda")
    out, err = capsys.readouterr()
    assert out == ""
    assert "libcudnn" in err


@pytest.mark.parametrize("backend", ["auto", "cuda", "ort"])
def test_a_part_of_onnx_runtime_is_none(marker_model, monkeypatch, tmp_path, backend):
    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA"):  # where no verdict on OpenVINO is kept
        monkeypatch.setenv(name, str(tmp_path))
    # what is left of onnxruntime-gpu once onnxruntime is uninstalled beside it
    monkeypatch.setitem(sys.modules, "onnxruntime", ModuleType("onnxruntime"))
    with pytest.raises(EngineUnavailable, match=r"is there in part.*pip install --force-reinstall"):
        engines.open_engine(marker_model, backend)


def test_onnx_runtime_without_cuda_names_the_remedy(marker_model):
    ort = pytest.importorskip("onnxruntime", reason="needs onnxruntime")
    if "CUDAExecutionProvider" in ort.get_available_providers():
        pytest.skip("this one has it")
    with pytest.raises(EngineUnavailable, match=r"has no CUDA, only .*--no-deps onnxruntime-gpu"):
        engines.open_engine(marker_model, "cuda")


@pytest.mark.parametrize(
    ("name", "backend", "wanted"),
    [("m.xml", "ort", "ov"), ("m.plan", "ov", "trt or rtx"), ("m.pt", "ort", "eager"),
     ("m.onnx", "eager", "another engine")],
)  # fmt: skip
def test_a_file_of_another_runtime_is_refused(tmp_path, name, backend, wanted):
    (tmp_path / name).write_bytes(b"x")
    with pytest.raises(EngineUnavailable, match=f"it is a file for {wanted}"):
        engines.open_engine(tmp_path / name, backend)


def test_auto_takes_the_first_that_opens(marker_model):
    engine = opened(marker_model, "auto")
    assert any(name in str(engine) for name in ("OpenVINO", "ONNX Runtime"))
    engine.close()


def test_auto_gives_every_reason(marker_model, monkeypatch):
    # None in sys.modules is how Python itself marks a module that cannot be imported
    monkeypatch.setitem(sys.modules, "openvino", None)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(EngineUnavailable) as caught:
        engines.open_engine(marker_model)
    for words in ("no engine works here", "pip install openvino", "pip install onnxruntime"):
        assert words in str(caught.value)


def test_auto_goes_on_where_a_runtime_is_missing(marker_model, monkeypatch):
    pytest.importorskip("onnxruntime", reason="needs onnxruntime, the one to fall back to")
    monkeypatch.setitem(sys.modules, "openvino", None)
    engine = engines.open_engine(marker_model)
    assert "ONNX Runtime" in str(engine)
    engine.close()


@pytest.mark.usefixtures("ov")
def test_openvino_reports_to_nobody(marker_model, tmp_path):
    program = (
        "import sys, threading, pathlib, engines\n"
        f"engines.open_engine(pathlib.Path({str(marker_model)!r}), 'ov').close()\n"
        "assert 'openvino' in sys.modules\n"
        "print([name for name in sys.modules if 'openvino_telemetry' in name])\n"
        "print(threading.active_count())"
    )
    # a home where nobody declined, outside CI, which OpenVINO spares
    environment = {
        k: v for k, v in os.environ.items() if k not in ("CI", "TF_BUILD", "JENKINS_URL")
    }
    environment |= {"HOME": str(tmp_path), "LOCALAPPDATA": str(tmp_path)}
    said = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    assert said.stdout.split() == ["[]", "1"]
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_engine_is_told_the_known_ones(marker_model):
    with pytest.raises(
        ValueError, match=r"no engine is called 'cuda9'; there are auto, cuda, eager, fake, ort"
    ):
        engines.open_engine(marker_model, "cuda9")


@pytest.mark.parametrize("name", ["auto", *engines.names()])
def test_a_missing_file_is_an_os_error(name, tmp_path):
    with pytest.raises(FileNotFoundError):
        engines.open_engine(tmp_path / "none.onnx", name)


def test_onnx_runtime_reports_to_nobody(marker_model, tmp_path):
    pytest.importorskip("onnxruntime", reason="needs onnxruntime")
    program = (
        "import os, pathlib, engines\n"
        f"engines.open_engine(pathlib.Path({str(marker_model)!r}), 'ort').close()\n"
        "print(os.environ['ORT_DISABLE_TELEMETRY'])"
    )
    environment = {k: v for k, v in os.environ.items() if k != "ORT_DISABLE_TELEMETRY"}
    environment |= {name: str(tmp_path) for name in ("HOME", "LOCALAPPDATA", "XDG_CACHE_HOME")}
    said = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    assert said.stdout == "1\n"
    assert list(tmp_path.iterdir()) == []  # else it keeps a number of its own for this user
