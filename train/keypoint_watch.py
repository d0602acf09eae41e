"""A glance at the pictures held out after each epoch; the figures to believe come from `eval`."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from engines.spec import Prediction
from train import keypoint_eval, sizes
from train.approach import Approach
from train.config import Config
from train.keypoint_metrics import mean_distance, pck
from train.labels import Keypoints, Labelled

PART = 0.1
"""Of the box's diagonal: a point nearer than that is found."""


class Held:
    """Pictures held out, each in the view that the run trains with, not shaken."""

    def __init__(self, config: Config, keypoints: Keypoints, pictures: Sequence[Labelled]) -> None:
        self._view, self._keypoints, self._pictures = config.view, keypoints, pictures

    def watch(self, model: Approach) -> dict[str, float]:
        """A model → the mean distance of what it finds to the nearest true point, and its PCK.

        `px` is of the network's input, `pck10` of labelled points. What there is nothing of is not
        in it.
        """
        watched = _Watched(model)
        found = keypoint_eval.run(watched, self._pictures, self._keypoints, self._view, "peak")
        compared = list(found)
        figures = {"px": mean_distance(compared), "pck10": pck(compared, PART, sizes.box)}
        return {name: f.value for name, f in figures.items() if not math.isnan(f.value)}


class _Watched:
    """A model in training as an engine, on the device and in the precision that it is in."""

    def __init__(self, model: Approach) -> None:
        self.spec = model.spec
        self._model, self._like = model.eval(), next(model.parameters())

    @torch.inference_mode()
    def __call__(self, images: NDArray[np.uint8]) -> Prediction:
        """(B, H, W, 3) BGR uint8 → what the model says."""
        floats = torch.from_numpy(images).to(self._like).permute(0, 3, 1, 2)
        said = self._model.predict(floats)
        return Prediction(said.heatmaps.float().cpu().numpy(), None, None)

    def close(self) -> None:
        """Nothing is held."""
