"""A glance at the pictures held out after each epoch; the figures to believe come from `eval`."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from stream.decode import decode
from stream.geometry import input_from_cell
from train import shown
from train.approach import Approach
from train.config import Config
from train.labels import Floats, Keypoints, Labelled

BATCH = 16
NEAR = 0.1
"""A point is found within this part of its instance's longer side."""


class Held:
    """Pictures held out, each in the view that the run trains with, not shaken."""

    def __init__(self, config: Config, keypoints: Keypoints, pictures: list[Labelled]) -> None:
        self._config, self._keypoints = config, keypoints
        self._items = shown.items(pictures, config.view)

    @torch.inference_mode()
    def watch(self, model: Approach) -> dict[str, float]:
        """A model → how far off the first instance's labelled points are, and the share found near.

        `px` is a mean in the network's pixels, for which a point not found is at 0, 0. Nothing held
        out gives nothing.
        """
        model.eval()
        spec = model.spec
        errors: list[Floats] = []
        near: list[Floats] = []
        for views in self._views():
            images = np.stack([one.read() for one in views]).transpose(0, 3, 1, 2)
            device = next(model.parameters()).device
            said = model.predict(torch.from_numpy(images).to(device).float())
            peaks = decode(said.heatmaps.float().cpu().numpy(), spec.sigma_px / spec.stride)
            found = np.nan_to_num(input_from_cell(peaks.xy, spec.stride))
            for xy, one in zip(found, views, strict=True):
                if len(one.xy) == 0:
                    continue
                px = np.linalg.norm(xy - one.xy[0], axis=1)[one.flags[0] > 0]
                errors.append(px)
                near.append(px < NEAR * max(one.boxes[0, 2:]))
        if not errors:
            return {}
        return {"px": float(np.concatenate(errors).mean()), "near": _mean(near)}

    def _views(self) -> Iterator[list[Labelled]]:
        config = self._config
        for at in range(0, len(self._items), BATCH):
            yield [
                shown.look(one, config.view, config.input_size, self._keypoints)
                for one in self._items[at : at + BATCH]
            ]


def _mean(parts: list[Floats]) -> float:
    return float(np.concatenate(parts).mean())
