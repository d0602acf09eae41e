from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from plain_scene import PLAIN

from stream.packet import TURN
from stream.synth import Art, Clip, SceneConfig


@pytest.fixture(scope="module")
def art():
    return Art.procedural(np.random.default_rng(0), each=2)


@pytest.mark.parametrize("seed", range(4))
def test_the_count_stays_and_the_camera_moves_smoothly(art, seed):
    shots = list(Clip(SceneConfig(), art, seed, (72, 128), 30, 45))
    assert len(shots) == 45
    assert len({shot.cards for shot in shots}) == 1
    moved = 0.0
    for before, after in pairwise(shots):
        # the labels may turn by 180° on the way
        step = min(np.abs(after.xy - before.xy[o]).max() for o in (list(range(8)), list(TURN)))
        assert step < 4
        moved += step
    assert moved > 2
    size = np.array([128, 72])
    assert all(((s.xy > -20) & (s.xy < size + 20)).all() for s in shots)


def test_a_picture_follows_from_seed_and_index(art):
    clip = Clip(SceneConfig(), art, 7, (48, 64), 30, 5)
    shots = list(clip)
    for i in (3, 0):
        np.testing.assert_array_equal(clip.frame(i).image, shots[i].image)
        np.testing.assert_array_equal(clip.frame(i).xy, shots[i].xy)
    other = Clip(SceneConfig(), art, 8, (48, 64), 30, 5).frame(0)
    assert not np.array_equal(other.image, shots[0].image)


def test_a_clip_without_end_goes_on(art):
    shots = iter(Clip(SceneConfig(cards=(9, 9)), art, 1, (32, 32), 30, None))
    assert [next(shots).cards for _ in range(12)] == [9] * 12


def test_a_hand_reaches_in_and_leaves_and_one_that_holds_stays(art):
    calm = replace(PLAIN, cards=(30, 30))
    clips = [Clip(replace(calm, occluder=1.0), art, seed, (72, 128), 10, 50) for seed in range(6)]
    hidden = [{int(shot.visible.sum()) for shot in clip} for clip in clips]
    assert max(max(h) - min(h) for h in hidden) >= 2
    held = Clip(replace(calm, held=1.0, bare_hold=0.0), art, 3, (72, 128), 10, 50)
    assert all(hand.withdrawn(100) is hand for hand in held.scene.hands)
    assert held.scene.hands


def test_fingers_that_must_cover_corners_stay(art):
    config = replace(PLAIN, cards=(30, 30), covered=(0.5, 0.5))
    shots = list(Clip(config, art, 3, (72, 128), 10, 50))
    assert np.mean([shot.visible.sum() <= 5 for shot in shots]) > 0.9
