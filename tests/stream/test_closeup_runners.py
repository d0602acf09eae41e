"""Who computes the close-ups: OpenVINO where it can be relied on, OpenCV everywhere."""

from __future__ import annotations

import sys

import cv2
import numpy as np
import pytest

from engines.small import SmallNetwork
from engines.spec import EngineUnavailable
from stream import closeup_network, closeups
from stream.closeup_network import OUTPUTS, WEIGHTS, CloseUpNetwork, quickest
from stream.synth import Renderer, SceneConfig


def graph() -> np.ndarray:
    with np.load(WEIGHTS) as stored:
        return stored["convolutions"]


def by_opencv(x: np.ndarray) -> list[np.ndarray]:
    network = cv2.dnn.readNetFromONNX(graph())
    network.setInput(x)
    return list(network.forward(OUTPUTS))


@pytest.mark.parametrize("threads", [1, 2])
def test_openvino_says_what_opencv_says_of_any_number_of_patches(threads):
    network, rng = SmallNetwork(graph().tobytes(), OUTPUTS, threads), np.random.default_rng(3)
    for count in (4, 1, 3, 2, 4):
        x = rng.normal(size=(count, 5, closeups.SIZE, closeups.SIZE)).astype(np.float32)
        for got, wanted in zip(network(x), by_opencv(x), strict=True):
            assert got.dtype == np.float32
            assert got.shape == wanted.shape
            assert np.abs(got - wanted).max() < 0.03 * np.abs(wanted).max()


def test_an_answer_is_not_written_to_again():
    network = SmallNetwork(graph().tobytes(), OUTPUTS, 1)
    rng = np.random.default_rng(3)
    first, second = rng.normal(size=(2, 4, 5, closeups.SIZE, closeups.SIZE)).astype(np.float32)
    answer = network(first)[0]
    kept = answer.copy()
    network(second)
    np.testing.assert_array_equal(answer, kept)


def test_a_file_that_is_no_network_is_refused():
    with pytest.raises(EngineUnavailable, match="OpenVINO refuses a small network"):
        SmallNetwork(b"no network", OUTPUTS, 1)


def test_places_are_the_same_to_a_part_of_their_doubt(monkeypatch):
    renderer, rng = Renderer(SceneConfig(extent=(0.4, 0.9), held=0.0)), np.random.default_rng(5)
    shots = [renderer.sample(rng, (480, 640)) for _ in range(8)]
    edges = [
        edge
        for shot in shots
        for edge in closeups.cut(shot.image, shot.xy, shot.visible.astype(np.float64))
    ]
    quick = CloseUpNetwork.bundled()(edges)
    monkeypatch.setitem(sys.modules, "openvino", None)
    slow = CloseUpNetwork.bundled()(edges)
    for a, b in zip(quick, slow, strict=True):
        off = np.linalg.norm(a.places - b.places, axis=1)
        assert (off < 0.1 * np.sqrt(np.trace(b.covariance, axis1=1, axis2=2) / 2)).all()
        np.testing.assert_allclose(a.seen, b.seen, atol=0.1)


def test_opencv_does_it_where_openvino_does_not_load(monkeypatch):
    monkeypatch.setitem(sys.modules, "openvino", None)
    x = np.ones((1, 5, closeups.SIZE, closeups.SIZE), np.float32)
    np.testing.assert_array_equal(quickest(graph())(x)[0], by_opencv(x)[0])


def test_opencv_does_it_where_openvino_says_something_else(monkeypatch, caplog):
    monkeypatch.setattr(closeup_network, "AGREED", 0.0)  # also in f32 they differ somewhere
    x = np.ones((1, 5, closeups.SIZE, closeups.SIZE), np.float32)
    np.testing.assert_array_equal(quickest(graph())(x)[0], by_opencv(x)[0])
    assert "OpenVINO misreads close-ups on this machine" in caplog.text
