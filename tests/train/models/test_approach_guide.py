"""docs/add-an-approach.md is true: what it shows is an approach like any other."""

import re
from importlib import import_module
from pathlib import Path

import pytest

pytest.importorskip("torch")
for _name in ("timm", "torchvision", "lightning_fabric", "onnx"):
    pytest.importorskip(_name)

import test_every_approach as conformance  # noqa: E402

from train import export, models  # noqa: E402

GUIDE = Path(__file__).parents[3] / "docs" / "add-an-approach.md"

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*TorchVision are deprecated:DeprecationWarning"),
    pytest.mark.timeout(900),
]


def test_the_guides_file_and_test_work(tmp_path, monkeypatch):
    code, test = re.findall(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "integral.py").write_text(code, encoding="utf-8")
    (tmp_path / "test_integral_approach.py").write_text(test, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(models, "__path__", [*models.__path__, str(tmp_path / "models")])
    assert "integral" in models.names()
    import_module("test_integral_approach").test_no_mass_anywhere_is_the_middle()
    conformance.test_its_options_are_the_commands("integral")
    conformance.test_a_step_lowers_the_loss("integral")
    conformance.test_nothing_to_find_is_nothing_wrong("integral")
    model = conformance.learn("integral")
    conformance.test_eight_pictures_are_learnt_by_heart("integral", model)
    path = tmp_path / "dots.onnx"
    path.write_bytes(export.to_onnx(model, model.spec).SerializeToString())
    conformance.test_every_runtime_finds_what_torch_finds(path, model, "integral", "ort")
