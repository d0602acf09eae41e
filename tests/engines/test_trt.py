"""The engine of TensorRT and TensorRT for RTX, on a GPU and runtimes that are imitated.

`fake_cuda` and `fake_tensorrt` stand for other people's modules. The answers are real: ONNX
Runtime's on the model that the plan carries; so one that is stale, half written or of the wrong
picture is found. What no imitation shows is the real runtimes on a real GPU.
"""

import threading
from pathlib import Path

import marker_graph
import numpy as np
import pytest
from fake_cuda import FakeCuda, cudaError_t
from fake_tensorrt import FakeTensorRt

import engines
from engines import EngineUnavailable, fake
from engines.build import build_plan, describe
from engines.gpu import Gpu
from engines.spec import SpecError, read_spec
from engines.trt import TrtEngine

FAILURE = cudaError_t.cudaErrorLaunchFailure
TITLES = {"tensorrt": "TensorRT", "tensorrt_rtx": "TensorRT for RTX"}


class Bench:
    """A runtime, a GPU and a plan of the marker model."""

    def __init__(self, name: str, model: Path) -> None:
        self.cuda, self.path, self.spec = FakeCuda(), model, read_spec(model)
        self.trt = FakeTensorRt(name, self.cuda)
        data = model.read_bytes()
        self.plan = build_plan(data, self.spec, self.trt, compute_capabilities=None)
        self.about = describe(data, self.spec, self.trt, capabilities=[(8, 9)])

    def open(self, plan: bytes | None = None) -> TrtEngine:
        title = TITLES[self.trt.__name__]
        gpu, plan = Gpu(self.cuda), plan or self.plan
        return TrtEngine(self.path, self.about, plan, self.trt, gpu, title=title)


@pytest.fixture(params=list(TITLES))
def bench(request, marker_model, monkeypatch, tmp_path) -> Bench:
    for name in ("HOME", "USERPROFILE", "LOCALAPPDATA", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    return Bench(request.param, marker_model)


@pytest.fixture(scope="module")
def reference(marker_model):
    engine = engines.open_engine(marker_model, "ort")
    yield engine
    engine.close()


def pictures(count: int, seed: int = 0) -> np.ndarray:
    """Grey pictures with the model's dots at random places."""
    rng = np.random.default_rng([seed, count])
    grey = np.full((*marker_graph.SPEC.input_hw, 3), 90, np.uint8)
    return np.stack(
        [fake.paint(grey, rng.uniform(8, 56, (8, 2)), radius_px=4.0) for _ in range(count)]
    )


def assert_same(got, wanted) -> None:
    for name in ("heatmaps", "visibility", "count"):
        np.testing.assert_allclose(getattr(got, name), getattr(wanted, name), atol=1e-5)


@pytest.mark.parametrize("count", [1, 2, 8, 9, 20])
def test_any_number_of_pictures(bench, reference, count):
    engine = bench.open()
    for seed in range(3):
        images = pictures(count, seed)
        assert_same(engine(images), reference(images))
    assert engine(pictures(1)[:0]).heatmaps.shape == (0, 8, 16, 24)
    engine.close()
    assert bench.cuda.left == 0


def test_a_call_is_one_launch(bench):
    engine = bench.open()
    bench.cuda.calls.clear()
    engine(pictures(1))
    assert bench.cuda.calls == ["cudaSetDevice", "cudaGraphLaunch", "cudaStreamSynchronize"]
    engine.close()


def test_it_says_what_it_runs_on(bench):
    engine = bench.open()
    title = TITLES[bench.trt.__name__]
    assert str(engine) == f"{title} 10.3.0 on NVIDIA GeForce RTX 4070 (8.9), fp16"
    engine.close()


def test_memory_for_a_batch_is_taken_at_the_first_batch(bench):
    engine = bench.open()
    one = bench.cuda.left
    engine(pictures(1))
    assert bench.cuda.left == one
    engine(pictures(2))
    both = bench.cuda.left
    assert both > one
    engine(pictures(9))
    assert bench.cuda.left == both
    engine.close()
    assert bench.cuda.left == 0


@pytest.mark.parametrize(
    "broken",
    [
        lambda _: lambda: None,
        lambda run: run() or (lambda: None),
    ],
    ids=["nothing computed", "computed once"],
)
def test_a_graph_that_replays_an_old_answer_is_found_out(bench, reference, broken):
    bench.trt.broken = broken
    engine = bench.open()
    assert str(engine).endswith("fp16, no CUDA graph for 1 (its replay gave another answer)")
    for seed in range(3):
        assert_same(engine(pictures(1, seed)), reference(pictures(1, seed)))
    engine.close()
    assert bench.cuda.left == 0


@pytest.mark.parametrize("end", ["host", "device"], ids=["up", "down"])
def test_a_graph_without_its_copies_is_found_out(bench, reference, monkeypatch, end):
    """As where a driver records no copy from memory that it does not know."""
    copy = FakeCuda.cudaMemcpyAsync

    def lossy(self, *words):
        _, source, size, _, stream = words
        lost = stream.recorded is not None and self.at(end, source, size)
        return (cudaError_t.cudaSuccess,) if lost else copy(self, *words)

    monkeypatch.setattr(FakeCuda, "cudaMemcpyAsync", lossy)
    engine = bench.open()
    assert "no CUDA graph for 1 (its replay gave another answer)" in str(engine)
    assert_same(engine(pictures(1)), reference(pictures(1)))
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
    assert_same(engine(pictures(1)), reference(pictures(1)))
    engine.close()
    assert bench.cuda.left == 0


CONSTRUCTION = [
    "cudaSetDevice",
    "cudaGetDeviceProperties",
    "cudaStreamCreateWithFlags",
    "cudaHostAlloc",
    "cudaMalloc",
    "cudaMemcpyAsync",
    "cudaStreamSynchronize",
]


@pytest.mark.parametrize("step", [*CONSTRUCTION, "cudaGraphLaunch"])
def test_a_failure_at_the_start_names_itself_and_leaves_nothing(bench, step):
    bench.cuda.fails[step] = FAILURE
    words = f"{step} failed on the GPU with cudaErrorLaunchFailure .in words.: see nvidia-smi"
    with pytest.raises(EngineUnavailable, match=words):
        bench.open()
    assert bench.cuda.left == 0


@pytest.mark.parametrize(
    "step",
    [
        "create_execution_context",
        "set_optimization_profile_async",
        "set_input_shape",
        "set_tensor_address",
        "execute_async_v3",
    ],
)
def test_a_refusal_of_the_runtime_is_in_its_own_words(bench, step):
    bench.trt.refuses.add(step)
    words = f"{bench.trt.__name__} 10.3.0 failed in {step} .{step}: Error Code 9: refused."
    with pytest.raises(EngineUnavailable, match=words):
        bench.open()
    assert bench.cuda.left == 0


@pytest.mark.parametrize("step", ["deserialize_cuda_engine", "Runtime"])
def test_a_plan_that_does_not_load(bench, step):
    bench.trt.refuses.add(step)
    with pytest.raises(EngineUnavailable, match=r"does not load the plan of .*markers.onnx"):
        bench.open()


@pytest.mark.parametrize("step", ["cudaSetDevice", "cudaGraphLaunch", "cudaStreamSynchronize"])
def test_a_failure_in_a_call_is_told_and_never_an_old_answer(bench, reference, step):
    engine = bench.open()
    engine(pictures(1, seed=1))
    bench.cuda.fails[step] = FAILURE
    with pytest.raises(EngineUnavailable, match=f"{step} failed on the GPU"):
        engine(pictures(1))
    bench.cuda.fails.clear()
    assert_same(engine(pictures(1, seed=2)), reference(pictures(1, seed=2)))
    engine.close()
    assert bench.cuda.left == 0


def test_a_batch_that_finds_no_memory_leaves_the_single_picture(bench, reference):
    engine = bench.open()
    before = bench.cuda.left
    bench.cuda.fails["cudaMalloc"] = cudaError_t.cudaErrorMemoryAllocation
    with pytest.raises(EngineUnavailable, match=r"cudaMalloc failed .* cudaErrorMemoryAllocation"):
        engine(pictures(2))
    assert bench.cuda.left == before
    assert_same(engine(pictures(1)), reference(pictures(1)))
    bench.cuda.fails.clear()
    assert_same(engine(pictures(2)), reference(pictures(2)))
    engine.close()
    assert bench.cuda.left == 0


def test_an_answer_outlives_the_engine(bench, reference):
    engine = bench.open()
    answer = engine(pictures(1))
    engine.close()
    engine.close()
    assert_same(answer, reference(pictures(1)))
    with pytest.raises(RuntimeError, match="closed"):
        engine(pictures(1))
    assert "TensorRT" in str(engine)


def test_what_cannot_be_given_back_is_told(bench):
    engine = bench.open()
    bench.cuda.fails["cudaFree"] = FAILURE
    with pytest.raises(EngineUnavailable, match="cudaFree failed"):
        engine.close()
    assert not any(where == "host" for where, _ in bench.cuda.memory.values())
    engine.close()


def test_made_in_one_thread_used_and_closed_in_others(bench, reference):
    made: list[TrtEngine] = []
    got = []

    def in_a_thread(work) -> None:
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()

    in_a_thread(lambda: made.append(bench.open()))
    in_a_thread(lambda: got.append(made[0](pictures(1))))
    in_a_thread(lambda: got.append(made[0](pictures(3))))
    in_a_thread(made[0].close)
    assert_same(got[0], reference(pictures(1)))
    assert_same(got[1], reference(pictures(3)))
    assert bench.cuda.left == 0


def test_a_plan_that_does_not_fit_its_description(bench, tmp_path):
    path = marker_graph.write(tmp_path / "wrong.onnx", outputs=("heatmaps", "visibility"))
    plan = bench.plan.partition(b"\0")[0] + b"\0" + path.read_bytes()
    with pytest.raises(SpecError, match="lacks 'count'"):
        bench.open(plan)
    assert bench.cuda.left == 0
