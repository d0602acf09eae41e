import sys
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

import engines
from engines import compiled, ort, ov, parity, plans, rtx, trt
from engines.spec import Disagreement, EngineUnavailable, SpecError, read_spec
from train import cli, formats
from train.formats import Model


@pytest.fixture(scope="module")
def model():
    return Model.load(engines.DEFAULT_MODEL)


def of_another(model: Model) -> Model:
    """The model with something else to say: every corner a pixel away."""
    said = model.reading
    return Model(model.path, model.spec, replace(said, xy=said.xy + 1))


def test_fp16_is_written_with_the_gates_figures(model, tmp_path):
    said = formats.onnx_fp16(model, tmp_path / "half.onnx")
    assert said.startswith("corners 0.0")
    assert read_spec(tmp_path / "half.onnx") == model.spec
    engine = ort.open_model(tmp_path / "half.onnx")
    assert parity.compare(parity.read(engine), model.reading).holds
    engine.close()
    assert [path.name for path in tmp_path.iterdir()] == ["half.onnx"]


def test_what_misses_the_gate_is_not_written(model, tmp_path):
    kept = tmp_path / "half.onnx"
    kept.write_bytes(b"what was here before")
    with pytest.raises(Disagreement, match=r"was not written: .*corners 1\.4\d px"):
        formats.onnx_fp16(of_another(model), kept)
    assert kept.read_bytes() == b"what was here before"
    assert list(tmp_path.iterdir()) == [kept]


@pytest.mark.usefixtures("ov")
class TestOpenVino:
    def test_a_file_of_its_own_says_all_that_the_model_says(self, model, tmp_path):
        formats.openvino(model, tmp_path / "packet.xml")
        assert sorted(path.name for path in tmp_path.iterdir()) == ["packet.bin", "packet.xml"]
        engine = engines.open_engine(tmp_path / "packet.xml")
        assert engine.spec == model.spec
        assert "OpenVINO" in str(engine)
        images = parity.pictures(model.spec.input_hw)[:2]
        reference = ort.open_model(model.path)
        np.testing.assert_allclose(engine(images).heatmaps, reference(images).heatmaps, atol=0.05)
        reference.close()
        engine.close()

    def test_what_bf16_misses_is_opened_in_f32(self, model, tmp_path, monkeypatch):
        in_f32, compare, exact = ov.open_exact, parity.compare, []

        def opened(path):
            exact.append(path)
            return in_f32(path)

        def harmed(got, wanted):
            found = compare(got, wanted)
            return found if exact else replace(found, corners_px=9.0)

        monkeypatch.setattr(ov, "open_exact", opened)
        monkeypatch.setattr(parity, "compare", harmed)
        said = formats.openvino(model, tmp_path / "packet.xml")
        assert said.endswith("f32)")
        assert len(exact) == 1
        assert sorted(path.name for path in tmp_path.iterdir()) == ["packet.bin", "packet.xml"]

    def test_it_is_held_to_what_it_was_told_to_say(self, model, tmp_path, monkeypatch):
        monkeypatch.setattr(parity.Parity, "holds", True)  # written by somebody who looked away
        formats.openvino(of_another(model), tmp_path / "packet.xml")
        monkeypatch.undo()
        with pytest.raises(EngineUnavailable, match=r"corners 1\.4\d px"):
            engines.open_engine(tmp_path / "packet.xml")

    def test_a_file_that_is_not_ours_is_refused_with_what_is_missing(self, model, tmp_path):
        network = compiled.core(compiled.runtime()).read_model(model.path)
        compiled.runtime().serialize(network, tmp_path / "foreign.xml")
        with pytest.raises(SpecError, match="without a kpstream description"):
            engines.open_engine(tmp_path / "foreign.xml")

    def test_int8_that_misses_the_gate_is_refused_with_the_figures(
        self, model, tmp_path, monkeypatch
    ):
        pytest.importorskip("nncf", reason="needs nncf: pip install 'kpstream[int8]'")
        monkeypatch.setattr(formats, "CALIBRATION", 4)
        with pytest.raises(
            Disagreement, match=r"was not written: .*cards \(.* allowed\).*int8 and"
        ):
            formats.openvino(model, tmp_path / "packet.xml", int8=True)
        assert not list(tmp_path.iterdir())

    def test_int8_without_nncf_names_the_remedy(self, model, tmp_path, monkeypatch):
        monkeypatch.setitem(sys.modules, "nncf", None)
        with pytest.raises(EngineUnavailable, match=r"pip install 'kpstream\[int8\]'"):
            formats.openvino(model, tmp_path / "packet.xml", int8=True)


def test_a_plan_is_built_without_a_gpu_and_carries_what_it_has_to_say(model, tmp_path):
    pytest.importorskip("tensorrt_rtx", reason="needs tensorrt-rtx-cu13")
    out = tmp_path / "packet.plan"
    said = formats.plan(model, out, rtx.RTX, [(8, 6), (8, 9), (12, 0)])
    assert said.startswith("for compute capability 8.6, 8.9, 12.0")
    about, plan = plans.read_plan(out)
    assert about.capabilities == ((8, 6), (8, 9), (12, 0))
    assert about.device is None
    assert len(plan) > 1_000_000
    assert parity.compare(rtx.carried(out), model.reading).holds


def test_without_a_gpu_tensorrt_says_which_step_failed(model, tmp_path):
    for runtime in (trt.TENSORRT, rtx.RTX):
        try:
            formats.plan(model, tmp_path / "packet.plan", runtime)
        except EngineUnavailable as error:
            assert any(step in str(error) for step in ("does not load", "driver", "GPU"))  # noqa: PT017
    assert not [path for path in tmp_path.iterdir() if path.stat().st_size == 0]


def test_a_plan_for_no_gpu_in_particular_asks_for_one_by_name(model, monkeypatch, tmp_path):
    pytest.importorskip("tensorrt_rtx", reason="needs tensorrt-rtx-cu13")
    monkeypatch.setitem(sys.modules, "cuda.bindings.runtime", None)
    with pytest.raises(EngineUnavailable, match="or name the GPUs to build for with --sm"):
        formats.plan(model, tmp_path / "packet.plan", rtx.RTX)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--format", "openvino", "--out", "a.onnx"], "is written to a .xml, got a.onnx"),
        (["--format", "tensorrt-rtx", "--out", "a.onnx"], "is written to a .plan"),
        (["--out", "a.onnx"], "packet-nano.onnx; this is ONNX already"),
        (["--format", "openvino", "--sm", "86", "--out", "a.xml"], "--sm goes with"),
        (["--format", "onnx-fp16", "--int8", "--out", "a.onnx"], "--int8 goes with"),
        (["--format", "onnx-fp16", "--half", "--out", "a.onnx"], "--half goes with"),
        (["--format", "tensorrt-rtx", "--sm", "8.6", "--out", "a.plan"], "86,89,120"),
    ],
)
def test_wrong_usage(words, says, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as end:
        cli.main(["export", str(engines.DEFAULT_MODEL), *words])
    assert end.value.code == 2
    assert says in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize("kind", [[], ["--format", "onnx-fp16"]])
def test_a_model_that_is_not_there_is_told_as_that(kind, capsys, tmp_path):
    missing = tmp_path / "nothere"
    assert cli.main(["export", str(missing), *kind, "--out", str(tmp_path / "x.onnx")]) == 1
    said = " ".join(capsys.readouterr().err.split())
    assert f"there is no file {missing}: name last.pt of a run, or an ONNX file" in said
    assert "already" not in said


def test_a_model_is_not_written_over_itself(capsys, tmp_path):
    model = tmp_path / "packet.onnx"
    model.write_bytes(engines.DEFAULT_MODEL.read_bytes())
    with pytest.raises(SystemExit) as end:
        cli.main(["export", str(model), "--format", "onnx-fp16", "--out", str(model)])
    assert end.value.code == 2
    assert "is the model itself: name another file" in " ".join(capsys.readouterr().err.split())
    assert model.read_bytes() == engines.DEFAULT_MODEL.read_bytes()


def test_the_command_says_what_it_wrote(capsys, tmp_path):
    (tmp_path / "half.bin").write_bytes(bytes(5_000_000))  # what OpenVINO's file left beside it
    words = ["export", str(engines.DEFAULT_MODEL), "--format", "onnx-fp16", "--out"]
    assert cli.main([*words, str(tmp_path / "half.onnx")]) == 0
    size = (tmp_path / "half.onnx").stat().st_size / 1e6
    assert f"half.onnx: {size:.1f} MB, corners 0.0" in capsys.readouterr().out
