"""Engines: one contract, one file a runtime; this folder is the registry.

`engines/<name>.py` defines `open_model(path: Path, how: Opening) -> Engine` and raises
`EngineUnavailable` where its runtime is missing or does not work. It may define, beside it:

- `open_exact(path, how)`: the same in a precision that harms nothing, tried if `open_model` misses
  the gate of `engines.parity`;
- `carried(path)`: what a file that is no ONNX model says that it has to say (`parity.Reading`);
- `is_built(path)`, for a runtime that builds plans: whether `open_model` would be quick.
"""

from __future__ import annotations

import errno
import importlib
import logging
import pkgutil
from pathlib import Path
from types import ModuleType

from engines.spec import (
    DEFAULT,
    Disagreement,
    Engine,
    EngineUnavailable,
    ModelSpec,
    Opening,
    Prediction,
    SpecError,
)

__all__ = [
    "AUTO_ORDER",
    "DEFAULT_MODEL",
    "Disagreement",
    "Engine",
    "EngineUnavailable",
    "ModelSpec",
    "Opening",
    "Prediction",
    "SpecError",
    "names",
    "open_engine",
]

AUTO_ORDER = ("trt", "rtx", "cuda", "ov", "ort")
"""The backends that "auto" tries, the fastest first."""

DEFAULT_MODEL = Path(__file__).parent / "models" / "packet-nano.onnx"

_log = logging.getLogger("kpstream")

_NOT_BACKENDS = set(
    "build compiled folders fp16 gpu graph lane models native parity plans small spec trust".split()  # noqa: SIM905
)

_TAKERS = {".xml": ("ov",), ".plan": ("trt", "rtx"), ".pt": ("eager",)}
"""Which backends take a file that is no ONNX model, by its ending."""

_UNGATED = {"ort", "fake", "eager"}
"""The reference itself; no network; and torch, which an export is compared with."""


def names() -> list[str]:
    """The backends there are a file for, installed or not; imports none of them."""
    found = (module.name for module in pkgutil.iter_modules(__path__))
    return sorted(name for name in found if name not in _NOT_BACKENDS)


def open_engine(
    model: Path = DEFAULT_MODEL, backend: str = "auto", how: Opening = DEFAULT
) -> Engine:
    """Model file → a warmed-up engine that agrees with the model's reference.

    Waits for a plan to be built where the runtime needs one (`stream.choice` does not).
    Raises EngineUnavailable (for "auto" with every backend's reason), SpecError for a file that is
    not a kpstream model, ValueError for an unknown backend and OSError for an unreadable file.
    """
    if not model.is_file():
        raise FileNotFoundError(errno.ENOENT, "there is no such model file", str(model))
    if backend != "auto":
        return _open(backend, model, how)
    reasons = []
    for name in candidates(model):
        try:
            return _open(name, model, how)
        except EngineUnavailable as error:
            reasons.append(f"{name}: {error}")
    raise EngineUnavailable("no engine works here. " + "; ".join(reasons))


def candidates(model: Path) -> tuple[str, ...]:
    """The backends that "auto" tries for a file, the fastest first."""
    return _TAKERS.get(model.suffix, AUTO_ORDER)


def module_of(backend: str) -> ModuleType:
    """A backend's name → its module; its runtime is imported only as it opens a model.

    Raises ValueError for a name that there is no file for.
    """
    if backend not in names():
        known = ", ".join(["auto", *names()])
        raise ValueError(f"no engine is called {backend!r}; there are {known}")
    return importlib.import_module(f"engines.{backend}")


def _open(name: str, model: Path, how: Opening) -> Engine:
    """A backend's engine, if it takes the file and agrees with the reference."""
    module = module_of(name)
    takers = _TAKERS.get(model.suffix)
    if name not in takers if takers else name == "eager":
        wanted = " or ".join(takers) if takers else "another engine"
        raise EngineUnavailable(f"{name} does not read {model}: it is a file for {wanted}")
    try:
        return _checked(module, module.open_model(model, how), name, model)
    except Disagreement as error:
        if not hasattr(module, "open_exact"):
            raise
        _log.info("%s", error)
        return _checked(module, module.open_exact(model, how), name, model)


def _checked(module: ModuleType, engine: Engine, name: str, model: Path) -> Engine:
    """The engine, if it may be used; else it is closed and Disagreement raised."""
    if name in _UNGATED:
        return engine
    from engines import trust  # noqa: PLC0415 - numpy is not needed to print a help text

    carried = module.carried(model) if model.suffix in _TAKERS else None
    try:
        trust.check(engine, model, carried)
    except BaseException:
        engine.close()
        raise
    return engine
