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


def test_metering_brings_dark_and_bright_towards_the_middle():
    dark = finish(grey(30), Finish(metering=0.9), np.random.default_rng(0))
    bright = finish(grey(230), Finish(metering=0.9), np.random.default_rng(0))
    assert 70 < dark.mean() < 120
    assert 90 < bright.mean() < 150


def test_a_webcam_has_fewer_pixels_and_halos():
    edge = grey(60)
    edge[:, 64:] = 180
    soft = finish(edge, Finish(shrink=2.5), np.random.default_rng(0)).astype(int)
    assert soft.shape == edge.shape
    assert np.abs(np.diff(soft[48, :, 0])).max() < 90
    halo = finish(edge, Finish(sharpen=1.0), np.random.default_rng(0)).astype(int)
    assert halo.max() > 190
    assert halo.min() < 50


def test_flicker_darkens_rows_and_nothing_else():
    striped = finish(grey(), Finish(flicker=0.3, flicker_rows_rel=0.3), np.random.default_rng(0))
    rows = striped[..., 0].astype(int)
    assert (np.ptp(rows, axis=1) == 0).all()
    assert rows.max() == 120
    assert rows.min() == pytest.approx(84, abs=2)


def test_blotches_change_the_colour_and_leave_the_brightness():
    image = finish(grey(), Finish(blotch=8.0), np.random.default_rng(0)).astype(float)
    assert image.std(axis=(0, 1)).max() > 3
    assert (image @ [0.114, 0.587, 0.299]).std() < 1
