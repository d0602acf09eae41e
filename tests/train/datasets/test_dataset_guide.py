"""docs/add-a-dataset.md is true: what it shows reads what it writes."""

import re
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path

import pytest

from train import datasets
from train.label_files.wrong import LabelError

GUIDE = Path(__file__).parents[3] / "docs" / "add-a-dataset.md"


def module(name, code, folder):
    path = folder / f"{name}.py"
    path.write_text(code, encoding="utf-8")
    loader = SourceFileLoader(name, str(path))
    found = module_from_spec(spec_from_loader(name, loader))
    loader.exec_module(found)
    return found


def test_the_guides_file_and_test_work(tmp_path, monkeypatch):
    code, test = re.findall(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    beans = module("beans", code, tmp_path)
    monkeypatch.setattr(datasets, "beans", beans, raising=False)
    beans_test = module("test_beans", test, tmp_path)
    (tmp_path / "a").mkdir()
    beans_test.test_a_line_is_a_tip_and_a_stem(tmp_path / "a")
    place = beans_test.spoil(tmp_path / "a")
    with pytest.raises(LabelError, match=f"{place}: tip at x 300, y 4 is outside"):
        beans.read(tmp_path / "a")
    assert len(beans.read(tmp_path / "a", skip_bad=True).skipped) == 1
