import numpy as np
import pytest

from stream.synth.finish import Finish, finish


def grey(level=120, hw=(96, 128)):
    return np.full((*hw, 3), level, dtype=np.uint8)


@pytest.mark.parametrize("coarse", [False, True])
@pytest.mark.parametrize("hw", [(64, 64), (500, 900)])
def test_noise_has_the_strength_it_says(coarse, hw):
    image = finish(grey(hw=hw), Finish(noise=6.0, coarse=coarse), np.random.default_rng(0))
    assert image.std() == pytest.approx(6.0, rel=0.1)
    assert image.mean() == pytest.approx(120, abs=0.7)


def test_blur_and_motion_keep_the_light_and_soften_the_edge():
    image = grey(40)
    image[:, 64:] = 140
    for marks in (Finish(defocus_rel=0.02), Finish(motion_rel=0.06)):
        soft = finish(image, marks, np.random.default_rng(0)).astype(int)
        assert np.abs(np.diff(soft[48, :, 0])).max() < 60
        assert soft.mean() == pytest.approx(image.mean(), abs=1)
    along = finish(image, Finish(motion_rel=0.06, motion_rad=np.pi / 2), np.random.default_rng(0))
    np.testing.assert_array_equal(along, image)


def test_exposure_and_cast_brighten_what_they_name():
    dark = finish(grey(60), Finish(), np.random.default_rng(0))
    np.testing.assert_array_equal(dark, grey(60))
    warm = finish(grey(60), Finish(gains=(0.5, 1.0, 1.5)), np.random.default_rng(0))
    assert warm[0, 0].tolist() == [30, 60, 90]
    ramp = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)
    bright = finish(ramp, Finish(exposure=1.3), np.random.default_rng(0)).astype(int)
    assert (np.diff(bright[0, :, 0]) >= 0).all()


def test_jpeg_changes_a_little_and_keeps_the_size():
    noise = np.random.default_rng(0).integers(0, 255, (63, 65, 3)).astype(np.uint8)
    coded = finish(noise, Finish(jpeg=50), np.random.default_rng(0))
    assert coded.shape == noise.shape
    assert 0 < np.abs(coded.astype(int) - noise).mean() < 60
