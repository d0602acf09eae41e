from dataclasses import replace

import cv2
import numpy as np
import pytest
from plain_scene import PLAIN

from stream.packet import MAX_CARDS
from stream.synth import Art, Renderer, SceneConfig
from stream.synth.body import Body
from stream.synth.render import render
from stream.synth.scene import draw_camera, draw_scene


def solid(level, hw=(64, 64)):
    return np.full((*hw, 3), level, dtype=np.uint8)


@pytest.fixture(scope="module")
def art():
    return Art.procedural(np.random.default_rng(0), each=3)


@pytest.fixture(scope="module")
def white_on_black():
    return Art([solid(255)], [solid(255)], [solid(0)])


def shots(config, art, count, hw=(160, 160)):
    renderer = Renderer(config, art)
    return [renderer.sample(np.random.default_rng(seed), hw) for seed in range(count)]


def hull_mask(xy, hw):
    mask = np.zeros(hw, dtype=np.uint8)
    hull = cv2.convexHull(np.rint(xy * 16).astype(np.int32))
    cv2.fillConvexPoly(mask, hull, 255, cv2.LINE_8, 4)
    return mask > 0


@pytest.mark.parametrize("cards", [1, 3, 20, 52])
def test_the_packet_is_where_the_truth_says(white_on_black, cards):
    config = replace(PLAIN, cards=(cards, cards), extent=(0.6, 0.9))
    for shot in shots(config, white_on_black, 8, (256, 256)):
        body = Body(63.0, 88.0, shot.thickness_mm)
        wanted = hull_mask(shot.camera.project(body.sharp_corners()), (256, 256))
        found = shot.image.max(axis=2) > 40
        assert (wanted & found).sum() / (wanted | found).sum() > 0.95
        np.testing.assert_allclose(shot.camera.project(body.corners()), shot.xy, atol=1e-6)


def test_a_visible_corner_lies_on_the_outline_of_something_seen(white_on_black):
    config = replace(PLAIN, cards=(30, 52), extent=(0.6, 0.9))
    for shot in shots(config, white_on_black, 8, (256, 256)):
        found = np.pad(shot.image.max(axis=2) > 40, 4)
        for x, y in shot.xy[[2, 3, 6, 7]]:  # of the large face on top
            around = found[round(y) + 1 : round(y) + 8, round(x) + 1 : round(x) + 8]
            assert around.any()


@pytest.mark.parametrize("face_up", [0.0, 1.0])
def test_labels_follow_the_rule_of_the_upper_side(art, face_up):
    on_top = [0, 1, 5, 4] if face_up else [2, 3, 7, 6]
    for shot in shots(replace(PLAIN, face_up=face_up), art, 20):
        assert shot.xy[:4, 1].mean() <= shot.xy[4:, 1].mean()
        (x0, y0), (x1, y1), (x2, y2), (x3, y3) = shot.xy[on_top]
        # upper left, upper right, lower right, lower left: clockwise as seen, y down
        assert (x2 - x0) * (y3 - y1) - (x3 - x1) * (y2 - y0) > 0
        assert shot.visible[on_top].all()
        assert not shot.visible.all()


def test_counts_cover_the_range_and_thickness_follows_them(art):
    config = replace(PLAIN, cards=(3, 6))
    drawn = shots(config, art, 40, (32, 32))
    assert {shot.cards for shot in drawn} == {3, 4, 5, 6}
    for shot in drawn:
        assert 0.265 <= shot.thickness_mm / shot.cards <= 0.35
    full = shots(replace(PLAIN, cards=(MAX_CARDS, MAX_CARDS)), art, 20, (32, 32))
    assert all(0.9 * 0.265 <= shot.thickness_mm / MAX_CARDS <= 0.35 for shot in full)


def test_without_a_packet_there_is_no_truth(art):
    for shot in shots(SceneConfig(empty=1.0, clutter=1.0, occluder=1.0), art, 10):
        assert shot.cards == 0
        assert np.isnan(shot.xy).all()
        assert shot.xy.shape == (8, 2)
        assert not shot.visible.any()
        assert shot.image.shape == (160, 160, 3)


def test_one_seed_is_one_picture(art):
    first, again = (shots(SceneConfig(), art, 4) for _ in range(2))
    for a, b in zip(first, again, strict=True):
        np.testing.assert_array_equal(a.image, b.image)
        np.testing.assert_array_equal(a.xy, b.xy)
    assert not np.array_equal(first[0].image, first[1].image)


@pytest.mark.parametrize("hw", [(64, 64), (90, 160), (200, 50)])
def test_every_knob_at_work_gives_sound_pictures(art, hw):
    config = SceneConfig(
        clutter=1.0, stray_card=1.0, occluder=1.0, defocus=1.0, motion=1.0, outside=1.0,
        gloss=1.0, face_up=0.5, jpeg=1.0, elevation_deg=(5.0, 85.0),
    )  # fmt: skip
    for shot in shots(config, art, 25, hw):
        assert shot.image.shape == (*hw, 3)
        assert shot.image.dtype == np.uint8
        assert np.isfinite(shot.xy).all()
        seen = shot.xy[shot.visible]
        assert ((seen >= -0.5) & (seen < np.array(hw[::-1]) - 0.5)).all()


def test_a_corner_that_only_leaning_rows_would_bring_in_is_not_seen(art):
    config = replace(PLAIN, rolling=1.0, skew_rel=(0.1, 0.3), outside=1.0)
    renderer, hw, brought = Renderer(config, art), (64, 64), 0
    for seed in range(40):
        shot = renderer.sample(np.random.default_rng(seed), hw)
        lens = draw_scene(np.random.default_rng(seed), config, renderer.stock).finish.lens
        here, there = (
            ((xy >= -0.5) & (xy < 63.5)).all(axis=1) for xy in (shot.xy, lens.source(shot.xy, hw))
        )
        assert not (shot.visible & ~there).any()
        brought += int((here & ~there).sum())
    assert brought > 3


def test_a_packet_covers_what_the_configuration_says(art):
    for shot in shots(replace(PLAIN, extent=(0.5, 0.6), cards=(1, 1)), art, 20, (120, 200)):
        body = Body(63.0, 88.0, shot.thickness_mm)
        part = np.ptp(shot.camera.project(body.sharp_corners()), axis=0) / (200, 120)
        assert 0.5 - 1e-6 <= part.max() <= 0.6 + 1e-6


def test_a_box_in_front_hides_corners(white_on_black):
    config = replace(PLAIN, clutter=1.0, elevation_deg=(10.0, 14.0), extent=(0.3, 0.5))
    renderer = Renderer(config, white_on_black)
    hidden = 0
    for seed in range(150):
        rng = np.random.default_rng(seed)
        scene = draw_scene(rng, config, renderer.stock)
        camera = draw_camera(rng, config, scene.body, (96, 96), held=scene.held)
        with_boxes = render(scene, camera, (96, 96), np.random.default_rng(0))
        alone = render(replace(scene, others=()), camera, (96, 96), np.random.default_rng(0))
        assert not (with_boxes.visible & ~alone.visible).any()
        hidden += int((alone.visible & ~with_boxes.visible).sum())
    assert hidden > 0


@pytest.mark.parametrize(
    "bad", [{"cards": (0, 52)}, {"cards": (1, 53)}, {"extent": (0.9, 0.1)}, {"empty": 1.5}]
)
def test_a_configuration_that_cannot_be_is_refused(bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        SceneConfig(**bad)
