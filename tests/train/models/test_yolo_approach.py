import dots
import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("timm")
pytest.importorskip("torchvision")

from train import decoders, models  # noqa: E402
from train.models.yolo import Instances  # noqa: E402

TINY = {"encoder_model": "resnet", "width": 16, "layers": 4}
STEPS, NEAR_PX = 180, 2.0

TWO = torch.tensor(
    [
        [[5.3, 9.1], [20.2, 12.0], [10.0, 20.4]],
        [[50.0, 44.7], [45.6, 58.4], [55.1, 50.2]],
    ]
)


@pytest.fixture(scope="module")
def model():
    return models.build("yolo", dots.SPEC, **TINY)


def instances(sure):
    """What cells of 16 px say that see two instances, as sure as given in logits."""
    object_ = torch.full((1, 1, 4, 4), -9.0)
    box, xy, seen = torch.zeros(1, 16, 4), torch.zeros(1, 16, 3, 2), torch.full((1, 16, 3), 9.0)
    box[..., 2:] = 1.0
    for points, logit in zip(TWO, sure, strict=True):
        low, high = points.amin(dim=0) - 0.5, points.amax(dim=0) + 0.5
        column, row = ((low + high) / 2 / 16).long().tolist()
        object_[0, 0, row, column] = logit
        box[0, 4 * row + column] = torch.cat([low + 1.0, high + 1.0])
        xy[0, 4 * row + column] = points
    return Instances(object_, box - 0.5, xy, seen)


def test_all_that_are_sure_are_drawn_and_the_surest_is_highest(model):
    heatmaps = model.answer(instances((3.0, 4.0))).heatmaps
    best = decoders.decode("peak", heatmaps.numpy(), dots.SPEC)
    np.testing.assert_allclose(best.xy[0, :, 0], TWO[1], atol=0.3)
    every = decoders.of_name("mean-shift")(heatmaps.numpy(), 1.0, cut_off=0.3)
    assert every.xy.shape[2] == 2
    assert (every.score[0, :, 1] > 0.4).all()


def test_one_that_is_not_sure_is_drawn_only_if_none_is(model):
    quiet = model.answer(instances((-1.5, 4.0))).heatmaps
    assert quiet[0, :, :8, :8].max() < 0.01
    alone = model.answer(instances((-1.5, -9.0))).heatmaps
    assert alone[0].amax(dim=(1, 2)).min() > 0.1


def test_what_it_sees_is_what_it_is_held_to(model):
    low, high = TWO.amin(dim=1) - 0.5, TWO.amax(dim=1) + 0.5
    boxes = torch.cat([low + 0.5, high - low], dim=1)[None]
    batch = dots.batch(1)._replace(xy=TWO[None], boxes=boxes, areas=boxes[..., 2] * boxes[..., 3])
    parts = model.loss(instances((9.0, 9.0)), batch)
    assert set(parts) == {"object", "box", "place", "seen"}
    assert all(value < 0.01 for value in parts.values()), parts
    one = batch._replace(
        xy=torch.stack([TWO[0], torch.full((3, 2), torch.nan)])[None],
        boxes=torch.stack([boxes[0, 0], torch.full((4,), torch.nan)])[None],
    )
    assert model.loss(instances((9.0, 9.0)), one)["object"] > 5
