from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

pytest.importorskip("torch")

from stream.synth import SceneConfig
from train import mixture
from train.config import Config
from train.datasets import empty
from train.datasets.held_out import is_held_out


def test_training_reads_no_picture_that_evaluation_uses(tmp_path):
    seen = {}
    for folder, channels in (("backs", 3), ("faces", 3), ("hands", 4), ("backgrounds", 3)):
        (tmp_path / folder).mkdir()
        for i in range(24):
            path = tmp_path / folder / f"{folder}{i}.png"
            picture = np.full((40, 30, channels), 10 * i, np.uint8)
            picture[..., 3:] = 255
            cv2.imwrite(str(path), picture)
            if not is_held_out(path):
                seen.setdefault(folder, set()).add(10 * i)
        assert 0 < len(seen[folder]) < 24
    config = Config(art=str(tmp_path), hands=str(tmp_path / "hands"))
    art = mixture._art(config, empty.load(tmp_path / "backgrounds", held_out=False))
    for folder, want in seen.items():
        given = [p for p in getattr(art, folder) if p.shape[:2] == (40, 30)]
        assert {int(p[0, 0, 0]) for p in given} == want
    assert len(mixture.read_pictures(config, []).hands) == len(seen["hands"])


def test_pictures_without_a_packet_are_tables_and_boxes_in_a_packets_place():
    config = Config(real=0.0, empty=1.0, samples=200)
    pictures = mixture.read_pictures(config, [])
    asked = {"without": 0, "instead": 0}
    examples = mixture.Mixture(config, pictures)
    for name in asked:
        renderer = getattr(pictures, name)

        def sample(rng, hw, name=name, renderer=renderer):
            asked[name] += 1
            return renderer.sample(rng, hw)

        object.__setattr__(pictures, name, SimpleNamespace(sample=sample))
    assert {int(examples[i].cards) for i in range(200)} == {0}
    tables = mixture.TABLES + mixture.PHOTOGRAPHS + mixture.BESIDE  # of which none are given
    assert asked["without"] / 200 == pytest.approx(tables, abs=0.1)
    assert sum(asked.values()) == 200


def test_without_real_pictures_no_more_are_empty_than_asked_for(monkeypatch):
    config = Config(input_size=32)
    examples = mixture.Mixture(config, mixture.read_pictures(config, []))
    monkeypatch.setattr(mixture.Mixture, "_empty", lambda *_: "empty")
    monkeypatch.setattr(mixture.Mixture, "_rendered", lambda *_: "rendered")
    kinds = [examples[i] for i in range(400)]
    assert kinds.count("empty") / 400 == pytest.approx(config.empty, abs=0.05)
    assert kinds.count("empty") + kinds.count("rendered") == 400


def test_rendered_packets_often_show_a_face_as_no_real_one_does():
    pictures = mixture.read_pictures(Config(), [])
    for renderer in (pictures.near, pictures.far, pictures.covered):
        assert renderer.config.face_up > 2 * SceneConfig().face_up


def test_packets_and_boxes_have_backs_that_never_come_again():
    pictures = mixture.read_pictures(Config(), [])
    for renderer in (pictures.near, pictures.far, pictures.covered):
        assert renderer.stock.mixed_back == mixture.MIXED > 0
    # or a back of that look would tell a packet
    assert pictures.without.stock.mixed_back == pictures.instead.stock.mixed_back == mixture.MIXED


def test_what_stands_in_a_packets_place_is_as_near_as_a_packet_in_a_trackers_crop():
    pictures = mixture.read_pictures(Config(), [])
    scene, packet = pictures.instead.config, pictures.near.config
    assert scene.empty == scene.instead == 1.0
    assert scene.things[0] >= 1
    assert scene.extent == packet.extent


def deck_of(folder, names, kind="backs"):
    (folder / kind).mkdir()
    for i, name in enumerate(names):
        cv2.imwrite(str(folder / kind / name), np.full((40, 30, 3), 201 + i, np.uint8))
    return Config(start="bundled", deck=str(folder))


def share_of(pictures, values):
    own = [
        p for p in pictures if p.levels[0].shape == (40, 30, 3) and p.levels[0][0, 0, 0] in values
    ]
    return len(own) / len(pictures)


def test_half_of_the_packets_and_boxes_are_of_the_deck_that_is_learnt(tmp_path):
    names = [name for name in (f"{i}.png" for i in range(99)) if is_held_out(Path(name))][:3]
    pictures = mixture.read_pictures(deck_of(tmp_path, names), [])
    for renderer in (pictures.near, pictures.far, pictures.covered, pictures.instead):
        assert share_of(renderer.stock.backs, {201, 202, 203}) == pytest.approx(0.5, abs=0.05)
        assert renderer.stock.mixed_back == 0
        assert share_of(renderer.stock.faces, {201}) == 0
    backs = pictures.near.stock.backs
    assert len({id(back) for back in backs}) < len(backs) * 0.6  # each is held once


def test_the_faces_of_the_deck_are_half_of_the_faces(tmp_path):
    deck_of(tmp_path, ["back.png"])
    pictures = mixture.read_pictures(deck_of(tmp_path, ["ace.png", "king.png"], "faces"), [])
    assert share_of(pictures.near.stock.faces, {201, 202}) == pytest.approx(0.5, abs=0.05)


def test_a_deck_is_learnt_by_a_network_that_knows_packets():
    with pytest.raises(ValueError, match="name one with start, as bundled"):
        Config(deck="mine")
