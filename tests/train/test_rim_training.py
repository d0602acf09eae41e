"""The network that is trained is the one that streams; it learns from real and rendered sides."""

import csv
from dataclasses import replace

import cv2
import numpy as np
import pytest

pytest.importorskip("torch")

import torch

from stream.packet import KEYPOINTS
from stream.rim_network import WEIGHTS, RimNetwork, inputs
from stream.rims import Strip
from train import cli, rims
from train.config import Config


def rendered(samples=24, **more):
    return Config(samples=samples, real=0.0, empty=0.0, batch=16, lr=3e-3, **more)


def test_trainer_and_stream_say_the_same():
    torch.manual_seed(3)
    model = rims.RimModel()
    given = rims.examples(rendered(8))
    x = torch.from_numpy(inputs(given.pictures, given.thought)).permute(0, 3, 1, 2)
    with torch.inference_mode():
        rows, logs = model(x, torch.from_numpy(given.thought), torch.from_numpy(given.about))
    strips = [
        Strip((0, 1, 2, 3), picture, thought, about, np.array([0.0, 1.0]), 10.0)
        for picture, thought, about, _ in zip(*given, strict=True)
    ]
    said = RimNetwork(model.arrays())(strips)
    np.testing.assert_allclose([one.rows for one in said], rows.numpy(), atol=1e-4)
    np.testing.assert_allclose([one.sd for one in said], logs.exp().numpy(), rtol=1e-3)


def test_examples_follow_from_the_seed_and_are_true_where_nothing_is_off(monkeypatch):
    one, again, other = (rims.examples(rendered(6, seed=seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.pictures, again.pictures)
    assert one.pictures.shape != other.pictures.shape or (one.truth != other.truth).any()
    assert np.abs(one.thought - one.truth).max() > 0
    monkeypatch.setattr(rims, "OFF", (1e-9, 1e-9))
    exact = rims.examples(rendered(6))
    np.testing.assert_allclose(exact.thought, exact.truth, atol=1e-6)


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
    config = Config(data=str(tmp_path), hold_out=(20,), samples=12, real=1.0, empty=0.0)
    given = rims.examples(config)
    assert len(given.pictures) == 2 * 2 * 12
    assert np.unique(given.pictures).tolist() == [40]


BOX = (
    (0, 0, 0), (420, 200, 1), (150, 180, 1), (420, 180, 1),
    (150, 330, 1), (420, 330, 1), (150, 300, 1), (420, 300, 1),
)  # fmt: skip
"""A packet seen from below and the right: all but one corner."""


def test_training_brings_the_loss_down(capsys, tmp_path):
    config = Config(samples=60, real=0.0, empty=0.0, batch=8, epochs=15, lr=3e-3)
    rims.fit(replace(config, out=str(tmp_path / "rims.npz")))
    lines = [line.split() for line in capsys.readouterr().out.splitlines() if "  loss " in line]
    losses = [float(words[3]) for words in lines]
    assert len(losses) == 15
    assert losses[-1] < losses[0] - 0.2


def test_the_command_writes_what_streams(capsys, tmp_path):
    out = tmp_path / "rims.npz"
    words = ["rims", "--real", "0", "--samples", "60", "--epochs", "1", "--out", str(out)]
    assert cli.main(words) == 0
    assert f"wrote {out}" in capsys.readouterr().out
    with np.load(out) as stored, np.load(WEIGHTS) as shipped:
        shapes = [{name: each[name].shape for name in each.files} for each in (stored, shipped)]
        graphs = [each["convolutions"].tobytes() for each in (stored, shipped)]
    assert shapes[0] == shapes[1]
    assert not any(b"/" + word in graph for graph in graphs for word in (b"train", b"torch"))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--out", "rims.onnx"], "must end in .npz"),
        (["--out", "rims.npz", "--real", "2"], "at most 1"),
    ],
)
def test_wrong_words_are_told(words, said, capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main(["rims", *words])
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


def test_less_than_a_batch_says_what_to_do():
    with pytest.raises(ValueError, match="a batch is 999 strips, got"):
        rims.fit(replace(rendered(4), batch=999))


def test_no_side_at_all_says_what_to_do(monkeypatch):
    monkeypatch.setattr(rims.rims, "sides", lambda _: [])
    with pytest.raises(ValueError, match="raise samples"):
        rims.examples(rendered(1))
