"""A glance at the held-out clips after each epoch; the figures to believe come from `eval`."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from engines.spec import ModelSpec
from stream.decode import decode
from stream.geometry import input_from_cell
from stream.packet import TURN
from train import augment
from train.datasets.cardcut import Sample
from train.models.heatmap import HeatmapModel

MARGIN = 1.5


@torch.inference_mode()
def watch(model: HeatmapModel, held: list[Sample], batch: int = 16) -> dict[str, float]:
    """Held-out samples, each seen in a crop about its packet → count error and corner hits.

    `mae` is in cards; `clip_mae` that of the clips' medians; `pck10` and `pck5` are shares of the
    labelled corners within so many px of the picture. Nothing held out gives nothing.
    """
    if not held:
        return {}
    model.eval()
    size = model.spec.input_hw[0]
    errors: list[float] = []
    clips: dict[str, list[float]] = {}
    for at in range(0, len(held), batch):
        samples = held[at : at + batch]
        views = [_view(s) for s in samples]
        crops = [_crop(s, v, size) for s, v in zip(samples, views, strict=True)]
        pictures = torch.from_numpy(np.stack(crops)).permute(0, 3, 1, 2).float()
        heatmaps, _, count = model.predict(pictures.contiguous(memory_format=torch.channels_last))
        p = count[:, 1:] / count[:, 1:].sum(1, keepdim=True)
        means = (p * torch.arange(1, p.shape[1] + 1)).sum(1).numpy()
        for i, sample in enumerate(samples):
            clips.setdefault(sample.clip, []).append(float(means[i]) - sample.cards)
            errors += _corner_errors(heatmaps[i].numpy(), sample, views[i], model.spec)
    every = np.abs(np.concatenate(list(clips.values())))
    medians = [abs(float(np.median(v))) for v in clips.values()]
    hit = np.array(errors)
    return {
        "mae": float(every.mean()),
        "clip_mae": float(np.mean(medians)),
        "pck10": float((hit < 10).mean()),
        "pck5": float((hit < 5).mean()),
    }


def _view(sample: Sample) -> augment.View:
    low, high = np.nanmin(sample.xy, axis=0), np.nanmax(sample.xy, axis=0)
    centre = (low + high) / 2
    return augment.View((float(centre[0]), float(centre[1])), MARGIN * float((high - low).max()))


def _crop(sample: Sample, view: augment.View, size: int) -> augment.Image:
    image = cv2.imread(str(sample.path))
    if image is None:
        raise FileNotFoundError(f"cannot read {sample.path}: a picture was wanted")
    return augment.warp(image.astype(np.uint8, copy=False), view, size)


def _corner_errors(
    heatmaps: NDArray[np.float32], sample: Sample, view: augment.View, spec: ModelSpec
) -> list[float]:
    """Distances in px of the picture, in the better of the two ways to name a packet's corners."""
    peaks = decode(heatmaps, spec.sigma_px / spec.stride)
    xy = input_from_cell(peaks.xy, spec.stride)
    matrix = view.matrix(spec.input_hw[0])
    frame = (xy - matrix[:, 2]) @ np.linalg.inv(matrix[:, :2]).T
    named = np.hypot(*(frame - sample.xy).T)[sample.visible]
    turned = np.hypot(*(frame[list(TURN)] - sample.xy).T)[sample.visible]
    best = (
        named
        if np.nan_to_num(named, nan=1e3).sum() <= np.nan_to_num(turned, nan=1e3).sum()
        else turned
    )
    return list(best)
