"""What holds for every file of train/models.

The test of an approach, test_<name>_approach.py beside this, has TINY, the options of a network
that learns in seconds, and after how many STEPS it is nearer than NEAR_PX.
"""

import importlib
from dataclasses import fields, replace

import dots
import numpy as np
import pytest

torch = pytest.importorskip("torch")
for _name in ("timm", "torchvision", "lightning_fabric", "onnx"):
    pytest.importorskip(_name)

from engines import open_engine  # noqa: E402
from stream.draw import draw  # noqa: E402
from stream.estimate import estimate  # noqa: E402
from stream.frame import Frame  # noqa: E402
from train import decoders, export, from_onnx, loop, models  # noqa: E402
from train.config import Config  # noqa: E402

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*TorchVision are deprecated:DeprecationWarning"),
    pytest.mark.timeout(900),  # seconds of work, minutes beside a training run
]


@pytest.fixture(scope="module", params=models.names())
def name(request):
    return request.param


def of(name):
    return importlib.import_module(f"test_{name}_approach")


def build(name):
    torch.manual_seed(0)
    return models.build(name, dots.SPEC, **of(name).TINY)


def loss(model, batch):
    torch.manual_seed(0)
    return sum(model.loss(model(batch.image.float()), batch).values())


def learn(name):
    """A network that has seen eight pictures again and again, in eval mode."""
    model, batch, steps = build(name), dots.batch(), of(name).STEPS
    optimizer = torch.optim.Adam(model.parameters(), 3e-3)
    rate = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.02, steps)
    for _ in dots.learn(model, batch, optimizer, steps):
        rate.step()
    return model.eval()


@pytest.fixture(scope="module")
def learnt(name):
    return learn(name)


def errors_px(heatmaps, batch):
    """Distances (B, K) of what is found to what is true; nothing found is 1000 px off."""
    found = decoders.decode("peak", np.asarray(heatmaps), dots.SPEC).xy[:, :, 0]
    return np.linalg.norm(np.nan_to_num(found, nan=1e3) - batch.xy[:, 0].numpy(), axis=2)


def test_all_approaches_are_found():
    wanted = {"heatmap", "unet", "fcn", "hourglass", "regression", "grid", "box", "yolo"}
    assert wanted <= set(models.names())
    with pytest.raises(ValueError, match="no approach is called 'magic'; there are box, "):
        models.build("magic", dots.SPEC)


def test_its_options_are_the_commands(name):
    known = {field.name for field in fields(Config)} | {"oks_sigmas"}
    assert models.options_of(name) <= known
    with pytest.raises(ValueError, match=f"the approach {name} has no option colour; it has"):
        models.build(name, dots.SPEC, colour="red")


def test_a_step_lowers_the_loss(name):
    model, batch = build(name).train(), dots.batch(4)
    before = loss(model, batch)
    before.backward()
    assert all(p.grad is not None for p in model.parameters())  # several devices want that
    norm = torch.stack([p.grad.norm() for p in model.parameters()]).norm().item()
    torch.optim.SGD(model.parameters(), 1e-2 / norm).step()
    assert loss(model, batch) < before


def test_nothing_to_find_is_nothing_wrong(name):
    """A batch whose every picture is empty, or without a label, has a loss and a slope."""
    batch = dots.batch(2)
    nothing = torch.full_like(batch.xy, torch.nan)
    none = torch.full_like(batch.boxes, torch.nan)
    for known in (0.0, 1.0):
        empty = batch._replace(
            xy=nothing,
            boxes=none,
            areas=none[..., 0],
            known=torch.full_like(batch.known, known),
            visible=torch.full_like(batch.visible, torch.nan),
        )
        model = build(name).train()
        value = loss(model, empty)
        value.backward()
        assert torch.isfinite(value)
        assert all(torch.isfinite(p.grad).all() for p in model.parameters() if p.grad is not None)


def test_eight_pictures_are_learnt_by_heart(name, learnt):
    batch = dots.batch()
    with torch.inference_mode():
        said = learnt.predict(batch.image.float())
    off = errors_px(said.heatmaps, batch)
    assert off.max() < of(name).NEAR_PX, off
    assert said.heatmaps.amax(dim=(2, 3)).min() > 0.25


def test_it_says_what_engines_hand_on(learnt):
    images = torch.randint(0, 256, (3, 3, 64, 64), generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        heatmaps, visibility, cards = learnt.predict(images.float())
    assert heatmaps.shape == (3, 3, *dots.SPEC.heatmap_hw)
    assert 0 <= heatmaps.min() <= heatmaps.max() <= 1
    assert cards is None
    if visibility is not None:
        assert visibility.shape == (3, 3)
        assert 0 <= visibility.min() <= visibility.max() <= 1


def test_its_checkpoint_says_what_it_is(name, tmp_path):
    config = Config(dataset="coco", data="x", approach=name, input_size=64, sigma_px=4.0)
    weights = {"weights": "none"} if "weights" in models.options_of(name) else {}
    config = replace(config, **weights, **of(name).TINY)
    model = loop.build(config, dots.SPEC).eval()
    loop.save(tmp_path / "last.pt", model, torch.optim.Adam(model.parameters()), 1, config)
    again, read = loop.load_checkpoint(tmp_path / "last.pt")
    assert (type(again), again.spec, read) == (type(model), dots.SPEC, config)
    images = dots.batch(1).image.float()
    with torch.inference_mode():
        torch.testing.assert_close(again.predict(images)[0], model.predict(images)[0])


@pytest.fixture(scope="module")
def exported(learnt, tmp_path_factory):
    path = tmp_path_factory.mktemp("exported") / "dots.onnx"
    path.write_bytes(export.to_onnx(learnt, dots.SPEC).SerializeToString())
    return path


def test_it_goes_on_from_its_own_file_or_says_that_it_cannot(exported, learnt, name):
    images = dots.batch().image
    if not getattr(models.module_of(name), "EXPORTS_ALL", True):
        config = Config(dataset="coco", data="x", approach=name)
        with pytest.raises(ValueError, match=rf"approach {name} starts from a checkpoint \(\.pt\)"):
            loop._start(learnt, exported, [], config)
        return
    torch.manual_seed(5)
    model = build(name)
    from_onnx.start(model, exported, [images])
    with torch.inference_mode():
        said, wanted = (m.eval().predict(images.float()).heatmaps for m in (model, learnt))
    torch.testing.assert_close(said, wanted, atol=1e-3, rtol=0)


@pytest.mark.parametrize("engine", ["ort", "ov"])
def test_every_runtime_finds_what_torch_finds(exported, learnt, name, engine):
    """And the gate that every runtime but the reference has to pass lets it through."""
    if engine == "ort":
        export.check(exported, learnt, dots.SPEC, export.TOLERANCE)
    batch = dots.batch()
    opened = open_engine(exported, engine)
    try:
        said = opened(batch.image.permute(0, 2, 3, 1).contiguous().numpy())
        assert errors_px(said.heatmaps, batch).max() < of(name).NEAR_PX + 0.25
    finally:
        opened.close()


def test_it_streams_with_its_own_names_and_no_count(exported, name):
    image, xy = dots.draw(0)
    engine = open_engine(exported, "ort")
    try:
        (result,) = estimate([Frame(image, 0, 0.0, None, "a")], engine, stills=True)
    finally:
        engine.close()
    assert (result.state, result.count) == ("locked", None)
    assert np.linalg.norm(result.packet.xy - xy, axis=1).max() < of(name).NEAR_PX
    assert engine.spec.keypoints == ("blue", "green", "red")
    assert (draw(result, engine.spec) != image).any()
