from dataclasses import replace

import dots
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("timm")

from torch import nn  # noqa: E402

from train import models  # noqa: E402

TINY = {"encoder_model": "test_efficientnet", "width": 16}
STEPS, NEAR_PX = 90, 1.0


def pictures(hw=(64, 64)):
    return torch.zeros(1, 3, *hw)


@pytest.mark.parametrize(("layers", "stride"), [(2, 1), (3, 2), (5, 4), (5, 8)])
def test_bilinear_enlarges_the_last_stage_and_has_1x1_convolutions_and_nothing_else(layers, stride):
    spec = replace(dots.SPEC, stride=stride)
    options = TINY | {"decoder": "bilinear", "layers": layers}
    model = models.build("heatmap", spec, **options).eval()
    with torch.no_grad():
        said = model.predict(pictures())
    assert said.heatmaps.shape == (1, 3, 64 // stride, 64 // stride)
    assert said.visibility is None
    beside = [m for n, m in model.named_modules() if n and not n.startswith("encoder")]
    kinds = {type(m).__name__ for m in beside}
    assert kinds == {"Sequential", "Conv2d", "ReLU", "Normalise"}
    assert {m.kernel_size for m in beside if isinstance(m, nn.Conv2d)} == {(1, 1)}


@pytest.mark.parametrize("encoder", ["resnet18", "convnext_atto", "test_mambaout", "vgg", "resnet"])
def test_any_encoder_will_do(encoder):
    """Also one with fewer stages than the five that are asked for, or with channels last."""
    options = {"encoder_model": encoder, "width": 8}
    with torch.no_grad():
        said = models.build("heatmap", dots.SPEC, **options).eval().predict(pictures())
    assert said.heatmaps.shape == (1, 3, 16, 16)


def test_one_that_wants_a_size_of_its_own_gets_the_models(recwarn):
    options = {"encoder_model": "vit_tiny_patch16_224", "decoder": "bilinear", "layers": 1}
    with torch.no_grad():
        said = models.build("heatmap", dots.SPEC, **options).eval().predict(pictures())
    assert said.heatmaps.shape == (1, 3, 16, 16)
    assert not recwarn.list


@pytest.mark.parametrize(
    ("encoder", "frozen", "stride"),
    [("test_efficientnet", 2, 4), ("resnet18", 1, 4), ("test_convnext", 2, 4), ("test_vit", 1, 16)],
)
def test_frozen_stages_stay_as_they_are_and_the_rest_learns(encoder, frozen, stride):
    torch.manual_seed(0)
    options = {"encoder_model": encoder, "width": 8, "frozen": frozen}
    spec, batch = replace(dots.SPEC, stride=stride), dots.batch(4)
    model = models.build("heatmap", spec, **options)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    with torch.no_grad():
        maps = model.eval().encoder(batch.image.float())
    optimizer = torch.optim.Adam(model.parameters(), 3e-3)
    list(dots.learn(model, batch, optimizer, 3))
    with torch.no_grad():
        after = model.eval().encoder(batch.image.float())
    for i, (old, new) in enumerate(zip(maps, after, strict=True)):
        assert torch.equal(old, new) == (i < frozen)
    moved = {n for n, value in model.state_dict().items() if not torch.equal(value, before[n])}
    assert any(name.startswith("encoder.") for name in moved)
    assert any(name.startswith("decoder.") for name in moved)


def test_no_more_can_be_frozen_than_there_is():
    with pytest.raises(ValueError, match="has 5 stages, got 6"):
        models.build("heatmap", dots.SPEC, **TINY, frozen=6)
    with pytest.raises(ValueError, match="bilinear freezes nothing"):
        models.build("heatmap", dots.SPEC, **TINY, frozen=1, decoder="bilinear")
    with pytest.raises(ValueError, match="nobody knows which parts make"):
        models.build("heatmap", dots.SPEC, encoder_model="hrnet_w18_small", width=8, frozen=1)


@pytest.mark.parametrize("loss", ["mse", "l1", "smooth-l1", "bce", "focal", "awing"])
def test_every_loss_of_heatmaps_is_one_that_it_learns_by(loss):
    torch.manual_seed(0)
    model, batch = models.build("heatmap", dots.SPEC, **TINY, loss=loss), dots.batch(4)
    optimizer = torch.optim.Adam(model.parameters(), 3e-3)
    values = [parts["heatmap"].item() for parts in dots.learn(model, batch, optimizer, 25)]
    assert values[-1] < 0.8 * values[0]
    with torch.no_grad():
        heatmaps = model.predict(batch.image.float()).heatmaps
    assert 0 <= heatmaps.min() <= heatmaps.max() <= 1


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"decoder": "magic"}, "lateral or bilinear, got 'magic'"),
        ({"loss": "oks"}, "no loss of heatmaps is called 'oks'"),
        ({"target": "square"}, "no heatmap target is called 'square'"),
        ({"encoder_model": "resnet_of_mine"}, "timm has no model called 'resnet_of_mine'"),
        ({"encoder_model": "vgg", "weights": "a.safetensors"}, "vgg starts from noise"),
    ],
)
def test_what_is_not_there_is_one_line(options, says):
    with pytest.raises(ValueError, match=says):
        models.build("heatmap", dots.SPEC, **TINY | options)


def test_weights_that_cannot_be_had_are_one_line(monkeypatch):
    def unreachable(*_, **__):
        raise FileNotFoundError("three lines of what a hub said")

    monkeypatch.setattr("timm.create_model", unreachable)
    with pytest.raises(OSError, match="weights of test_efficientnet cannot be downloaded: name a"):
        models.build("heatmap", dots.SPEC, **TINY, weights="timm")


def test_only_the_default_decoder_counts():
    spec = replace(dots.SPEC, max_cards=52)
    with pytest.raises(ValueError, match="bilinear counts no cards"):
        models.build("heatmap", spec, **TINY, decoder="bilinear")
    with torch.no_grad():
        said = models.build("heatmap", spec, **TINY).eval().predict(pictures())
    assert said.cards.shape == (1, 53)
