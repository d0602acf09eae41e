"""A glance at the held-out clips after each epoch; the figures to believe come from `eval`."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import numpy as np
import torch
from numpy.typing import NDArray

from engines.spec import ModelSpec
from stream.decode import decode
from stream.geometry import input_from_cell
from stream.track import MARGIN
from train import augment
from train.approach import Approach
from train.datasets.cardcut import Sample
from train.metrics import corner_errors
from train.pictures import read
from train.truth import Points

BATCH = 16


@torch.inference_mode()
def watch(model: Approach, held: list[Sample]) -> dict[str, float]:
    """Held-out samples, each seen in a crop about its packet → count error and corner hits.

    Errors as `count_errors` has them; `pck10` and `pck5` are shares of the labelled corners within
    so many px of the picture. Nothing held out gives nothing.
    """
    if not held:
        return {}
    model.eval()
    like = next(model.parameters())  # its device and its precision are the pictures' too
    corners: list[float] = []
    off: list[float] = []
    left = iter(held)
    for pictures, cards in crops(held, model.spec.input_hw[0]):
        floats = pictures.to(like).contiguous(memory_format=torch.channels_last)
        said = model.predict(floats)
        assert said.cards is not None  # noqa: S101 - a model of packets counts
        heatmaps, count = (part.float().cpu() for part in (said.heatmaps, said.cards))
        p = count[:, 1:] / count[:, 1:].sum(1, keepdim=True)
        off += (p @ torch.arange(1.0, p.shape[1] + 1) - cards).tolist()
        for maps, sample in zip(heatmaps.numpy(), islice(left, len(cards)), strict=True):
            corners += _corner_errors(maps, sample, model.spec).tolist()
    hit = np.array(corners)
    shares = {"pck10": float((hit < 10).mean()), "pck5": float((hit < 5).mean())}
    return {**count_errors(np.array(off), [sample.clip for sample in held]), **shares}


def crops(held: list[Sample], size: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Samples → batches of pictures (B, 3, size, size) uint8 and of their cards (B,)."""
    for at in range(0, len(held), BATCH):
        samples = held[at : at + BATCH]
        images = np.stack([_crop(sample, _view(sample), size) for sample in samples])
        cards = torch.tensor([sample.cards for sample in samples])
        yield torch.from_numpy(images).permute(0, 3, 1, 2), cards


def count_errors(off: NDArray[np.float64], clips: list[str]) -> dict[str, float]:
    """Counted minus true cards (N,) of frames of these clips → mean absolute errors in cards.

    `mae` is that of the frames, `clip_mae` that of the clips' medians.
    """
    of = np.array(clips)
    medians = [abs(float(np.median(off[of == clip]))) for clip in set(clips)]
    return {"mae": float(np.abs(off).mean()), "clip_mae": float(np.mean(medians))}


def _view(sample: Sample) -> augment.View:
    low, high = np.nanmin(sample.xy, axis=0), np.nanmax(sample.xy, axis=0)
    centre = (low + high) / 2
    return augment.View((float(centre[0]), float(centre[1])), MARGIN * float((high - low).max()))


def _crop(sample: Sample, view: augment.View, size: int) -> augment.Image:
    return augment.warp(read(sample.path), view, size)


def _corner_errors(heatmaps: NDArray[np.float32], sample: Sample, spec: ModelSpec) -> Points:
    """Distances (N,) in px of the picture of the labelled corners, as `corner_errors` has them."""
    peaks = decode(heatmaps, spec.sigma_px / spec.stride)
    matrix = _view(sample).matrix(spec.input_hw[0])
    xy = input_from_cell(peaks.xy, spec.stride) - matrix[:, 2]
    return corner_errors(xy @ np.linalg.inv(matrix[:, :2]).T, sample.xy)
