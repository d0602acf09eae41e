"""An engine, held against pictures whose truth is known → what it said of each, the worst of them.

It is the engine that is scored, and through the estimator that streaming uses: what is measured is
what the user gets, and torch's export, ONNX Runtime, OpenVINO and TensorRT are measured alike.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from engines.spec import Engine
from stream.estimate import estimate
from stream.frame import Frame, Result
from train.metrics import Judged, errors_of
from train.truth import Sight, Truth

SPEED = 200
"""Calls that an engine's time is the median of."""

_OF_ONE_CLIP = 3  # worst pictures shown of one clip; of a stream 1: its frames look alike


@dataclass(frozen=True, slots=True, eq=False)
class Verdict:
    """What was said of a set of pictures, in order, and the worst with their results."""

    judged: list[Judged]
    worst: list[tuple[Judged, Result]]


def run(
    engine: Engine,
    clips: Iterable[Iterable[Sight]],
    *,
    stills: bool,
    keep: int = 12,
    told: Callable[[], object] = lambda: None,
) -> Verdict:
    """Clips through the engine: every picture alone (`stills`), or each clip as a stream.

    Keeps the `keep` worst results; `told` is called after each picture.
    """
    judged: list[Judged] = []
    worst = _Worst(keep, of_one_clip=_OF_ONE_CLIP if stills else 1)
    for clip in clips:
        for truth, result in _answers(clip, engine, stills=stills):
            one = Judged(truth, result.packet, result.count, result.score)
            judged.append(one)
            worst.add(one, result)
            told()
    return Verdict(judged, worst.shown())


def _answers(
    clip: Iterable[Sight], engine: Engine, *, stills: bool
) -> Iterator[tuple[Truth, Result]]:
    waiting: deque[Truth] = deque()
    sights = iter(clip)
    first = next(sights, None)
    if first is None:
        return

    def frames() -> Iterator[Frame]:
        for i, sight in enumerate(chain([first], sights)):
            waiting.append(sight.truth)
            yield Frame(sight.image, i, perf_counter(), sight.pts_s, sight.truth.name)

    for result in estimate(frames(), engine, stills=stills, deck=first.deck):
        yield waiting.popleft(), result
    if waiting:
        raise RuntimeError(f"{len(waiting)} pictures went in for which no result came out")


class _Worst:
    """Judged pictures with their results → the worst, not many of them of one clip."""

    def __init__(self, keep: int, of_one_clip: int) -> None:
        self._keep, self._of_one_clip = keep, of_one_clip
        self._kept: list[tuple[float, int, Judged, Result]] = []
        self._seen = 0

    def add(self, judged: Judged, result: Result) -> None:
        """Take one more picture, and let the least bad go."""
        self._seen += 1
        if (bad := badness(judged)) <= 0:
            return
        self._kept.append((bad, -self._seen, judged, result))
        self._kept.sort(key=lambda kept: kept[:2], reverse=True)
        alike = [k for k in self._kept if k[2].truth.clip == judged.truth.clip]
        if len(alike) > self._of_one_clip:
            self._kept.remove(alike[-1])
        del self._kept[self._keep :]

    def shown(self) -> list[tuple[Judged, Result]]:
        """The worst first."""
        return [(judged, result) for _, _, judged, result in self._kept]


def badness(judged: Judged) -> float:
    """How far off a picture is: 1 for two cards or for corners 10 px off; inf for found or not."""
    truth = judged.truth
    if (judged.packet is not None) != (truth.cards > 0):
        return math.inf
    if judged.packet is None:
        return 0.0
    errors = errors_of(judged)
    corners = float(np.minimum(errors, 100).mean()) / 10 if len(errors) else 0.0
    cards = abs(judged.count.median - truth.cards) / 2 if judged.count is not None else 0.0
    return corners + cards


def engine_times(
    engine: Engine, image: NDArray[np.uint8], calls: int = SPEED
) -> NDArray[np.float64]:
    """One picture (1, H, W, 3) BGR of the engine's size, again and again → ms of each call."""
    took = np.empty(calls)
    for i in range(calls):
        since = perf_counter()
        engine(image)
        took[i] = 1000 * (perf_counter() - since)
    return took
