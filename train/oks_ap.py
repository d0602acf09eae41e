"""Average precision and recall by object keypoint similarity, as COCO's own scorer counts them."""

from __future__ import annotations

import contextlib
import io
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from train.keypoint_metrics import Compared, areas

FIGURES = (
    *("AP", "AP50", "AP75", "AP medium", "AP large"),
    *("AR", "AR50", "AR75", "AR medium", "AR large"),
)
"""In the order of the reference's `stats`; medium is 32² … 96² px², large is more."""

_NOWHERE = 1e9  # where the reference, which knows no absent point, finds nothing near it


def oks_ap(compared: Sequence[Compared], sigmas: Sequence[float]) -> dict[str, float]:
    """Pictures → FIGURES by name, each in 0 … 1, NaN where nothing of that size is labelled.

    Averaged over OKS 0.5, 0.55 … 0.95; the 20 best instances of a picture count. An instance with
    no label, and a crowd, is neither missed nor wrongly found. ValueError for an instance that
    has neither area nor box.
    """
    truth = [entry for i, one in enumerate(compared) for entry in _true(i, one)]
    found = [entry for i, one in enumerate(compared) for entry in _found(i, one)]
    with contextlib.redirect_stdout(io.StringIO()):  # it reports its progress
        scorer = COCOeval(_coco(len(compared), truth), _coco(len(compared), found), "keypoints")
        scorer.params.kpt_oks_sigmas = np.asarray(sigmas, np.float64)
        scorer.evaluate()
        scorer.accumulate()
        scorer.summarize()
    values = [float(value) for value in scorer.stats]
    return dict(zip(FIGURES, (math.nan if v < 0 else v for v in values), strict=True))


def _true(picture: int, one: Compared) -> list[dict[str, Any]]:
    """The labelled instances of a picture and its crowds, as COCO writes them."""
    truth, k = one.truth, one.truth.xy.shape[1]
    instances = [
        {
            "keypoints": _triples(xy, flags),
            "num_keypoints": int((flags > 0).sum()),
            "bbox": box.tolist(),
            "area": float(area),
            "iscrowd": 0,
        }
        for xy, flags, box, area in zip(
            truth.xy, truth.flags, _boxes(one), areas(truth), strict=True
        )
    ]
    nothing = {"keypoints": [0.0] * 3 * k, "num_keypoints": 0, "iscrowd": 1}
    crowds = [{**nothing, "bbox": row[:4], "area": row[4]} for row in truth.crowds.tolist()]
    return [{"image_id": picture, **entry} for entry in instances + crowds]


def _boxes(one: Compared) -> Any:
    """Boxes (N, 4). One of a labelled instance is not used, so that it need not be known."""
    boxes, unlabelled = one.truth.boxes, ~(one.truth.flags > 0).any(axis=1)
    if np.isnan(boxes[unlabelled]).any():
        raise ValueError(f"{one.truth.name}: an instance without a label needs its box, got none")
    return np.nan_to_num(boxes)


def _found(picture: int, one: Compared) -> list[dict[str, Any]]:
    """The instances found on a picture, as COCO's results say them; its points' box is its area."""
    entries = []
    for xy, score in zip(one.xy, one.scores, strict=True):
        there = xy[np.isfinite(xy).all(axis=1)]
        area = float(np.prod(np.ptp(there, axis=0))) if len(there) else 0.0
        keypoints = _triples(np.where(np.isnan(xy), _NOWHERE, xy), np.ones(len(xy)))
        entries.append(
            {"image_id": picture, "keypoints": keypoints, "score": float(score), "area": area}
        )
    return entries


def _triples(xy: Any, flags: Any) -> list[float]:
    """Points (K, 2) and flags (K,) → x, y, flag of each in a row."""
    triples: list[float] = np.column_stack([np.nan_to_num(xy), flags]).ravel().tolist()
    return triples


def _coco(pictures: int, entries: list[dict[str, Any]]) -> Any:
    """Annotations of one category → the reference's index of them; it counts them from 1."""
    numbered = [{"id": i, "category_id": 1, **entry} for i, entry in enumerate(entries, start=1)]
    coco = COCO()
    coco.dataset = {
        "images": [{"id": i} for i in range(pictures)],
        "annotations": numbered,
        "categories": [{"id": 1}],
    }
    coco.createIndex()
    return coco
