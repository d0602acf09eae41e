"""A real plan, built by the real TensorRT for RTX on a machine that needs no GPU.

What a plan says of itself can be read only by a runtime with a driver. Here its network is held to
the model's signature, types and shapes; its profiles by what the builder logs of the finished
plan; and its header by the runtime's own check, which without a driver finds no other fault.
"""

import os
import signal
import threading

import marker_graph
import numpy as np
import pytest

import engines
from engines.build import BATCHES, build_plan, describe, log_of
from engines.fp16 import half_precision
from engines.plans import read_plan, write_plan
from engines.spec import EngineUnavailable, SpecError, read_spec

rtx = pytest.importorskip(
    "tensorrt_rtx", reason="needs TensorRT for RTX: pip install '.[tensorrt-rtx]' (not on macOS)"
)
pytest.importorskip("onnx", reason="needs onnx to write an FP16 graph: pip install onnx")

CARDS = ((8, 6), (8, 9), (12, 0))
MODEL = engines.DEFAULT_MODEL


@pytest.fixture(scope="module")
def half() -> bytes:
    """The bundled model in FP16."""
    return half_precision(MODEL.read_bytes())


@pytest.fixture
def said(monkeypatch) -> list[str]:
    """All that the runtime logs."""
    words: list[str] = []
    logger = log_of(rtx)
    quiet = type(logger).log

    def log(self, severity, text):
        words.append(text)
        quiet(self, severity, text)

    monkeypatch.setattr(type(logger), "log", log)
    return words


@pytest.fixture
def markers() -> bytes:
    return marker_graph.build(marker_graph.SPEC).SerializeToString()


def test_one_plan_of_the_bundled_model_for_three_generations_of_cards(half, said, capfd, tmp_path):
    spec = read_spec(MODEL)
    plan = build_plan(half, spec, rtx, compute_capabilities=CARDS)
    assert len(plan) > len(half) / 2
    layers = next(text for text in said if text.startswith("Engine Layer Information"))
    k, (h, w) = len(spec.keypoints), spec.heatmap_hw
    height, width = spec.input_hw
    for size in BATCHES:
        assert f"(UInt8[{size},{height},{width},3])" in layers
        assert f"(Float[{size},{k},{h},{w}])" in layers
        assert f"(Float[{size},{spec.max_cards + 1}])" in layers
    assert capfd.readouterr() == ("", "")

    runtime = rtx.Runtime(log_of(rtx))
    wrong = rtx.EngineInvalidityDiagnostics
    faults = int(wrong.MALFORMED_ENGINE) | int(wrong.VERSION_MISMATCH)
    assert runtime.get_engine_validity(plan)[1] & faults == 0
    assert runtime.get_engine_validity(bytes(len(plan)))[1] & faults != 0

    about = describe(MODEL.read_bytes(), spec, rtx, capabilities=CARDS)
    write_plan(tmp_path / "packet.plan", plan, about)
    assert read_plan(tmp_path / "packet.plan") == (about, plan)


def test_the_network_is_in_half_precision(half):
    """A strongly typed network has the types of its graph: the convolutions' are FP16."""
    logger = log_of(rtx)
    network = rtx.Builder(logger).create_network(0)
    parser = rtx.OnnxParser(network, logger)
    assert parser.parse(half)
    layers = [network.get_layer(i) for i in range(network.num_layers)]
    convolutions = [layer for layer in layers if layer.type == rtx.LayerType.CONVOLUTION]
    assert len(convolutions) > 10
    assert {layer.get_output(0).dtype for layer in convolutions} == {rtx.DataType.HALF}
    assert network.get_input(0).dtype == rtx.DataType.UINT8
    outputs = [network.get_output(i) for i in range(network.num_outputs)]
    assert {output.dtype for output in outputs} == {rtx.DataType.FLOAT}


def test_progress_grows_and_can_break_the_build_off(half):
    spec, told = read_spec(MODEL), []

    def go_on(share: float) -> bool:
        told.append(share)
        return True

    build_plan(half, spec, rtx, compute_capabilities=CARDS[:1], progress=go_on)
    assert told == sorted(told)
    assert 0 < told[0] < 0.2
    assert 0.8 < told[-1] <= 1
    with pytest.raises(EngineUnavailable, match=r"tensorrt_rtx .* was broken off"):
        build_plan(
            half, spec, rtx, compute_capabilities=CARDS[:1], progress=lambda share: share < 0.1
        )


@pytest.mark.skipif(os.name != "posix", reason="Ctrl-C reaches a process otherwise elsewhere")
def test_ctrl_c_breaks_a_build_off(half, capfd):
    told = []

    def interrupted(share: float) -> bool:
        told.append(share)
        if len(told) == 3:
            os.kill(os.getpid(), signal.SIGINT)
        return True

    with pytest.raises(KeyboardInterrupt):
        build_plan(
            half, read_spec(MODEL), rtx, compute_capabilities=CARDS[:1], progress=interrupted
        )
    assert len(told) < 20
    assert capfd.readouterr() == ("", "")
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)  # the handler of before is back


def test_other_threads_run_on_while_a_plan_is_built(half):
    done = threading.Event()
    ticks = 0

    def build():
        build_plan(half, read_spec(MODEL), rtx, compute_capabilities=CARDS[:1])
        done.set()

    thread = threading.Thread(target=build)
    thread.start()
    while not done.wait(0.002):
        ticks += 1
    thread.join()
    assert ticks > 10


def test_a_card_that_it_does_not_serve_is_named(half):
    with pytest.raises(EngineUnavailable, match=r"serves GPUs of .* 12\.0, .*not 9\.0: use"):
        build_plan(half, read_spec(MODEL), rtx, compute_capabilities=[(9, 0)])


def test_what_is_no_model_is_refused_in_the_parsers_words(capfd):
    with pytest.raises(
        EngineUnavailable, match=r"cannot read this model \(.*parse.*upgrade"
    ) as got:
        build_plan(b"nonsense", marker_graph.SPEC, rtx, compute_capabilities=CARDS)
    assert "\n" not in str(got.value)
    assert capfd.readouterr() == ("", "")


def test_an_operator_that_it_does_not_know_is_named():
    model = marker_graph.build(marker_graph.SPEC)
    next(node for node in model.graph.node if node.op_type == "Relu").op_type = "Unheard"
    with pytest.raises(EngineUnavailable, match=r"cannot read this model \(.*Unheard"):
        build_plan(model.SerializeToString(), marker_graph.SPEC, rtx, compute_capabilities=CARDS)


def test_a_graph_that_does_not_fit_its_description_is_no_plan(markers):
    spec = read_spec(MODEL)
    with pytest.raises(SpecError, match="does not fit its description"):
        build_plan(markers, spec, rtx, compute_capabilities=CARDS)


def test_the_marker_graph_builds_too(markers):
    spec = marker_graph.SPEC
    plan = build_plan(half_precision(markers), spec, rtx, compute_capabilities=CARDS)
    assert len(plan) > 1000


def test_a_description_tells_one_build_from_another():
    model, spec = MODEL.read_bytes(), read_spec(MODEL)
    one = describe(model, spec, rtx, capabilities=CARDS)
    assert one == describe(model, spec, rtx, capabilities=CARDS)
    assert (one.runtime, one.version, one.precision) == ("tensorrt_rtx", rtx.__version__, "fp16")
    others = [
        describe(model + b"\0", spec, rtx, capabilities=CARDS),
        describe(model, spec, rtx, capabilities=CARDS[:1]),
        describe(model, spec, rtx, capabilities=CARDS, device="NVIDIA GeForce RTX 4070"),
        describe(model, spec, np, capabilities=CARDS),
    ]
    assert len({about.file_name for about in [one, *others]}) == 5
