"""Whether an engine may be used: the gate's verdict, taken once and then remembered.

A verdict holds for one model file on one runtime, device and precision, all of which stand in the
engine's own line; it is kept in the cache folder, so that only the first start waits for it.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from engines import ort, parity, plans
from engines.parity import Reading
from engines.spec import Disagreement, Engine

_GATE = f"2 {parity.CORNERS_PX:g} {parity.CARDS:g} {parity.DOUBT:g}"
"""The gate's own version and limits: another gate asks again."""


def check(engine: Engine, model: Path, carried: Reading | None = None) -> None:
    """Raise Disagreement, with the figures, unless the engine says what the reference says.

    The reference is ONNX Runtime's reading of the file `model`, or the reading that a file which
    is no ONNX model was given when it was exported.
    """
    digest = _digest(model)
    key = hashlib.sha256(f"{_GATE}\n{digest}\n{engine}".encode()).hexdigest()
    name = f"verdict-{key[:32]}"
    verdict = plans.recall(name)
    if verdict is None:
        said = parity.compare(parity.read(engine), carried or _reference(model, digest))
        verdict = f"{'holds' if said.holds else 'misses'} {said}".encode()
        plans.remember(name, verdict)
    word, _, figures = verdict.decode().partition(" ")
    if word != "holds":
        raise Disagreement(
            f"{engine} says something else than the model in f32, and more than is allowed: "
            f"{figures}"
        )


def _digest(model: Path) -> str:
    """SHA-256 of a model, and of the weights that OpenVINO's format keeps in a file beside it."""
    digest = hashlib.sha256(model.read_bytes())
    if model.suffix == ".xml":
        digest.update(model.with_suffix(".bin").read_bytes())
    return digest.hexdigest()


def _reference(model: Path, digest: str) -> Reading:
    """ONNX Runtime's reading of a model, remembered like a verdict."""
    name = f"reference-{_GATE.split(maxsplit=1)[0]}-{digest[:32]}"
    kept = plans.recall(name)
    if kept is not None:
        return Reading.from_json(kept.decode())
    reading = reference(model)
    plans.remember(name, reading.to_json().encode())
    return reading


def reference(model: Path) -> Reading:
    """An ONNX model → what every engine of it has to say."""
    engine = ort.open_model(model)
    try:
        return parity.read(engine)
    finally:
        engine.close()
