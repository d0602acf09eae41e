from dataclasses import replace

import numpy as np
import pytest
from plain_scene import PLAIN

from stream.synth import Art, Renderer
from stream.synth.render import render
from stream.synth.scene import draw_camera, draw_scene

HW = (160, 160)


@pytest.mark.parametrize("share", [0.0, 0.25, 0.5, 1.0])
def test_fingers_hide_the_share_of_corners_asked_for(share):
    config = replace(PLAIN, covered=(share, share), extent=(0.4, 0.7))
    renderer = Renderer(config, Art.procedural(np.random.default_rng(0), each=2))
    missed = []
    for seed in range(30):
        shot = renderer.sample(np.random.default_rng(seed), HW)
        rng = np.random.default_rng(seed)
        scene = draw_scene(rng, config, renderer.stock)
        free = render(scene, draw_camera(rng, config, scene.body, HW, held=scene.held), HW, rng)
        np.testing.assert_allclose(shot.xy, free.xy)
        assert not (shot.visible & ~free.visible).any()
        hidden = int(free.visible.sum() - shot.visible.sum())
        missed.append(hidden - int(share * free.visible.sum() + 0.5))
    assert max(missed) <= 0  # never more than that
    assert np.mean(np.array(missed) == 0) > 0.85
