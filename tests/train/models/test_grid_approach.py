import dots
import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("timm")

from train import decoders, models  # noqa: E402
from train.models.grid import Cells  # noqa: E402

TINY = {"encoder_model": "resnet", "width": 16, "layers": 4}
STEPS, NEAR_PX = 250, 2.0


def cells(xy, sure=6.0):
    """What a grid of 4×4 cells of 16 px says that sees points (N, K, 2) as they are."""
    held, places = torch.full((1, 3, 4, 4), -9.0), torch.zeros(1, 3, 16, 2)
    for instance in xy:
        for k, (x, y) in enumerate(instance):
            row, column = int((y + 0.5) // 16), int((x + 0.5) // 16)
            held[0, k, row, column] = sure
            places[0, k, 4 * row + column] = torch.tensor([x, y])
    return Cells(held, places)


@pytest.fixture(scope="module")
def model():
    return models.build("grid", dots.SPEC, **TINY)


TWO = [
    [[5.3, 9.1], [40.2, 12.0], [20.0, 50.4]],
    [[50.0, 43.7], [12.6, 27.4], [50.1, 20.2]],
]


def test_a_keypoint_may_be_there_twice(model):
    heatmaps = model.answer(cells(TWO)).heatmaps.numpy()
    found = decoders.decode("mean-shift", heatmaps, dots.SPEC)
    assert found.xy.shape == (1, 3, 2, 2)
    for k in range(3):
        got = sorted(found.xy[0, k].tolist())
        np.testing.assert_allclose(got, sorted(one[k] for one in TWO), atol=2.5)


def test_what_it_sees_is_what_it_is_held_to(model):
    batch = dots.batch(1)
    two = batch._replace(xy=torch.tensor([TWO]), boxes=torch.zeros(1, 2, 4), areas=torch.ones(1, 2))
    parts = model.loss(cells(TWO, sure=9.0), two)
    assert parts["place"] < 1e-6
    assert parts["held"] < 0.01
    moved = torch.tensor([TWO]) + 2.0  # within the cells; a point's reach is 3.2 px
    parts = model.loss(cells(TWO, sure=9.0), two._replace(xy=moved))
    assert parts["place"] == pytest.approx(0.5 * (2 / 3.2) ** 2)
    lacks = torch.cat([torch.tensor([TWO[:1]]), torch.full((1, 1, 3, 2), torch.nan)], dim=1)
    assert model.loss(cells(TWO, sure=9.0), two._replace(xy=lacks))["held"] > 5


def test_beside_a_surer_cell_one_does_not_count(model):
    seen = cells(TWO[:1])
    beside = seen.held.clone()
    beside[0, 0, 0, 1] = 2.0
    places = seen.xy.clone()
    places[0, 0, 1] = torch.tensor([22.0, 9.0])
    heatmaps = model.answer(Cells(beside, places)).heatmaps
    torch.testing.assert_close(heatmaps, model.answer(seen).heatmaps)
