"""A CUDA graph is replayed only if its answer is new; any other costs the graph and not the answer.

On `fake_cuda`, which runs a recorded copy or network when the record is launched and not before.
"""

import marker_graph
import numpy as np
import pytest
from fake_cuda import FakeCuda, cudaError_t
from trt_bench import TITLES, Bench, assert_same, new_home, pictures

import engines
from engines.build import log_of
from engines.spec import read_spec

FOUND_OUT = "no CUDA graph for 1 (its replay gave another answer)"
BROKEN = {
    "nothing computed": lambda _: lambda: None,
    "computed once": lambda run: run() or (lambda: None),
}


@pytest.fixture(params=list(TITLES))
def runtime(request, monkeypatch, tmp_path) -> str:
    new_home(monkeypatch, tmp_path)
    return request.param


@pytest.fixture
def bench(runtime, marker_model) -> Bench:
    return Bench(runtime, marker_model)


@pytest.fixture(scope="module")
def reference(marker_model):
    engine = engines.open_engine(marker_model, "ort")
    yield engine
    engine.close()


def without_copies(monkeypatch, end: str) -> None:
    """As where a driver records no copy from memory that it does not know."""
    copy = FakeCuda.cudaMemcpyAsync

    def lossy(self, *words):
        _, source, size, _, stream = words
        lost = stream.recorded is not None and self.at(end, source, size)
        return (cudaError_t.cudaSuccess,) if lost else copy(self, *words)

    monkeypatch.setattr(FakeCuda, "cudaMemcpyAsync", lossy)


def break_it(bench, monkeypatch, how: str) -> None:
    """A graph that is stale in one of the ways of `BROKEN`, or by a copy that is not recorded."""
    if how in BROKEN:
        bench.trt.broken = BROKEN[how]
    else:
        without_copies(monkeypatch, how)


@pytest.mark.parametrize("broken", list(BROKEN))
def test_a_graph_that_replays_an_old_answer_is_found_out(bench, reference, broken):
    bench.trt.broken = BROKEN[broken]
    engine = bench.open()
    assert str(engine).endswith(f"fp16, {FOUND_OUT}")
    for seed in range(3):
        assert_same(engine(pictures(1, seed)), reference(pictures(1, seed)))
    engine.close()
    assert bench.cuda.left == 0


@pytest.mark.parametrize("end", ["host", "device"], ids=["up", "down"])
def test_a_graph_without_its_copies_is_found_out(bench, reference, monkeypatch, end):
    without_copies(monkeypatch, end)
    engine = bench.open()
    assert FOUND_OUT in str(engine)
    assert_same(engine(pictures(1)), reference(pictures(1)))
    engine.close()


@pytest.mark.parametrize("broken", ["host", "device", *BROKEN])
def test_so_it_is_with_a_network_that_sees_no_packet_in_noise(runtime, monkeypatch, broken):
    bench = Bench(runtime, engines.DEFAULT_MODEL)
    good = bench.open()
    assert "no CUDA graph" not in str(good)
    good.close()
    break_it(bench, monkeypatch, broken)
    engine = bench.open()
    assert FOUND_OUT in str(engine)
    engine.close()


@pytest.mark.parametrize("broken", ["device", "nothing computed"])
def test_and_with_one_that_has_one_answer_to_all(runtime, monkeypatch, tmp_path, broken):
    import onnx
    from onnx import numpy_helper

    model = marker_graph.build(marker_graph.SPEC)
    (blur,) = [weight for weight in model.graph.initializer if weight.name == "blur"]
    blur.CopyFrom(numpy_helper.from_array(0 * numpy_helper.to_array(blur), "blur"))
    onnx.save(model, str(tmp_path / "blind.onnx"))
    bench = Bench(runtime, tmp_path / "blind.onnx")
    good = bench.open()
    assert "no CUDA graph" not in str(good)
    good.close()
    break_it(bench, monkeypatch, broken)
    engine = bench.open()
    assert FOUND_OUT in str(engine)
    assert not engine(np.zeros((1, *read_spec(bench.path).input_hw, 3), np.uint8)).heatmaps.any()
    engine.close()


@pytest.mark.parametrize(
    "step",
    ["cudaStreamBeginCapture", "cudaStreamEndCapture", "cudaGraphInstantiate", "cudaGraphDestroy"],
)
def test_a_refused_capture_costs_the_graph_alone(bench, reference, step):
    bench.cuda.fails[step] = cudaError_t.cudaErrorStreamCaptureUnsupported
    engine = bench.open()
    words = f"no CUDA graph for 1 ({step} failed on the GPU with cudaErrorStreamCaptureUnsupported"
    assert words in str(engine)
    assert len(str(engine).splitlines()) == 1
    for count in (1, 3, 1):
        assert_same(engine(pictures(count)), reference(pictures(count)))
    assert "no CUDA graph for 8" in str(engine)
    bench.cuda.fails.clear()
    engine.close()


@pytest.mark.parametrize("refused", ["capture", "is_stream_capturable"])
def test_a_runtime_that_cannot_be_captured(bench, reference, refused):
    bench.trt.refuses.add(refused)
    engine = bench.open()
    assert "no CUDA graph for 1 (" in str(engine)
    log_of(bench.trt).error = "of long ago"
    assert_same(engine(pictures(2)), reference(pictures(2)))
    assert "no CUDA graph for 8 (" in str(engine)
    assert "of long ago" not in str(engine)
    assert_same(engine(pictures(1)), reference(pictures(1)))
    engine.close()
    assert bench.cuda.left == 0
