"""The engine of TensorRT and TensorRT for RTX, on a GPU and runtimes that are imitated.

`fake_cuda` and `fake_tensorrt` stand for other people's modules. The answers are real: ONNX
Runtime's on the model that the plan carries; so one that is stale, half written or of the wrong
picture is found. What no imitation shows is the real runtimes on a real GPU.
"""

import threading

import marker_graph
import pytest
from fake_cuda import cudaError_t
from trt_bench import TITLES, Bench, assert_same, new_home, pictures

import engines
from engines import EngineUnavailable
from engines.gpu import Gpu
from engines.spec import SpecError
from engines.trt import TrtEngine

FAILURE = cudaError_t.cudaErrorLaunchFailure


@pytest.fixture(params=list(TITLES))
def bench(request, marker_model, monkeypatch, tmp_path) -> Bench:
    new_home(monkeypatch, tmp_path)
    return Bench(request.param, marker_model)


@pytest.fixture(scope="module")
def reference(marker_model):
    engine = engines.open_engine(marker_model, "ort")
    yield engine
    engine.close()


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

    gpu = Gpu(bench.cuda)
    in_a_thread(lambda: made.append(bench.open(gpu=gpu)))
    in_a_thread(lambda: got.append(made[0](pictures(1))))
    in_a_thread(lambda: got.append(made[0](pictures(3))))
    in_a_thread(made[0].close)
    assert_same(got[0], reference(pictures(1)))
    assert_same(got[1], reference(pictures(3)))
    assert bench.cuda.left == 0


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"outputs": ("heatmaps", "visibility")}, "lacks 'count'"),
        ({"input_name": "photos"}, "lacks 'images'"),
    ],
    ids=["output", "input"],
)
def test_a_plan_that_does_not_fit_its_description(bench, tmp_path, changes, words):
    path = marker_graph.write(tmp_path / "wrong.onnx", **changes)
    plan = bench.plan.partition(b"\0")[0] + b"\0" + path.read_bytes()
    with pytest.raises(SpecError, match=words):
        bench.open(plan)
    assert bench.cuda.left == 0


def test_the_first_failure_is_told_not_those_that_follow(bench):
    for name in ("cudaStreamSynchronize", "cudaFree", "cudaFreeHost", "cudaStreamDestroy"):
        bench.cuda.fails[name] = FAILURE
    with pytest.raises(EngineUnavailable, match="cudaStreamSynchronize failed"):
        bench.open()
