"""Datasets: one file a format; this folder is the registry.

`train/datasets/<name>.py` defines `read(folder: Path, *, skip_bad: bool = False, …) -> Dataset`. It
raises FileNotFoundError that says what the folder should hold, and LabelError for a label that is
wrong; with `skip_bad` it goes on without that picture and adds the line to `Dataset.skipped`. What
else it takes are options with defaults.
"""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path
from types import ModuleType
from typing import Any

from train.labels import Dataset

_NOT_FORMATS = {"empty", "held_out", "rendered"}


def names() -> list[str]:
    """The formats there is a file for; imports none of them."""
    found = (module.name for module in pkgutil.iter_modules(__path__))
    return sorted(name for name in found if name not in _NOT_FORMATS)


def load(name: str, folder: Path, *, skip_bad: bool = False, **options: Any) -> Dataset:
    """A folder in the format of that name → its pictures by split.

    Raises ValueError for an unknown name or an option that the format does not take, LabelError for
    a wrong label, FileNotFoundError where the folder does not hold what the format wants, and
    ValueError if no picture is left at all.
    """
    read = module_of(name).read
    known = set(read.__kwdefaults__) - {"skip_bad"}
    if unknown := sorted(options.keys() - known):
        raise ValueError(f"the dataset {name} has no option {unknown[0]}; it has {sorted(known)}")
    dataset: Dataset = read(folder, skip_bad=skip_bad, **options)
    if not any(dataset.splits.values()):
        raise ValueError(f"{folder} holds no labelled picture; skipped {len(dataset.skipped)}")
    return dataset


def module_of(name: str) -> ModuleType:
    """A format's name → its module. Raises ValueError for a name that there is no file for."""
    if name not in names():
        raise ValueError(f"no dataset is called {name!r}; there are {', '.join(names())}")
    return importlib.import_module(f"train.datasets.{name}")
