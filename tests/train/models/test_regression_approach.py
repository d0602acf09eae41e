import dots
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("timm")

from torch import nn  # noqa: E402

from train import models  # noqa: E402
from train.encoder import create, stages  # noqa: E402

TINY = {"encoder_model": "resnet", "width": 8}
STEPS, NEAR_PX = 100, 2.0


def test_there_are_2k_outputs_for_the_places():
    assert models.build("regression", dots.SPEC, **TINY).places.out_features == 2 * 3


def test_the_vgg_is_vgg_16():
    encoder = create(dots.SPEC, "vgg", 5, "none", 64)
    widths = [m.out_channels for m in encoder.modules() if isinstance(m, nn.Conv2d)]
    assert widths == [64] * 2 + [128] * 2 + [256] * 3 + [512] * 6
    assert [stage.stride for stage in stages(encoder)] == [1, 2, 4, 8, 16]


def test_the_resnet_is_resnet_18():
    encoder = create(dots.SPEC, "resnet", 5, "none", 64)
    widths = [m.out_channels for m in encoder.modules() if isinstance(m, nn.Conv2d)]
    # each of the three wider stages has one 1×1 convolution beside its way
    wider = [[w] * 2 + [w] + [w] * 2 for w in (128, 256, 512)]
    assert widths == [64] * 5 + [w for block in wider for w in block]
    with torch.no_grad():
        found = encoder.eval()(torch.zeros(1, 3, 64, 64))
    assert [maps.shape[1:] for maps in found] == [
        (s.channels, 64 // s.stride, 64 // s.stride) for s in stages(encoder)
    ]


@pytest.mark.parametrize("loss", ["mse", "l1", "smooth-l1", "oks"])
def test_every_loss_of_points_has_a_slope(loss):
    torch.manual_seed(0)
    model = models.build("regression", dots.SPEC, **TINY, loss=loss, oks_sigmas=(0.1, 0.2, 0.3))
    batch = dots.batch(2)
    model.train().loss(model(batch.image.float()), batch)["place"].backward()
    assert model.places.weight.grad.any()


def test_a_point_that_is_not_in_the_picture_is_not_drawn():
    """Its place pulls at nothing, and it is taught not to be seen."""
    torch.manual_seed(0)
    model, batch = models.build("regression", dots.SPEC, **TINY), dots.batch(8)
    batch.xy[:, 0, 1] = torch.nan
    optimizer = torch.optim.Adam(model.parameters(), 3e-3)
    list(dots.learn(model, batch, optimizer, 50))
    with torch.no_grad():
        high = model.predict(batch.image.float()).heatmaps.amax(dim=(2, 3))
    assert high[:, 1].max() < 0.3
    assert high[:, 0].min() > 0.5
