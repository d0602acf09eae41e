"""Torch, on a checkpoint straight from training: for developers, who look before they export."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engines.spec import (
    DEFAULT,
    Engine,
    EngineUnavailable,
    Opening,
    Prediction,
    SpecError,
    check_call,
)


class EagerEngine:
    """A trainer's model as it is, op by op, on the GPU if there is one; owned by one thread."""

    def __init__(self, model: Any, torch: Any) -> None:
        self.spec = model.spec
        self._torch = torch
        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        self._model = model.eval().to(self._device)
        self._label = f"PyTorch {torch.__version__} (eager) on {self._device}, f32"
        self(np.zeros((1, *self.spec.input_hw, 3), np.uint8))

    def __str__(self) -> str:
        return self._label

    def __call__(self, images: NDArray[np.uint8]) -> Prediction:
        """(B, H, W, 3) BGR uint8 pictures of `spec.input_hw` → Prediction."""
        check_call(images, self.spec, closed=self._model is None)
        with self._torch.inference_mode():
            floats = self._torch.from_numpy(np.ascontiguousarray(images)).to(self._device)
            said = self._model.predict(floats.permute(0, 3, 1, 2).float())
            arrays: list[Any] = [
                part if part is None else part.float().cpu().numpy() for part in said
            ]
        return Prediction(*arrays)

    def close(self) -> None:
        """Give back the model. May be called twice."""
        self._model = None


def open_model(path: Path, _how: Opening = DEFAULT) -> Engine:
    """Checkpoint (.pt) → a warmed-up engine. Raises EngineUnavailable, SpecError, OSError.

    The trainer is found by name, as a runtime is: nothing that streams needs it to be there.
    """
    try:
        torch = importlib.import_module("torch")
        loop = importlib.import_module("train.loop")
    except ImportError as error:
        raise EngineUnavailable(
            f"the trainer does not load ({error}): pip install 'kpstream[train]'"
        ) from error
    if path.suffix != ".pt":
        raise EngineUnavailable(f"eager runs checkpoints (.pt) of kpstream-train fit, got {path}")
    try:
        model, _ = loop.load_checkpoint(path)
    except ValueError as error:
        raise SpecError(str(error)) from error
    return EagerEngine(model, torch)
