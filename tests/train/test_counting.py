"""Fitting the count head alone: the network stays as it is, the head learns what it reads."""

import csv
import json
from dataclasses import replace

import cv2
import numpy as np
import pytest
from tiny import TINY

torch = pytest.importorskip("torch")
for _name in ("timm", "torchvision", "lightning_fabric"):
    pytest.importorskip(_name)

from stream.packet import KEYPOINTS  # noqa: E402
from stream.synth import Renderer, SceneConfig  # noqa: E402
from train import counting, loop, material, optimizers  # noqa: E402

CONFIG = replace(TINY, empty=0.0, samples=32, epochs=12, batch=8, lr=2e-3)


def state(path):
    return torch.load(path, weights_only=True)["model"]


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    """A checkpoint of a network that was never trained, whose count was to come later."""
    return untrained(tmp_path_factory.mktemp("start") / "last.pt", CONFIG)


def untrained(path, config):
    torch.manual_seed(0)
    model = loop.build(config, material.packet_spec(config), weights="none")
    optimizer = torch.optim.AdamW(model.parameters())
    loop.save(path, model, optimizer, 1, replace(config, count_weight=0.0))
    return path


@pytest.fixture(scope="module")
def labelled(tmp_path_factory):
    """Two clips of three rendered frames each, labelled as cardcut is."""
    folder = tmp_path_factory.mktemp("cardcut")
    (folder / "images").mkdir()
    columns = [f"{name}_{what}" for name in KEYPOINTS for what in ("visible", "x", "y")]
    rows = []
    for cards in (20, 30):
        renderer = Renderer(SceneConfig(cards=(cards, cards), occluder=0.0, extent=(0.4, 0.7)))
        for i in range(3):
            shot = renderer.sample(np.random.default_rng([cards, i]), (96, 128))
            name = f"{cards}_{i}.png"
            cv2.imwrite(str(folder / "images" / name), shot.image)
            corners = [
                value
                for (x, y), seen in zip(shot.xy, shot.visible, strict=True)
                for value in ((1, y / 96, x / 128) if seen else (0, 0.0, 0.0))
            ]
            rows.append([name, 1, cards, 52, f"clip{cards}", *corners])
    with (folder / "cardpoints.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        head = ["imageName", "annotated", "cards_counted", "total_cards", "videoId"]
        writer.writerow(head + columns)
        writer.writerows(rows)
    return folder


def test_only_the_head_learns_and_it_does(start, tmp_path):
    config = replace(CONFIG, start=str(start), only_count=True, out=str(tmp_path / "run"))
    last = counting.fit_count(config)
    before, after = state(start), state(last)
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed
    assert all(name.startswith("count.") for name in changed)
    lines = [json.loads(line) for line in (tmp_path / "run/log.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in lines] == list(range(1, 13))
    assert lines[-1]["count"] < 0.9 * lines[0]["count"]
    loop.load_checkpoint(last)


def test_the_same_seed_gives_the_same_head(start, tmp_path):
    runs = {}
    for name, seed in (("one", 0), ("two", 0), ("other", 1)):
        out = str(tmp_path / name)
        config = replace(CONFIG, start=str(start), only_count=True, epochs=1, seed=seed, out=out)
        runs[name] = state(counting.fit_count(config))["count.by_geometry.2.weight"]
    assert torch.equal(runs["one"], runs["two"])
    assert not torch.equal(runs["one"], runs["other"])


def test_the_head_learns_by_the_optimizer_and_the_schedule_asked_for(start, tmp_path):
    config = replace(CONFIG, start=str(start), only_count=True, samples=8, batch=2, epochs=2)
    config = replace(config, optimizer="adam", schedule="constant", out=str(tmp_path))
    groups = torch.load(counting.fit_count(config), weights_only=True)["optimizer"]["param_groups"]
    assert {group["lr"] for group in groups} == {optimizers.COUNT_LR * config.lr}
    assert not any(group["decoupled_weight_decay"] for group in groups)  # as AdamW has it


def test_clips_held_out_are_watched_by_each_reading(start, labelled, tmp_path):
    config = replace(CONFIG, start=str(start), only_count=True, epochs=1, out=str(tmp_path))
    config = replace(config, data=str(labelled), real=0.5, hold_out=(30,), precision="bf16-mixed")
    counting.fit_count(config)
    line = json.loads((tmp_path / "log.jsonl").read_text())
    assert {"mae", "clip_mae", "by_geometry", "by_look"} <= line.keys()
    assert 0 <= line["mae"] <= max(line["by_geometry"], line["by_look"]) + 1e-3


@pytest.mark.parametrize("empty", [0.5, 1.0], ids=["less than a batch", "nothing"])
def test_too_little_to_learn_from_is_told(start, tmp_path, empty):
    config = replace(
        CONFIG, start=str(start), only_count=True, samples=4, batch=4, out=str(tmp_path)
    )
    with pytest.raises(ValueError, match="to learn from"):
        counting.fit_count(replace(config, batch=8, samples=8, real=0.0, empty=empty))


def test_the_network_is_the_checkpoints_whatever_is_asked_for(start, tmp_path):
    config = replace(CONFIG, start=str(start), only_count=True, epochs=1, out=str(tmp_path))
    last = counting.fit_count(replace(config, width=64, input_size=128, encoder_model="resnet18"))
    model, written = loop.load_checkpoint(last)
    assert model.spec.input_hw == (64, 64)
    assert written.encoder_model == CONFIG.encoder_model


def test_a_network_of_logits_stays_one_and_its_head_reads_heights(tmp_path):
    path = untrained(tmp_path / "bce.pt", replace(CONFIG, loss="bce", target="circle"))
    asked = replace(CONFIG, start=str(path), only_count=True, epochs=1, out=str(tmp_path / "run"))
    model, written = loop.load_checkpoint(counting.fit_count(asked))
    assert (written.loss, written.target) == ("bce", "circle")
    images, cards = torch.randint(0, 256, (2, 3, 64, 64)), torch.tensor([20, 30])
    seen = counting.read(model, [(images, cards)])
    with torch.inference_mode():
        shown = model.predict(images.float()).heatmaps
    torch.testing.assert_close(seen.heatmaps.float(), shown, atol=1e-3, rtol=0)
