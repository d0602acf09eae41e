"""What hands hide is what the truth calls hidden."""

from dataclasses import replace

import numpy as np
import pytest
from plain_scene import PLAIN

from stream.synth import Art, Renderer
from stream.synth.cutout import hand, hidden
from stream.synth.render import render
from stream.synth.scene import draw_camera, draw_scene

HW = (160, 160)
ANGLES = np.arange(16) / 16 * 2 * np.pi


@pytest.fixture(scope="module")
def art():
    return Art.procedural(np.random.default_rng(0), each=3)


def plain(**knobs):
    return replace(PLAIN, **knobs)


def drawn(config, art, seed):
    renderer = Renderer(config, art)
    rng = np.random.default_rng(seed)
    scene = draw_scene(rng, config, renderer.stock)
    return scene, draw_camera(rng, config, scene.body, HW, held=scene.held)


@pytest.mark.parametrize("knobs", [{"held": 1.0, "bare_hold": 0.0}, {"held": 0.0, "occluder": 1.0}])
def test_a_corner_whose_pixel_a_hand_changes_is_hidden(art, knobs):
    told = {True: 0, False: 0}
    for seed in range(60):
        scene, camera = drawn(plain(**knobs), art, seed)
        scene = replace(scene, light=replace(scene.light, shadow=0.0))
        front = tuple(replace(h, behind=()) for h in scene.hands)
        shot, free = (
            render(replace(scene, hands=hands), camera, HW, np.random.default_rng(0))
            for hands in (front, ())
        )
        sprites = [s for h in front for s in h.sprites(camera)[1]]
        for i in np.flatnonzero(free.visible).tolist():
            x, y = np.rint(shot.xy[i]).astype(int)
            ring = shot.xy[i] + 3 * np.stack([np.cos(ANGLES), np.sin(ANGLES)], axis=1)
            if len({*hidden(sprites, ring).tolist()}) == 2:
                continue  # on the very edge of a finger
            differs = np.abs(shot.image[y, x].astype(int) - free.image[y, x]).max() > 2
            assert shot.visible[i] != differs
            told[bool(differs)] += 1
    assert min(told.values()) > 15


def test_a_hand_behind_hides_nothing(art):
    for seed in range(12):
        scene, camera = drawn(plain(held=1.0, bare_hold=0.0), art, seed)
        behind = tuple(replace(h, front=()) for h in scene.hands)
        shot, free = (
            render(replace(scene, hands=hands), camera, HW, np.random.default_rng(0))
            for hands in (behind, ())
        )
        np.testing.assert_array_equal(shot.visible, free.visible)
        assert not np.array_equal(shot.image, free.image)


def test_without_its_knobs_there_is_no_hand(art):
    for seed in range(20):
        scene, _ = drawn(plain(held=0.0, occluder=0.0), art, seed)
        assert not scene.hands
        assert not scene.held


def test_a_photographed_hand_is_turned_upright():
    rng = np.random.default_rng(0)
    picture = np.zeros((120, 200, 4), np.uint8)
    picture[..., :3] = rng.integers(100, 200, 3)
    picture[30:90, 80:, 3] = 255  # the arm leaves on the right
    picture[50:62, 6:80, 3] = 255  # one finger points left
    picture[100:110, 10:20, 3] = 255  # cut out along with it
    cut = hand(picture)
    assert cut.levels[0].shape[0] > cut.levels[0].shape[1]
    assert cut.tip[1] < cut.palm[1] < cut.wrist[1]
    assert cut.palm_px == pytest.approx(29, abs=3)
    assert cut.levels[0][..., 3].astype(bool).sum() < 120 * 60 + 14 * 78


def test_given_hands_are_shown(art):
    green = np.zeros((120, 60, 4), np.uint8)
    green[4:, 4:-4] = (0, 255, 0, 255)
    given = replace(art, hands=[green])
    shown = [
        Renderer(plain(held=1.0, bare_hold=0.0), given).sample(np.random.default_rng(s), HW).image
        for s in range(6)
    ]
    greenish = [((i[..., 1] > 120) & (i[..., 0] < 60) & (i[..., 2] < 60)).mean() for i in shown]
    assert max(greenish) > 0.03
