import numpy as np
import pytest

torch = pytest.importorskip("torch")
for _name in ("timm", "torchvision", "lightning_fabric", "onnx"):
    pytest.importorskip(_name)

import engines  # noqa: E402
from engines import EngineUnavailable, SpecError  # noqa: E402
from train import cli  # noqa: E402

pytestmark = pytest.mark.timeout(400)


@pytest.fixture(scope="module")
def checkpoint(packets):
    return packets / "last.pt"


def test_a_checkpoint_answers_as_its_export_does(packets, checkpoint):
    assert {path.name for path in packets.iterdir()} == {"last.pt", "log.jsonl", "packet.onnx"}
    eager, reference = (
        engines.open_engine(checkpoint, "eager"),
        engines.open_engine(packets / "packet.onnx", "ort"),
    )
    assert eager.spec == reference.spec
    images = np.random.default_rng(0).integers(0, 256, (3, *eager.spec.input_hw, 3), np.uint8)
    got, want = eager(images[:, :, ::-1]), reference(images[:, :, ::-1])  # also what has strides
    for name in ("heatmaps", "visibility", "count"):
        np.testing.assert_allclose(getattr(got, name), getattr(want, name), atol=1e-3)
        assert getattr(got, name).dtype == np.float32
    assert got.count.shape == (3, 53)
    eager.close()
    eager.close()
    with pytest.raises(RuntimeError, match="closed"):
        eager(images)


def test_auto_takes_a_checkpoint_to_torch(checkpoint):
    engine = engines.open_engine(checkpoint)
    assert str(engine).startswith(f"PyTorch {torch.__version__} (eager) on ")
    engine.close()


def test_eval_scores_a_checkpoint_without_an_export(checkpoint, capsys):
    words = ["eval", checkpoint, "--engine", "eager", "--protocols", "speed", "--scale", "0.02"]
    assert cli.main([str(word) for word in words]) == 0
    assert "speed" in capsys.readouterr().out


def test_another_file_of_torch_is_refused(tmp_path):
    torch.save({"weights": 1}, tmp_path / "other.pt")
    with pytest.raises(SpecError):
        engines.open_engine(tmp_path / "other.pt")


def test_without_the_trainer_the_remedy_is_named(checkpoint, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(EngineUnavailable, match=r"pip install 'kpstream\[train\]'"):
        engines.open_engine(checkpoint)
