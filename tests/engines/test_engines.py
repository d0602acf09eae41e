"""One suite over every file of the folder engines/: a new engine is tested by existing."""

import subprocess
import sys
from pathlib import Path

import marker_graph
import numpy as np
import pytest

import engines
from engines import Engine, EngineUnavailable, Prediction, fake, ort
from engines.spec import read_spec
from stream.synth import Renderer, SceneConfig

XY = np.array(
    [
        [[14.5, 13.0], [40.2, 14.7], [66.0, 12.3], [82.0, 31.5]],
        [[17.0, 44.0], [33.0, 50.4], [52.0, 36.0], [70.0, 49.5]],
    ]
).reshape(8, 2)
OTHER_XY = XY[::-1] * 0.9 + 2


# all but the one that runs a trainer's checkpoints: tests/train/test_eager.py
@pytest.fixture(params=[name for name in engines.names() if name != "eager"])
def backend(request) -> str:
    return request.param


@pytest.fixture
def engine(backend, marker_model):
    engine = opened(marker_model, backend)
    yield engine
    engine.close()


def opened(model: Path, backend: str) -> Engine:
    try:
        return engines.open_engine(model, backend)
    except EngineUnavailable as error:
        pytest.skip(f"{backend}: {error}")


def pictures(*points: np.ndarray) -> np.ndarray:
    grey = np.full((*marker_graph.SPEC.input_hw, 3), 90, np.uint8)
    return np.stack([fake.paint(grey, xy, radius_px=4.0) for xy in points])


def centres(prediction: Prediction, stride: int) -> np.ndarray:
    """Heatmaps → input px (B, K, 2) of each one's centre of mass."""
    maps = prediction.heatmaps.astype(float) ** 2
    y, x = (np.indices(maps.shape[2:]) + 0.5) * stride - 0.5
    mass = maps.sum(axis=(2, 3))
    return (
        np.stack([(maps * x).sum(axis=(2, 3)), (maps * y).sum(axis=(2, 3))], axis=-1)
        / (np.maximum(mass, 1e-12)[..., None])
    )


def assert_kept(prediction: Prediction, spec: engines.ModelSpec, batch: int) -> None:
    """The promises that every answer keeps."""
    k = len(spec.keypoints)
    assert prediction.heatmaps.shape == (batch, k, *spec.heatmap_hw)
    assert prediction.heatmaps.dtype == np.float32
    assert prediction.heatmaps.min() >= 0
    assert prediction.heatmaps.max() <= 1
    if prediction.visibility is not None:
        assert prediction.visibility.shape == (batch, k)
        assert prediction.visibility.dtype == np.float32
        assert ((prediction.visibility >= 0) & (prediction.visibility <= 1)).all()
    if spec.max_cards is None:
        assert prediction.count is None
    else:
        assert prediction.count is not None
        assert prediction.count.shape == (batch, spec.max_cards + 1)
        assert prediction.count.dtype == np.float32
        np.testing.assert_allclose(prediction.count.sum(axis=1), 1, atol=1e-4)


def test_the_folder_is_the_registry():
    runtimes = {"cuda", "eager", "fake", "ort", "ov", "rtx", "trt"}
    assert set(engines.names()) == runtimes  # a module beside them is named in _NOT_BACKENDS
    assert set(engines.AUTO_ORDER) <= set(engines.names())


@pytest.mark.parametrize("batch", [1, 2])
def test_shapes_and_types(engine, batch):
    assert_kept(engine(pictures(*[XY] * batch)), marker_graph.SPEC, batch)


def test_the_batch_may_change_between_calls(engine):
    assert_kept(engine(pictures(XY)), marker_graph.SPEC, 1)
    three = engine(pictures(OTHER_XY, XY, XY))
    assert_kept(three, marker_graph.SPEC, 3)
    kept = centres(three, 4)
    np.testing.assert_allclose(kept[0], OTHER_XY, atol=0.5)
    np.testing.assert_allclose(kept[1:], [XY, XY], atol=0.5)
    np.testing.assert_allclose(centres(engine(pictures(XY)), 4)[0], XY, atol=0.5)


def test_dots_are_found_where_they_were_painted(engine):
    seen = OTHER_XY.copy()
    seen[3] = np.nan
    answer = engine(pictures(XY, seen))
    np.testing.assert_allclose(centres(answer, 4)[0], XY, atol=0.5)
    np.testing.assert_allclose(answer.visibility, np.isfinite([XY, seen])[..., 0], atol=0.01)
    np.testing.assert_allclose(answer.count @ np.arange(53), marker_graph.CARDS, atol=0.01)


def test_nothing_in_the_picture_is_no_packet(engine):
    answer = engine(pictures(np.full((8, 2), np.nan)))
    assert answer.heatmaps.max() == 0
    assert answer.visibility.max() == 0
    assert answer.count[0, 0] == pytest.approx(1)


def test_memory_layout_does_not_matter(engine):
    plain = pictures(XY)
    want = engine(plain).heatmaps.copy()
    padded = np.zeros((1, 70, 101, 3), np.uint8)
    padded[:, 3:67, 2:98] = plain
    for images in (padded[:, 3:67, 2:98], plain[..., ::-1].copy()[..., ::-1]):
        assert not images.flags.c_contiguous
        np.testing.assert_array_equal(engine(images).heatmaps, want)
    frozen = plain.copy()
    frozen.flags.writeable = False
    np.testing.assert_array_equal(engine(frozen).heatmaps, want)


def test_pictures_are_left_as_they_were(engine):
    images = pictures(XY)
    before = images.copy()
    engine(images)
    np.testing.assert_array_equal(images, before)


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((1, 96, 64, 3), np.uint8),
        np.zeros((64, 96, 3), np.uint8),
        np.zeros((1, 64, 96, 4), np.uint8),
        np.zeros((1, 64, 96, 3), np.float32),
    ],
    ids=lambda wrong: f"{wrong.shape} {wrong.dtype}",
)
def test_wrong_pictures_are_refused(engine, wrong):
    with pytest.raises(
        ValueError, match=r"images must be \(B, 64, 96, 3\) uint8, got .*" + str(wrong.dtype)
    ):
        engine(wrong)


def test_close_twice_then_a_call_is_an_error(engine):
    engine.close()
    engine.close()
    with pytest.raises(RuntimeError, match="closed"):
        engine(pictures(XY))


def test_it_says_in_one_line_what_it_runs_on(engine, backend):
    words = {"ort": "ONNX Runtime", "ov": "OpenVINO", "fake": "fake"}.get(backend, "")
    assert words in str(engine)
    assert len(str(engine).splitlines()) == 1
    assert engine.spec == marker_graph.SPEC


def test_the_same_places_as_onnx_runtime(engine, marker_model):
    pytest.importorskip("onnxruntime", reason="needs onnxruntime, the reference")
    reference = opened(marker_model, "ort")
    images = pictures(XY, OTHER_XY)
    want = centres(reference(images), 4)
    reference.close()
    np.testing.assert_allclose(centres(engine(images), 4), want, atol=0.5)


def test_the_bundled_model_on_every_runtime(backend):
    spec = read_spec(engines.DEFAULT_MODEL)
    renderer = Renderer(SceneConfig(extent=(0.5, 0.8), occluder=0.0))
    images = np.stack(
        [renderer.sample(np.random.default_rng([5, i]), spec.input_hw).image for i in range(2)]
    )
    engine = opened(engines.DEFAULT_MODEL, backend)
    got = engine(images)
    assert_kept(got, spec, 2)
    if backend != "fake":  # which looks for dots, as no network does
        reference = opened(engines.DEFAULT_MODEL, "ort")
        want = reference(images)
        # OpenVINO rounds to bf16 where the processor does
        np.testing.assert_allclose(got.heatmaps, want.heatmaps, atol=0.05)
        cards = np.arange(spec.max_cards + 1)
        np.testing.assert_allclose(got.count @ cards, want.count @ cards, atol=0.75)
        reference.close()
    engine.close()


TWO_ENGINES = """
import gc, pathlib, signal, sys
import engines
two = [engines.open_engine(pathlib.Path(sys.argv[1]), sys.argv[2]) for _ in range(2)]
while two:
    two.pop(0).close()
    gc.collect()
try:
    signal.raise_signal(signal.SIGINT)
except KeyboardInterrupt:
    print("heard")
"""


def test_signals_are_heard_after_engines_went_in_the_order_they_came(backend, marker_model):
    opened(marker_model, backend).close()  # or skip
    done = subprocess.run(
        [sys.executable, "-c", TWO_ENGINES, marker_model, backend],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "heard\n"), done.stderr


def test_two_threads_of_a_core_are_one_where_only_the_system_tells(monkeypatch):
    monkeypatch.delattr("os.sched_getaffinity", raising=False)  # Windows and macOS
    monkeypatch.setattr("os.cpu_count", lambda: 16)
    monkeypatch.setattr("psutil.cpu_count", lambda logical: 16 if logical else 8)
    assert ort.physical_cores() == 8
    monkeypatch.setattr("psutil.cpu_count", lambda logical: 16 if logical else None)
    assert ort.physical_cores() == 16
