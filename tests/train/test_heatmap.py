import math
from functools import partial

import pytest

torch = pytest.importorskip("torch")
timm = pytest.importorskip("timm")
pytest.importorskip("safetensors")

from safetensors.torch import save_file  # noqa: E402

from engines.spec import ModelSpec  # noqa: E402
from stream.packet import EDGES, FLIP, KEYPOINTS, MAX_CARDS  # noqa: E402
from train import losses  # noqa: E402
from train.encoder import create  # noqa: E402
from train.example import Example  # noqa: E402
from train.heatmaps import at_peaks  # noqa: E402
from train.models import heatmap, unet  # noqa: E402

SPEC = ModelSpec("t", KEYPOINTS, EDGES, FLIP, (64, 96), 4, 6.0, MAX_CARDS)
ENCODER = "mobilenetv3_small_050"


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return heatmap.build(SPEC, ENCODER, 5, width=16)


def pictures(n=2):
    return torch.randint(0, 256, (n, 3, 64, 96), generator=torch.Generator().manual_seed(0)).float()


def test_shapes_are_those_of_the_spec(model):
    out = model.eval()(pictures())
    assert out.heatmaps.shape == (2, 8, 16, 24)
    assert out.visibility.shape == (2, 8)
    assert out.presence.shape == (2,)
    assert out.mean.shape == (2, 2)
    assert out.log_p.shape == (2, 2, 52)


@torch.no_grad()
def test_what_engines_say_is_in_range(model):
    heatmaps, visibility, count = model.eval().predict(pictures())
    assert heatmaps.shape == (2, 8, 16, 24)
    assert 0 <= heatmaps.min() <= heatmaps.max() <= 1
    assert 0 <= visibility.min() <= visibility.max() <= 1
    assert count.shape == (2, 53)
    torch.testing.assert_close(count.sum(1), torch.ones(2))
    torch.testing.assert_close(1 - count[:, 0], torch.sigmoid(model(pictures()).presence))


def test_who_is_seen_is_asked_of_the_features_at_each_peak():
    features = torch.arange(3 * 64 * 64.0).reshape(1, 3, 64, 64) / 1000
    heights = torch.zeros(1, 2, 64, 64)
    heights[0, 0, 10, 50], heights[0, 1, 40, 5] = 1.0, 0.8
    near = at_peaks(features, heights)
    first, second = features[0, :, 10, 50], features[0, :, 40, 5]
    torch.testing.assert_close(near[0, 6:], torch.tensor([1.0, 0.8]))
    torch.testing.assert_close(near[0, :3], first, atol=1e-3, rtol=1e-3)
    torch.testing.assert_close(near[0, 3:6], second, atol=1e-2, rtol=1e-2)


def test_the_count_does_not_pull_at_what_finds_the_corners(model):
    model.train().zero_grad()
    out = model(pictures())
    losses.count_nll(out.log_p, out.mean, torch.tensor([5, 40]), torch.ones(2)).backward()
    pulled = {name for name, p in model.named_parameters() if p.grad is not None and p.grad.any()}
    assert pulled
    assert all(name.startswith("count.") for name in pulled)


@pytest.mark.parametrize(
    "build", [partial(heatmap.build, SPEC, ENCODER), partial(unet.build, SPEC)]
)
def test_without_weight_the_count_is_left_out_of_learning_and_still_said(build):
    model = build(width=16, count_weight=0.0)
    read = []
    model.count.register_forward_hook(lambda *_: read.append(1))
    out = model.train()(pictures())
    assert out.log_p is None
    assert not read
    assert not any(p.requires_grad for p in model.count.parameters())
    assert model.eval()(pictures()).log_p.shape == (2, 2, 52)


def batch(n=2):
    xy = torch.full((n, 1, 8, 2), 40.0)
    ones = torch.ones(n, 8)
    box = torch.zeros(n, 1, 4)
    cards = torch.full((n,), 20)
    return Example(pictures(n), xy, ones, ones, box, box[..., 0], cards, torch.ones(n))


@pytest.mark.parametrize(
    "build", [partial(heatmap.build, SPEC, ENCODER), partial(unet.build, SPEC)]
)
def test_where_a_peak_lies_costs_what_its_weight_says(build):
    model = build(width=16, centre_weight=0.5)
    peaks = torch.zeros(2, 8, 16, 24)
    peaks[..., 10, 11] = 1.0  # the truth is cell 9.625 both ways
    out = model(pictures())._replace(heatmaps=peaks)
    got = model.loss(out, batch())["centre"]
    assert got == pytest.approx(0.5 * math.hypot(0.375, 1.375) / 1.5, rel=1e-4)
    assert "centre" not in build(width=16).loss(out, batch())


def test_heatmaps_and_visibility_do_pull(model):
    model.train().zero_grad()
    out = model(pictures())
    (out.heatmaps.mean() + out.visibility.mean() + out.presence.mean()).backward()
    pulled = {name for name, p in model.named_parameters() if p.grad is not None and p.grad.any()}
    for part in ("encoder.", "decoder.", "heat.", "seen."):
        assert any(name.startswith(part) for name in pulled)
    assert not any(name.startswith("count.") for name in pulled)


def test_colours_are_given_in_the_encoders_order(model):
    seen = []
    hook = model.encoder.register_forward_pre_hook(lambda _m, args: seen.append(args[0]))
    blue = torch.zeros(1, 3, 64, 96)
    blue[:, 0] = 255.0  # BGR
    with torch.no_grad():
        model.eval()(blue)
    hook.remove()
    got = seen[0][0, :, 0, 0]
    cfg = model.encoder.pretrained_cfg if hasattr(model.encoder, "pretrained_cfg") else None
    mean = torch.tensor(cfg["mean"]) if cfg else model.normalise.mean.flatten() / 255
    std = torch.tensor(cfg["std"]) if cfg else model.normalise.std.flatten() / 255
    torch.testing.assert_close(got, (torch.tensor([0.0, 0.0, 1.0]) - mean) / std)


@pytest.mark.parametrize("layers", [3, 4, 5])
def test_any_number_of_stages_from_stride_four_on(layers):
    net = heatmap.build(SPEC, ENCODER, layers, width=8).eval()
    with torch.no_grad():
        assert net(pictures()).heatmaps.shape == (2, 8, 16, 24)


def test_an_encoder_without_stride_four_is_refused():
    with pytest.raises(ValueError, match="stage of stride 4"):
        heatmap.build(SPEC, ENCODER, 1)


def test_weights_are_read_from_a_file_of_the_whole_network(tmp_path):
    torch.manual_seed(3)
    whole = timm.create_model(ENCODER)
    state = {key: value.half() for key, value in whole.state_dict().items()}
    save_file(state, tmp_path / "w.safetensors")
    net = heatmap.build(SPEC, ENCODER, 5, str(tmp_path / "w.safetensors"))
    torch.testing.assert_close(
        net.encoder.state_dict()["conv_stem.weight"], state["conv_stem.weight"].float()
    )
    del state["conv_stem.weight"]
    save_file(state, tmp_path / "less.safetensors")
    with pytest.raises(ValueError, match=r"lacks 1 of the encoder's weights.*conv_stem"):
        heatmap.build(SPEC, ENCODER, 5, str(tmp_path / "less.safetensors"))
    with pytest.raises(FileNotFoundError, match="no weights at"):
        heatmap.build(SPEC, ENCODER, 5, str(tmp_path / "none.safetensors"))


@pytest.mark.parametrize("name", ["test_convnext", "test_mambaout", "test_vit", "resnet18"])
def test_a_file_is_read_whatever_timm_calls_the_weights_in_pieces(tmp_path, name):
    torch.manual_seed(3)
    held = timm.create_model(name).state_dict()
    save_file(held, tmp_path / "w.safetensors")
    encoder = create(SPEC, name, 2, str(tmp_path / "w.safetensors"), 8)
    for key, value in encoder.state_dict().items():
        same = [one for one in held.values() if one.shape == value.shape and (one == value).all()]
        assert same or key.endswith("pos_embed"), key  # which is made to fit the picture
