from dataclasses import replace

import cv2
import dots
import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("timm")
pytest.importorskip("lightning_fabric")

from train import drawing, loop, models  # noqa: E402
from train.config import Config  # noqa: E402

TINY = {"encoder_model": "test_efficientnet", "width": 16}
STEPS, NEAR_PX = 120, 1.0

SIGMA_CELLS = dots.SPEC.sigma_px / dots.SPEC.stride


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return models.build("box", dots.SPEC, **TINY).eval()


def test_it_starts_from_the_whole_picture(model):
    with torch.no_grad():
        _, box = model.detector(dots.batch(2).image.float())
    want = torch.tensor([[31.5, 31.5, 64.0, 64.0]] * 2)
    torch.testing.assert_close(box, want, atol=6.0, rtol=0.0)


def test_a_crop_shows_its_part_of_the_picture(model):
    image = dots.draw(3)[0]
    images = torch.from_numpy(image).permute(2, 0, 1)[None].float()
    got = model._cut(images, torch.tensor([[31.5, 31.5, 64.0]]))
    torch.testing.assert_close(got, images)
    half = model._cut(images, torch.tensor([[23.5, 39.5, 32.0]]))
    want = cv2.resize(image[24:56, 8:40], (64, 64), interpolation=cv2.INTER_LINEAR)
    inner = slice(2, -2)  # beyond the crop there is more picture to one, and none to the other
    got = half[0].permute(1, 2, 0)[inner, inner]
    np.testing.assert_allclose(got, want[inner, inner], atol=1.0)
    beyond = model._cut(images, torch.tensor([[-200.0, 31.5, 64.0]]))
    np.testing.assert_allclose(beyond, 114.0, atol=1e-4)


def test_what_is_found_in_the_crop_is_where_it_is_in_the_picture(model):
    """Targets in the crop, read as the answer is, come back to the picture's own pixels."""
    batch, crop = dots.batch(4), torch.tensor([[35.0, 30.0, 70.0]] * 4)
    heatmaps = model.inside.targets(model._into(batch.xy, crop), dots.SPEC)
    places, _ = drawing.highest(heatmaps, SIGMA_CELLS)
    back = model._out_of(places, crop)
    torch.testing.assert_close(back, batch.xy[:, 0], atol=0.6, rtol=0.0)


def test_of_two_guesses_it_takes_the_higher_and_no_place_between():
    two = torch.tensor([[[12.3, 20.1]] * 3, [[50.0, 41.7]] * 3])[None]
    heatmaps = drawing.points(two, torch.tensor([[[0.4] * 3, [0.36] * 3]]), dots.SPEC)
    places, height = drawing.highest(heatmaps, SIGMA_CELLS)
    torch.testing.assert_close(4 * places + 1.5, two[:, 0], atol=0.05, rtol=0.0)
    torch.testing.assert_close(height, torch.full((1, 3), 0.4), atol=0.05, rtol=0.0)


def test_a_detector_of_another_run_is_kept_as_it_is(tmp_path):
    config = Config(dataset="coco", data="x", approach="box", input_size=64, weights="none")
    config = replace(config, **TINY)
    torch.manual_seed(1)
    first = loop.build(config, dots.SPEC)
    last = tmp_path / "last.pt"
    loop.save(last, first, torch.optim.Adam(first.parameters()), 1, config)
    second = models.build("box", dots.SPEC, **TINY, detector=str(last)).train()
    before = {name: value.clone() for name, value in first.detector.state_dict().items()}
    batch = dots.batch(4)
    parts = second.loss(second(batch.image.float()), batch)
    assert "box" not in parts
    sum(parts.values()).backward()
    torch.optim.Adam(second.parameters(), 1e-2).step()
    for name, value in second.detector.state_dict().items():
        torch.testing.assert_close(value, before[name])
    other = tmp_path / "unet.pt"
    unet = models.build("unet", dots.SPEC, width=8)
    config = replace(config, approach="unet", encoder_model=Config().encoder_model, width=8)
    loop.save(other, unet, torch.optim.Adam(unet.parameters()), 1, config)
    with pytest.raises(ValueError, match=r"unet\.pt holds no detector"):
        models.build("box", dots.SPEC, **TINY, detector=str(other))
