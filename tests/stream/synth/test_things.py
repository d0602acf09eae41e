from dataclasses import replace

import numpy as np
import pytest
from plain_scene import PLAIN

from stream.synth import Art, Renderer
from stream.synth.art import Texture
from stream.synth.camera import intrinsics, look_at
from stream.synth.light import Light
from stream.synth.paint import paint
from stream.synth.scene import draw_scene
from stream.synth.things import _MAKERS, _tuck_box, draw_strays, lifted


@pytest.fixture(scope="module")
def stock():
    return Renderer(PLAIN, Art.procedural(np.random.default_rng(0), each=2)).stock


@pytest.mark.parametrize("make", [*_MAKERS, _tuck_box])
def test_a_thing_has_the_size_it_says(stock, make):
    for seed in range(6):
        thing = make(np.random.default_rng(seed), stock)
        width, height, thick = thing.size_mm
        plan = np.concatenate([block.footprint() for block, _ in thing.parts])
        assert np.ptp(plan[:, 0]) == pytest.approx(width, abs=3.1)  # a spine stands out
        assert np.ptp(plan[:, 1]) == pytest.approx(height, abs=1e-6)
        assert max(b.thickness_mm + lift for b, lift in thing.parts) == pytest.approx(thick)


@pytest.mark.parametrize("kind", ["cover", "page", "phone", "box"])
def test_no_print_comes_again(stock, kind):
    rng = np.random.default_rng(1)
    prints = [getattr(stock, kind)(rng).levels[0].tobytes() for _ in range(30)]
    assert len(set(prints)) > 27  # two may be blank alike


def test_prints_leave_the_other_numbers_of_a_scene_as_they_are(stock):
    after = []
    for kind in ("cover", "page", "phone", "box"):
        rng = np.random.default_rng(2)
        getattr(stock, kind)(rng)
        after.append(rng.random())
    assert len(set(after)) == 1


def test_boxes_bear_the_backs_that_packets_have(stock):
    red = Texture.of(np.full((528, 378, 3), (0, 0, 255), np.uint8))
    plain = replace(stock, backs=[red])
    shown = [plain.box(np.random.default_rng(seed)).levels[0] for seed in range(40)]
    with_red = [(picture == (0, 0, 255)).all(axis=2).mean() > 0.5 for picture in shown]
    assert 12 < sum(with_red) < 32  # the others bear a sign


def test_moved_turns_and_shifts_all_parts_alike(stock):
    book = _MAKERS[0](np.random.default_rng(3), stock)
    moved = book.moved((100.0, -50.0), np.pi / 2)
    for (before, _), (after, _) in zip(book.parts, moved.parts, strict=True):
        x, y = before.footprint().T
        np.testing.assert_allclose(after.footprint(), np.stack([100 - y, x - 50], axis=1))


def test_strays_do_not_touch_the_packet(stock):
    for seed in range(40):
        rng = np.random.default_rng(seed)
        scene = draw_scene(rng, replace(PLAIN, cards=(20, 20)), stock)
        strays = draw_strays(rng, PLAIN, stock, scene.body)
        plan = np.concatenate([block.footprint() for block, _ in strays.parts])
        assert np.linalg.norm(plan, axis=1).min() > 0


def test_a_lifted_camera_sees_a_block_higher():
    camera = look_at(np.array([0.0, -300, 200]), np.zeros(3), 0.1, intrinsics(500, (80, 60)))
    points = np.random.default_rng(0).normal(0, 40, (5, 3))
    raised = points + [0, 0, 7.0]
    np.testing.assert_allclose(lifted(camera, 7.0).project(points), camera.project(raised))


def test_empty_scenes_hold_things_and_never_single_cards(stock):
    config = replace(PLAIN, empty=1.0, things=(1, 4), instead=1.0)
    card = float(np.mean(config.card_mm))
    counts = set()
    for seed in range(60):
        scene = draw_scene(np.random.default_rng(seed), config, stock)
        counts.add(len(scene.others))
        assert scene.packet is None
        assert scene.cards == 0
        assert all(b.thickness_mm != card for thing in scene.others for b, _ in thing.parts)
    assert counts == {1, 2, 3, 4}


def test_a_card_box_shows_no_sheets(stock):
    camera = look_at(np.array([0.0, -150, 25]), np.zeros(3), 0.0, intrinsics(330, (80, 60)))
    light = Light(np.array([0.0, -0.6, 0.8]), 0.6, 0.5, 0.01)
    box, _ = _tuck_box(np.random.default_rng(1), stock).parts[0]
    box = replace(box, tones=np.ones_like(box.tones), paper=np.full(3, 200.0))
    image = np.zeros((120, 160, 3), np.uint8)
    paint(image, box, camera, light)
    middle = image[:, 70:90, 1].astype(float).mean(axis=1)
    side = middle[int(camera.project(np.array([0.0, -46, 10]))[1]) :]
    side = side[: int((side > 60).sum()) - 3]
    assert len(side) > 12
    assert np.abs(np.diff(side)).max() < 12
