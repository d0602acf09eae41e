"""Datasets: one file a format; this folder is the registry.

`train/datasets/<name>.py` defines `read(folder: Path, *, skip_bad: bool = False, …) -> Dataset`. It
raises FileNotFoundError that says what the folder should hold, and LabelError for a label that is
wrong; with `skip_bad` it goes on without that picture and adds the line to `Dataset.skipped`. What
else it takes are options with defaults.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, get_type_hints

from train.labels import Dataset
from train.words import numbers

_NOT_FORMATS = {"empty", "held_out", "rendered"}
_NOT_OPTIONS = {"folder", "skip_bad", "return"}


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


def options(name: str, text: str) -> dict[str, Any]:
    """Text "points=left_eye,mouth;other=yes" → the options of a format, each as its kind asks.

    Raises ValueError for one that the format does not have, or for what is none of its values.
    """
    kinds = get_type_hints(module_of(name).read)
    made: dict[str, Any] = {}
    for words in filter(None, map(str.strip, text.split(";"))):
        option, equals, value = (part.strip() for part in words.partition("="))
        if not equals:
            raise ValueError(f"an option of a dataset is written NAME=VALUE, got {words!r}")
        if option not in kinds or option in _NOT_OPTIONS:
            known = sorted(kinds.keys() - _NOT_OPTIONS) or "none"
            raise ValueError(f"the dataset {name} has no option {option!r}; it has {known}")
        made[option] = _value(kinds[option], option, value)
    return made


def _value(kind: Any, option: str, text: str) -> Any:
    """A word → yes or no, numbers, names, or as it is."""
    if kind is bool:
        if text not in ("yes", "no"):
            raise ValueError(f"{option} is yes or no, got {text!r}")
        return text == "yes"
    if kind == Sequence[int]:
        try:
            return numbers(text)
        except ValueError:
            raise ValueError(f"{option} is numbers with commas between, got {text!r}") from None
    return tuple(text.split(",")) if kind == Sequence[str] else text


def module_of(name: str) -> ModuleType:
    """A format's name → its module. Raises ValueError for a name that there is no file for."""
    if name not in names():
        raise ValueError(f"no dataset is called {name!r}; there are {', '.join(names())}")
    return importlib.import_module(f"train.datasets.{name}")
