from dataclasses import replace

import dots
import pytest
from tiny import TINY as TINY_RUN

torch = pytest.importorskip("torch")
pytest.importorskip("timm")

from train import counting, loop, models  # noqa: E402
from train.config import Config  # noqa: E402

TINY = {"width": 32}
STEPS, NEAR_PX = 60, 1.0

PACKETS = replace(dots.SPEC, max_cards=52)


@pytest.mark.parametrize("stride", [1, 2, 4, 8])
def test_heatmaps_are_as_fine_as_asked_for(stride):
    model = models.build("unet", replace(dots.SPEC, stride=stride), width=8).eval()
    with torch.no_grad():
        assert model.predict(torch.zeros(1, 3, 64, 64)).heatmaps.shape[2:] == (64 // stride,) * 2


def test_a_stride_that_it_has_no_level_for_is_refused():
    with pytest.raises(ValueError, match="1, 2, 4 or 8, got 16"):
        models.build("unet", replace(dots.SPEC, stride=16))


def test_packets_get_a_count():
    with torch.no_grad():
        said = models.build("unet", PACKETS, width=8).eval().predict(torch.zeros(2, 3, 64, 64))
    assert said.cards.shape == (2, 53)
    torch.testing.assert_close(said.cards.sum(dim=1), torch.ones(2))
    assert said.visibility.shape == (2, 3)


def test_the_count_does_not_pull_at_what_finds_the_corners():
    model, batch = models.build("unet", PACKETS, width=8).train(), dots.batch(2)
    batch = batch._replace(cards=torch.tensor([7, 40]), countable=torch.ones(2))
    parts = model.loss(model(batch.image.float()), batch)
    assert set(parts) == {"heatmap", "visible", "present", "count"}
    parts["count"].backward()
    pulled = {name for name, p in model.named_parameters() if p.grad is not None and p.grad.any()}
    assert pulled
    assert all(name.startswith("count.") for name in pulled)


@pytest.mark.filterwarnings("ignore:.*TorchVision are deprecated:DeprecationWarning")
@pytest.mark.timeout(400)
def test_it_is_trained_on_packets_by_the_same_loop(tmp_path):
    for name in ("torchvision", "lightning_fabric"):
        pytest.importorskip(name)
    own = {"encoder_model": Config().encoder_model, "weights": Config().weights}
    config = replace(TINY_RUN, approach="unet", epochs=1, samples=8, out=str(tmp_path), **own)
    model, _ = loop.load_checkpoint(loop.fit(config))
    with torch.no_grad():
        said = model.predict(torch.zeros(1, 3, 64, 64))
    assert said.heatmaps.shape == (1, 8, 16, 16)
    assert said.cards.shape == (1, 53)
    head = replace(config, start=str(tmp_path / "last.pt"), only_count=True)
    with pytest.raises(TypeError, match="holds no heatmap network that counts cards"):
        counting.fit_count(head)
