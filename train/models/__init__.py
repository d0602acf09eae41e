"""Approaches: one file each; this folder is the registry.

`train/models/<name>.py` defines `build(spec: ModelSpec, …) -> Approach`. What else it takes are
options with defaults, named as the fields of `train.config.Config`. It has `COUNTS = True` if what
it builds says how many cards there are where `spec.max_cards` asks for it, `EXPORTS_ALL = False` if
what `predict` says needs only a part of what is trained, so that no ONNX file holds all of it.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engines.spec import ModelSpec
    from train.approach import Approach


def names() -> list[str]:
    """The approaches there is a file for; imports none of them."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def module_of(name: str) -> ModuleType:
    """An approach's name → its module. Raises ValueError for a name that there is no file for."""
    if name not in names():
        raise ValueError(f"no approach is called {name!r}; there are {', '.join(names())}")
    return importlib.import_module(f"train.models.{name}")


def options_of(name: str) -> set[str]:
    """The options that an approach takes."""
    return set(inspect.signature(module_of(name).build).parameters) - {"spec"}


def build(name: str, spec: ModelSpec, **options: Any) -> Approach:
    """The approach of that name, for `spec`. Raises ValueError for what it does not take or be."""
    known = options_of(name)
    if unknown := sorted(options.keys() - known):
        raise ValueError(
            f"the approach {name} has no option {unknown[0]}; it has {', '.join(sorted(known))}"
        )
    if spec.max_cards is not None and not getattr(module_of(name), "COUNTS", False):
        raise ValueError(
            f"the approach {name} counts no cards: take heatmap or unet for packets, or find their "
            "corners alone with --dataset cardcut"
        )
    model: Approach = module_of(name).build(spec, **options)
    return model
