import marker_graph
import numpy as np
import pytest

import engines
from engines import ort
from engines.fp16 import half_precision
from engines.spec import read_spec

onnx = pytest.importorskip("onnx", reason="needs onnx to take graphs apart: pip install onnx")


@pytest.fixture(scope="module")
def bundled() -> bytes:
    return engines.DEFAULT_MODEL.read_bytes()


@pytest.fixture(scope="module")
def halved(bundled) -> bytes:
    return half_precision(bundled)


def types(model: bytes) -> dict[str, int]:
    inferred = onnx.shape_inference.infer_shapes(onnx.load_from_string(model), strict_mode=True)
    graph = inferred.graph
    found = {t.name: t.data_type for t in graph.initializer}
    values = [*graph.value_info, *graph.input, *graph.output]
    return found | {value.name: value.type.tensor_type.elem_type for value in values}


def answers(model, path, pictures):
    path.write_bytes(model)
    engine = ort.open_model(path)
    given = [engine(picture[None]) for picture in pictures]
    engine.close()
    return given


def test_every_convolution_takes_and_gives_fp16(halved):
    kinds = types(halved)
    graph = onnx.load_from_string(halved).graph
    convolutions = [node for node in graph.node if node.op_type == "Conv"]
    assert len(convolutions) > 10
    for node in convolutions:
        assert {kinds[name] for name in [*node.input, *node.output]} == {onnx.TensorProto.FLOAT16}


def test_pixels_and_probabilities_stay_in_fp32(halved):
    kinds = types(halved)
    graph = onnx.load_from_string(halved).graph
    assert {kinds[o.name] for o in graph.output} == {onnx.TensorProto.FLOAT}
    kept = {"Sub", "Softmax", "Sigmoid", "Log", "Exp", "ReduceSum", "Div", "Sqrt"}
    there = [node for node in graph.node if node.op_type in kept]
    assert {node.op_type for node in there} == kept
    assert {kinds[node.output[0]] for node in there} == {onnx.TensorProto.FLOAT}


def test_the_signature_and_the_description_stay(bundled, halved, tmp_path):
    (tmp_path / "half.onnx").write_bytes(halved)
    assert read_spec(tmp_path / "half.onnx") == read_spec(engines.DEFAULT_MODEL)
    before, after = (onnx.load_from_string(model).graph for model in (bundled, halved))
    assert list(before.input) == list(after.input)
    assert list(before.output) == list(after.output)


def test_it_says_what_it_said_in_fp32(tmp_path, gate_pictures, bundled, halved):
    """ONNX Runtime rounds every FP16 tensor on the CPU as a GPU does, and sums in FP32."""
    wanted = answers(bundled, tmp_path / "full.onnx", gate_pictures[:6])
    got = answers(halved, tmp_path / "half.onnx", gate_pictures[:6])
    for want, have in zip(wanted, got, strict=True):
        np.testing.assert_allclose(have.heatmaps, want.heatmaps, atol=0.01)
        np.testing.assert_allclose(have.visibility, want.visibility, atol=0.02)
        cards = np.arange(have.count.shape[1])
        assert have.count[0] @ cards == pytest.approx(want.count[0] @ cards, abs=0.1)
        assert not np.array_equal(have.heatmaps, want.heatmaps)  # it was computed otherwise


def test_a_graph_in_fp16_comes_back_as_it_is(halved):
    again = onnx.load_from_string(half_precision(halved))
    assert types(again.SerializeToString()) == types(halved)
    assert len(again.graph.node) == len(onnx.load_from_string(halved).graph.node)


def test_a_small_graph_whose_weights_are_shared_and_whose_convolution_is_an_output(tmp_path):
    model = marker_graph.build(marker_graph.SPEC).SerializeToString()
    half = half_precision(model)
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 256, (2, *marker_graph.SPEC.input_hw, 3), np.uint8)
    (want, _), (have, _) = (
        answers(m, tmp_path / f"{n}.onnx", pictures) for n, m in enumerate((model, half))
    )
    np.testing.assert_allclose(have.heatmaps, want.heatmaps, atol=2e-3)
    assert types(half)["heatmaps"] == onnx.TensorProto.FLOAT


def test_without_onnx_the_remedy_is_named(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(engines.EngineUnavailable, match="pip install onnx"):
        half_precision(b"")
