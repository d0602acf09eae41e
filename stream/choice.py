"""Which engine runs: the one asked for, or the fastest that is ready as a faster one is built."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

import engines
from engines.ort import physical_cores
from engines.spec import DEFAULT, Engine, EngineUnavailable, Opening, Progress
from stream.switch import SwitchingEngine

_ON_THE_CPU = {"ov", "ort"}

_log = logging.getLogger("kpstream")


def choose(model: Path, backend: str, how: Opening = DEFAULT) -> Engine:
    """Model file and an engine's name, or "auto" → a warmed-up engine.

    "auto" does not wait for a plan to be built: the next best engine runs until it is there. One
    asked for by name is waited for. Raises what `engines.open_engine` does.
    """
    if backend != "auto":
        return engines.open_engine(model, backend, how)
    reasons: list[str] = []
    unbuilt = None
    for name in engines.candidates(model):
        module = engines.module_of(name)
        try:
            if hasattr(module, "is_built") and not module.is_built(model):
                unbuilt = unbuilt or name
                continue
            engine = engines.open_engine(model, name, how)
        except EngineUnavailable as error:
            reasons.append(f"{name}: {error}")
            continue
        if unbuilt is not None:
            return _becoming(engine, model, unbuilt)
        if name in _ON_THE_CPU:
            _mention_idle_gpu(reasons)
        return engine
    if unbuilt is not None:
        return engines.open_engine(model, unbuilt, how)
    raise EngineUnavailable("no engine works here. " + "; ".join(reasons))


def _becoming(engine: Engine, model: Path, name: str) -> Engine:
    def build(progress: Progress) -> Engine:
        return engines.open_engine(model, name, Opening(progress=progress))

    return SwitchingEngine(engine, name, build)


def _mention_idle_gpu(reasons: list[str]) -> None:
    """A GPU that is there and does nothing is what its owner wants to know."""
    if reasons and shutil.which("nvidia-smi"):
        _log.warning("an NVIDIA GPU is here, but the CPU does the work. %s", "; ".join(reasons))


def opening(*, live: bool, progress: Progress | None = None) -> Opening:
    """How an engine is to be opened for a source: live it takes every core, for the least latency.

    Beside a file's decoder and encoder it takes half of them. On two cores, two threads that wait
    for each other there cost a tenth more time, and a quarter more of the processor's.
    """
    return Opening(None if live else max(1, physical_cores() // 2), progress)
