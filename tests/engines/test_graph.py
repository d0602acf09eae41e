"""A graph that does not fit its description is refused when it is opened, by every runtime."""

from dataclasses import replace
from pathlib import Path

import marker_graph
import numpy as np
import pytest
from marker_graph import SPEC

import engines
from engines import EngineUnavailable, SpecError
from engines.graph import Port, check_prediction
from engines.spec import Prediction

pytest.importorskip("onnx", reason="needs onnx to build a graph: pip install onnx")

NINE = replace(SPEC, keypoints=(*SPEC.keypoints, "ninth"), flip=(*SPEC.flip, 8))


@pytest.fixture(params=["ort", "ov"])
def runtime(request) -> str:
    module = {"ort": "onnxruntime", "ov": "openvino"}[request.param]
    pytest.importorskip(module, reason=f"needs {module}")
    return request.param


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"outputs": ("visibility", "count")}, "lacks 'heatmaps'"),
        ({"outputs": ("heatmaps", "visibility")}, "lacks 'count'"),
        ({"input_name": "x"}, "lacks 'images'; it has an input 'x'"),
        ({"input_type": "FLOAT"}, "has 'images' of float32 (?, 64, 96, 3), wanted uint8"),
        ({"graph_spec": replace(SPEC, input_hw=(96, 64))}, "wanted uint8 (?, 64, 96, 3)"),
        ({"graph_spec": NINE}, "has 'heatmaps' of float32 (?, 9, 16, 24), wanted float32 (?, 8,"),
        ({"graph_spec": replace(SPEC, stride=8)}, "(?, 8, 8, 12), wanted float32 (?, 8, 16, 24)"),
        ({"graph_spec": replace(SPEC, max_cards=60)}, "has 'count' of float32 (?, 61), wanted"),
        ({"batch": 1}, "takes a fixed number of pictures: export it with a dynamic batch"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_does_not_fit_is_named(runtime, changes, words, tmp_path):
    model = marker_graph.write(tmp_path / "wrong.onnx", **changes)
    with pytest.raises(SpecError) as caught:
        engines.open_engine(model, runtime)
    assert words in str(caught.value)
    assert "wrong.onnx" in str(caught.value)


def test_a_count_needs_max_cards(runtime, tmp_path):
    silent = replace(SPEC, max_cards=None)
    model = marker_graph.write(tmp_path / "wrong.onnx", silent, graph_spec=SPEC)
    with pytest.raises(SpecError, match="has 'count', but its description no max_cards"):
        engines.open_engine(model, runtime)


def test_visibility_and_count_may_be_absent(runtime, tmp_path):
    silent = replace(SPEC, max_cards=None)
    model = marker_graph.write(tmp_path / "m.onnx", silent, outputs=("heatmaps",))
    engine = engines.open_engine(model, runtime)
    answer = engine(np.zeros((2, 64, 96, 3), np.uint8))
    assert answer.visibility is None
    assert answer.count is None
    assert answer.heatmaps.shape == (2, 8, 16, 24)
    engine.close()


def test_a_graph_that_the_runtime_cannot_run_says_what_to_do(runtime, tmp_path):
    model = marker_graph.write(tmp_path / "odd.onnx", operator="NoSuchOperator")
    with pytest.raises(EngineUnavailable, match=r"refuses .*odd\.onnx(.|\n)*pip install --upgrade"):
        engines.open_engine(model, runtime)


def test_sizes_that_a_graph_leaves_open_are_checked_in_its_answer():
    answer = Prediction(np.zeros((1, 8, 24, 16), np.float32), None, np.zeros((1, 53), np.float32))
    with pytest.raises(SpecError, match=r"'heatmaps' of float32 \(1, 8, 24, 16\), wanted"):
        check_prediction(Path("m.onnx"), SPEC, answer)
    fits = replace(SPEC, input_hw=(96, 64))
    check_prediction(Path("m.onnx"), fits, answer)


def test_ports_agree_where_both_are_known():
    assert Port("uint8", (None, 4)).fits(Port("uint8", (2, None)))
    assert not Port("uint8", (None, 4)).fits(Port("uint8", (2, 5)))
    assert not Port("uint8", (4,)).fits(Port("uint8", (4, 1)))
    assert not Port("int8", (4,)).fits(Port("uint8", (4,)))
    assert str(Port("float32", (None, 8))) == "float32 (?, 8)"
