"""The network that is trained is the one that streams; it learns from real and rendered edges."""

import csv
from dataclasses import replace

import cv2
import numpy as np
import onnx
import pytest

pytest.importorskip("torch")

import torch

from engines import DEFAULT_MODEL
from engines.spec import ModelSpec
from stream.closeup_network import WEIGHTS, CloseUpNetwork, covariance_of
from stream.closeup_network import inputs as streamed
from stream.closeups import CloseUp
from stream.packet import KEYPOINTS
from train import cli, closeup_examples, closeups
from train.config import Config


def rendered(samples=8, **more):
    return Config(samples=samples, real=0.0, batch=16, lr=3e-3, workers=0, empty=0.0, **more)


@pytest.fixture(scope="module")
def given():
    return closeup_examples.examples(rendered(12), DEFAULT_MODEL)


def test_trainer_and_stream_say_the_same(given):
    torch.manual_seed(3)
    model = closeups.CloseUpModel().eval()
    some = given.at(slice(20))
    x = closeups.inputs(*(torch.from_numpy(part) for part in some[:3]))
    np.testing.assert_allclose(x, streamed(*some[:3]), atol=1e-4)
    with torch.inference_mode():
        places, each = (part.numpy() for part in model(x))
    edges = [
        CloseUp((2, 0), picture, thought, neighbours, np.zeros(2), np.eye(2))
        for picture, thought, neighbours in zip(*some[:3], strict=True)
    ]
    said = CloseUpNetwork(model.arrays())(edges)
    np.testing.assert_allclose([one.places for one in said], places, atol=1e-3)
    np.testing.assert_allclose([one.seen for one in said], each[..., 3], atol=1e-2)
    spread = covariance_of(each[..., :3].reshape(-1, 3)).reshape(-1, 2, 2, 2)
    np.testing.assert_allclose([one.covariance for one in said], spread, rtol=0.05, atol=1e-5)


def test_examples_follow_from_the_seed(given):
    again = closeup_examples.examples(rendered(12), DEFAULT_MODEL)
    for one, other in zip(given, again, strict=True):
        np.testing.assert_array_equal(one, other)
    other = closeup_examples.examples(rendered(12, seed=1), DEFAULT_MODEL)
    assert other.pictures.shape != given.pictures.shape or (other.truth != given.truth).any()
    assert np.isfinite(given.truth[given.seen]).all()
    far = np.linalg.norm(given.thought - given.truth, axis=2)[given.seen]
    assert 0.01 < np.nanmedian(far) < 0.5


def test_held_out_clips_are_not_cut_out(tmp_path):
    (tmp_path / "images").mkdir()
    box = dict(zip(KEYPOINTS, BOX, strict=True))
    columns = ["imageName", "videoId", "cards_counted"]
    with (tmp_path / "cardpoints.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        corners = [f"{name}_{what}" for name in KEYPOINTS for what in ("x", "y", "visible")]
        rows.writerow([*columns, *corners])
        for cards, level in ((10, 40), (20, 200)):
            name = f"{cards}.png"
            cv2.imwrite(str(tmp_path / "images" / name), np.full((480, 640, 3), level, np.uint8))
            values = [
                v for x, y, seen in box.values() for v in (y / 480 * seen, x / 640 * seen, seen)
            ]
            rows.writerow([name, f"clip{cards}", cards, *values])
    config = Config(data=str(tmp_path), hold_out=(20,), samples=6, real=1.0, empty=0.0, workers=0)
    given = closeup_examples.examples(config, DEFAULT_MODEL)
    assert len(given.pictures) >= 6 * 4 * closeup_examples.TIMES_REAL
    assert np.unique(given.pictures).tolist() == [40]
    assert given.seen.sum(axis=0).min() > 0


BOX = (
    (0, 0, 0), (420, 200, 1), (150, 180, 1), (420, 180, 1),
    (150, 330, 1), (420, 330, 1), (150, 300, 1), (420, 300, 1),
)  # fmt: skip
"""A packet seen from below and the right: all but one corner."""


def test_training_brings_the_loss_down(capsys, given):
    closeups.trained(rendered(epochs=12), given)
    lines = [line.split() for line in capsys.readouterr().out.splitlines() if "  loss " in line]
    losses = [float(words[3]) for words in lines]
    assert len(losses) == 12
    assert losses[-1] < losses[0] - 1.0


def test_the_command_writes_what_streams(capsys, tmp_path):
    out = tmp_path / "closeups.npz"
    words = ["--real", "0", "--samples", "60", "--epochs", "1", "--workers", "0"]
    assert cli.main(["closeups", *words, "--out", str(out)]) == 0
    assert f"wrote {out}" in capsys.readouterr().out
    with np.load(out) as stored, np.load(WEIGHTS) as shipped:
        graphs = [each["convolutions"].tobytes() for each in (stored, shipped)]
        shapes = [
            weights(graph) | {name: each[name].shape for name in each.files if "dense" in name}
            for graph, each in zip(graphs, (stored, shipped), strict=True)
        ]
    assert shapes[0] == shapes[1]
    assert not any(b"/" + word in graph for graph in graphs for word in (b"train", b"torch"))


def weights(graph: bytes) -> dict[str, tuple[int, ...]]:
    """The shapes of a graph's kernels: biases that are still 0 are left out of it."""
    tensors = onnx.load_from_string(graph).graph.initializer
    return {tensor.name: tuple(tensor.dims) for tensor in tensors if len(tensor.dims) > 1}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--out", "closeups.onnx"], "must end in .npz"),
        (["--out", "closeups.npz", "--real", "2"], "at most 1"),
    ],
)
def test_wrong_words_are_told(words, said, capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main(["closeups", *words])
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


def test_less_than_a_batch_says_what_to_do(given):
    with pytest.raises(ValueError, match="a batch is 9999 patches, got"):
        closeups.trained(replace(rendered(), batch=9999), given)


def test_a_model_that_cannot_find_corners_is_told_before_anything_is_made(tmp_path, monkeypatch):
    missing = tmp_path / "nowhere.onnx"
    with pytest.raises(FileNotFoundError, match="nowhere"):
        closeup_examples.examples(rendered(1), missing)
    cat = ModelSpec("cat", ("left_eye",), (), (0,), (256, 256), 4, 6.0)
    monkeypatch.setattr(closeup_examples, "read_spec", lambda _: cat)
    with pytest.raises(ValueError, match=r"corners of a packet are wanted, .* finds \('left_eye',"):
        closeup_examples.examples(rendered(1), missing)


def test_no_corner_at_all_says_what_to_do(monkeypatch):
    monkeypatch.setattr(closeup_examples.closeups, "cut", lambda *_: iter(()))
    with pytest.raises(ValueError, match="raise samples"):
        closeup_examples.examples(rendered(1), DEFAULT_MODEL)
