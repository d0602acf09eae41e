"""An engine, held against a dataset's pictures → its figures.

It is the engine that is scored, so that torch, ONNX Runtime, OpenVINO and TensorRT are scored
alike. Pictures are shown as training shows them, unshaken, and lengths are then px of that view; or
whole, through the estimator that streaming uses (`stream`), and lengths are px of the picture.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from time import perf_counter

import numpy as np

from engines.spec import Engine
from stream.estimate import estimate
from stream.frame import Frame
from stream.looking import FAINT
from train import decoders, shown, sizes, view
from train.doubt import Figure
from train.keypoint_metrics import Compared, astray, mean_distance, nme, oks, pck
from train.labels import Keypoints, Labelled

STREAM = "stream"
BATCH = 16
PARTS = (0.05, 0.1, 0.2)


def run(
    engine: Engine, pictures: Sequence[Labelled], keypoints: Keypoints, how: str, decoder: str
) -> Iterator[Compared]:
    """Pictures → what the engine finds in each view of them, beside what is true.

    A faint point is a guess like any other to those figures that want one for every true point.
    """
    if engine.spec.keypoints != keypoints.names:
        raise ValueError(
            f"the model finds {_some(engine.spec.keypoints)}; "
            f"the dataset has {_some(keypoints.names)}"
        )
    if how == STREAM:
        yield from _streamed(engine, pictures)
        return
    items, size = shown.items(list(pictures), how), engine.spec.input_hw[0]
    for at in range(0, len(items), BATCH):
        views = [shown.look(one, how, size, keypoints) for one in items[at : at + BATCH]]
        said = engine(np.stack([one.read() for one in views]))
        found = decoders.decode(decoder, said.heatmaps, engine.spec)
        places, scores = found.xy.transpose(0, 2, 1, 3), found.score.transpose(0, 2, 1)
        for one, xy, score in zip(views, places, scores, strict=True):  # (N, K, …)
            yield Compared(one, xy, score.mean(axis=1), faint=score < FAINT)


def _some(names: Sequence[str]) -> str:
    """Names → how many there are, and the first."""
    return f"{len(names)} keypoints, {', '.join(names[:4])}{' …' if len(names) > 4 else ''}"


def _streamed(engine: Engine, pictures: Sequence[Labelled]) -> Iterator[Compared]:
    """Whole pictures, each alone → what streaming says of them: one instance, or none."""
    frames = (
        Frame(one.read(), i, perf_counter(), None, one.name) for i, one in enumerate(pictures)
    )
    for one, result in zip(pictures, estimate(frames, engine, stills=True), strict=True):
        truth = replace(one, boxes=view.extents(one))
        none = np.zeros((0, *one.xy.shape[1:]))
        xy = none if result.packet is None else result.packet.xy[None]
        yield Compared(truth, xy, np.full(len(xy), result.score))


def figures(compared: Sequence[Compared], keypoints: Keypoints, size: str) -> dict[str, Figure]:
    """What was found → figures by name; `size` is the length that errors are measured in."""
    length = sizes.of_name(size, keypoints)
    made = {"distance to the nearest, mean px": mean_distance(compared)}
    for part in PARTS:
        made[f"PCK@{part:g} of {size}"] = pck(compared, part, length)
    made[f"astray, beyond {PARTS[-1]:g} of {size}"] = astray(compared, PARTS[-1], length)
    made[f"NME by {size}"] = nme(compared, length)
    if keypoints.oks_sigmas is not None:
        from train.oks_ap import oks_ap  # noqa: PLC0415 - the reference scorer is needed here only

        measured = [replace(one, truth=_measured(one.truth)) for one in compared]
        made["OKS"] = oks(measured, keypoints.oks_sigmas)
        for name, value in oks_ap(measured, keypoints.oks_sigmas).items():
            made[f"OKS-{name}"] = Figure(
                value, math.nan, math.nan, len(measured), len(measured), True
            )
    return made


def _measured(truth: Labelled) -> Labelled:
    """A picture with the instances whose size is told, and a crowd in place of the others.

    Where there is an instance of no known size, what fits none of the measured ones may be that
    one, wherever it is: the crowd is the whole picture. What has no label and no box is not there.
    """
    labelled = (truth.flags > 0).any(axis=1)
    truth = replace(truth, boxes=view.extents(truth))
    boxed = np.isfinite(truth.boxes).all(axis=1)
    measured = boxed | (labelled & np.isfinite(truth.areas))
    crowds = truth.crowds
    if (labelled & ~measured).any():
        height, width = truth.hw
        crowds = np.vstack([crowds, [0, 0, width, height, width * height]])
    return replace(view.chosen(truth, np.flatnonzero(measured)), crowds=crowds)
