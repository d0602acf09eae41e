"""Engines: one contract, one file a runtime; this folder is the registry.

`engines/<name>.py` defines `open_model(path: Path) -> Engine` and raises `EngineUnavailable` where
its runtime is missing or does not work.
"""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path

from engines.spec import Engine, EngineUnavailable, ModelSpec, Prediction, SpecError

__all__ = [
    "AUTO_ORDER",
    "DEFAULT_MODEL",
    "Engine",
    "EngineUnavailable",
    "ModelSpec",
    "Prediction",
    "SpecError",
    "names",
    "open_engine",
]

AUTO_ORDER = ("ov", "ort")
"""The backends that "auto" tries, the fastest first."""

DEFAULT_MODEL = Path(__file__).parent / "models" / "packet-nano.onnx"

_NOT_BACKENDS = {"build", "fp16", "gpu", "graph", "lane", "models", "parity", "plans", "spec"}


def names() -> list[str]:
    """The backends there are a file for, installed or not; imports none of them."""
    found = (module.name for module in pkgutil.iter_modules(__path__))
    return sorted(name for name in found if name not in _NOT_BACKENDS)


def open_engine(model: Path = DEFAULT_MODEL, backend: str = "auto") -> Engine:
    """Model file → a warmed-up engine.

    Raises EngineUnavailable (for "auto" with every backend's reason), SpecError for a file that is
    not a kpstream model, ValueError for an unknown backend and OSError for an unreadable file.
    """
    if backend != "auto":
        if backend not in names():
            known = ", ".join(["auto", *names()])
            raise ValueError(f"no engine is called {backend!r}; there are {known}")
        return _open(backend, model)
    reasons = []
    for name in AUTO_ORDER:
        try:
            return _open(name, model)
        except EngineUnavailable as error:
            reasons.append(f"{name}: {error}")
    raise EngineUnavailable("no engine works here. " + "; ".join(reasons))


def _open(name: str, model: Path) -> Engine:
    module = importlib.import_module(f"engines.{name}")
    engine: Engine = module.open_model(model)
    return engine
