from dataclasses import replace

import numpy as np
import pytest
from plain_scene import PLAIN

from stream.synth import Art, Renderer
from stream.synth.skin import hands
from stream.synth.stage import Stage, draw_stage

GREY = np.full((60, 90, 3), 100, np.uint8)


def lit(stage):
    image = GREY.copy()
    stage.shine(image)
    return image.astype(int)


def test_without_a_knob_the_light_is_even():
    stock = Renderer(PLAIN, Art.procedural(np.random.default_rng(0), each=1)).stock
    stage = draw_stage(np.random.default_rng(0), PLAIN, stock)
    assert stage.plain
    np.testing.assert_array_equal(lit(stage), GREY)


def test_a_spot_is_bright_inside_and_dark_beyond():
    image = lit(Stage(spot=(0.25, 0.5, 0.1, 0.01), floor=0.1))
    assert image[30, 22, 0] == pytest.approx(100, abs=3)
    assert image[30, 80, 0] == pytest.approx(10, abs=2)


def test_gels_colour_either_side():
    image = lit(Stage(gels=np.array([[1.5, 1, 0.5], [0.5, 1, 1.5]])))
    assert image[30, 0, 0] - image[30, 0, 2] > 60
    assert image[30, -1, 2] - image[30, -1, 0] > 60


def test_vignette_and_a_hand_darken():
    assert lit(Stage(vignette=0.5))[0, 0, 0] < 60
    assert lit(Stage(vignette=0.5))[30, 45, 0] >= 99
    shadow = lit(Stage(hand=hands()[0], hand_dark=0.6))
    assert shadow.min() < 60
    assert shadow.max() == 100


def test_every_light_gives_sound_pictures():
    config = replace(PLAIN, gels=1.0, spot=1.0, hand_shadow=1.0, hard=1.0, backlit=1.0)
    renderer = Renderer(config, Art.procedural(np.random.default_rng(0), each=2))
    shots = [renderer.sample(np.random.default_rng(s), (64, 80)) for s in range(8)]
    assert all(shot.image.std() > 3 for shot in shots)
