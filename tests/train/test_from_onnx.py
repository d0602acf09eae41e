"""A network goes on from the file that it was exported to, as if it had never been one."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from tiny import TINY

torch = pytest.importorskip("torch")
for _name in ("timm", "torchvision", "lightning_fabric", "onnx"):
    pytest.importorskip(_name)

import onnx  # noqa: E402

from train import cli, export, from_onnx, loop  # noqa: E402
from train.config import Config  # noqa: E402
from train.material import packet_spec  # noqa: E402

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*TorchVision are deprecated:DeprecationWarning"),
    pytest.mark.timeout(400),
]


@pytest.fixture(scope="module")
def half(packets, tmp_path_factory):
    """The file as --half writes it, without waiting for the exporter again."""
    proto = onnx.load(packets / "packet.onnx")
    export.halve(proto.graph)
    path = tmp_path_factory.mktemp("half") / "half.onnx"
    onnx.save(proto, path)
    return path


def pictures(count, seed):
    noise = np.random.default_rng(seed).integers(0, 256, (count, 3, 64, 64), np.uint8)
    return torch.from_numpy(noise)


def begun(path, batches):
    torch.manual_seed(5)
    model = loop.build(TINY, packet_spec(TINY), weights="none")
    from_onnx.start(model, path, batches)
    return model


@pytest.mark.parametrize(("halved", "close"), [(False, 1e-4), (True, 2e-2)])
def test_it_says_what_the_checkpoint_says(packets, half, halved, close):
    was, _ = loop.load_checkpoint(packets / "last.pt")
    model = begun(half if halved else packets / "packet.onnx", [pictures(8, 1)]).eval()
    images = pictures(3, 2).float()
    with torch.inference_mode():
        before, after = was.predict(images), model.predict(images)
    torch.testing.assert_close(after.heatmaps, before.heatmaps, atol=close, rtol=close)
    torch.testing.assert_close(after.visibility, before.visibility, atol=close, rtol=close)
    torch.testing.assert_close(after.cards, before.cards, atol=close, rtol=close)


def test_it_learns_with_normalisation_that_fits_the_pictures(packets):
    """In training mode it says about the same of the pictures that it settled on."""
    images = pictures(32, 1)
    model = begun(packets / "packet.onnx", [images[:16], images[16:]])
    with torch.inference_mode():
        settled = model.eval().trunk(images.float()).heatmaps
        learning = model.train().trunk(images.float()).heatmaps
    torch.testing.assert_close(learning, settled, atol=2e-3, rtol=1e-2)


def test_a_run_starts_from_a_file(half, tmp_path, capsys):
    words = ["--weights=none", "--width=8", "--input-size=64", "--real=0", "--samples=8"]
    words += ["--batch=4", "--workers=0", "--epochs=1", "--encoder-model=mobilenetv3_small_050"]
    start = ["--start", str(half), "--out", str(tmp_path)]
    assert cli.main(["fit", *words, *start]) == 0
    assert "wrote" in capsys.readouterr().out
    assert (tmp_path / "last.pt").is_file()


def test_a_deck_is_learnt_with_the_normalisation_that_was(packets, tmp_path):
    (tmp_path / "backs").mkdir()
    cv2.imwrite(str(tmp_path / "backs" / "back.png"), np.full((40, 30, 3), 99, np.uint8))
    was, _ = loop.load_checkpoint(packets / "last.pt")
    more = {"start": str(packets / "last.pt"), "epochs": 1, "out": str(tmp_path / "out")}
    now, _ = loop.load_checkpoint(loop.fit(replace(TINY, deck=str(tmp_path), **more)))
    before, after = was.state_dict(), now.state_dict()
    figures = [name for name in before if name.endswith(("running_mean", "running_var"))]
    assert len(figures) > 10
    assert all(torch.equal(before[name], after[name]) for name in figures)
    assert any(not torch.equal(before[name], after[name]) for name in before)


def test_another_network_and_no_network_are_told(packets, tmp_path):
    wide = replace(TINY, width=16)
    model = loop.build(wide, packet_spec(wide), weights="none")
    with pytest.raises(ValueError, match="another network"):
        from_onnx.start(model, packets / "packet.onnx", [pictures(4, 1)])
    other = Config(approach="unet", width=8, input_size=64)
    model = loop.build(other, packet_spec(other), weights="none")
    with pytest.raises(ValueError, match="another network"):
        from_onnx.start(model, packets / "packet.onnx", [pictures(4, 1)])
    bad = tmp_path / "bad.onnx"
    bad.write_bytes(b"no graph at all")
    with pytest.raises(ValueError, match=r"not an ONNX file|does not say"):
        from_onnx.start(model, bad, [pictures(4, 1)])
    with pytest.raises(FileNotFoundError, match="no model"):
        from_onnx.start(model, tmp_path / "none.onnx", [pictures(4, 1)])
    with pytest.raises(ValueError, match="no picture"):
        begun(packets / "packet.onnx", [])
