"""An engine, held against pictures whose truth is known → figures, plots and the worst pictures.

It is the engine that is scored, and through the estimator that streaming uses: what is measured is
what the user gets, and torch's export, ONNX Runtime, OpenVINO and TensorRT are measured alike.
"""

from __future__ import annotations

import heapq
import json
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from engines.spec import Engine
from stream.estimate import estimate
from stream.frame import Frame, Result
from stream.packet import KEYPOINTS, TURN
from stream.synth import Art, Renderer, SceneConfig
from train import metrics
from train.datasets import cardcut, empty
from train.metrics import Judged, Scores

Image = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A picture that is read only when its turn comes, and what is true of it."""

    name: str
    clip: str  # pictures of one scene, which share their count
    cards: int  # 0 = no packet
    xy: NDArray[np.float64]  # (8, 2) px; NaN = hidden
    visible: NDArray[np.bool_]  # (8,)
    read: Callable[[], Image]


@dataclass(frozen=True, slots=True, eq=False)
class Verdict:
    """What came out for one set of pictures."""

    judged: list[Judged]
    scores: Scores
    worst: list[tuple[Judged, Result]]  # the worst first


def labelled(folder: Path, counts: tuple[int, ...]) -> list[Picture]:
    """The cardcut clips that show these counts; all of them for an empty tuple."""
    samples = cardcut.load(folder)
    if counts:
        _, samples = cardcut.split(samples, counts)
    return [
        Picture(s.path.name, s.clip, s.cards, s.xy, s.visible, partial(_read, s.path))
        for s in samples
    ]


def without_packet(folder: Path, *, everything: bool = False) -> list[Picture]:
    """Pictures that show no packet: those held out of training, or `everything` in the folder."""
    chosen = empty.paths(folder, held_out=True)
    if everything:
        chosen = sorted([*chosen, *empty.paths(folder, held_out=False)])
    return [_nothing(path.name, partial(_read, path)) for path in chosen]


def rendered(
    count: int, seed: int, frame_hw: tuple[int, int], art: Art | None = None
) -> list[Picture]:
    """`count` rendered packets; picture i follows from (seed, i) alone."""
    renderer = Renderer(SceneConfig(), art or Art.from_folders())
    pictures = []
    for i in range(count):
        shot = renderer.sample(np.random.default_rng([seed, i]), frame_hw)
        xy = np.where(shot.visible[:, None], shot.xy, np.nan)  # as people label: what they see
        again = partial(_render, renderer, (seed, i), frame_hw)
        name = f"rendered {i}"
        pictures.append(Picture(name, name, shot.cards, xy, shot.visible, again))
    return pictures


def run(engine: Engine, pictures: Sequence[Picture], *, keep: int = 24) -> Verdict:
    """Every picture through the engine, each judged alone; keeps the `keep` worst results."""
    turn = TURN if engine.spec.keypoints == KEYPOINTS else None
    judged: list[Judged] = []
    worst: list[tuple[float, int, Result]] = []
    for result in estimate(_frames(pictures), engine, stills=True):
        at = len(judged)
        one = _judge(pictures[at], result)
        judged.append(one)
        if badness(one) > 0:
            heapq.heappush(worst, (badness(one), -at, result))
        if len(worst) > keep:
            heapq.heappop(worst)
    if len(judged) != len(pictures):
        raise RuntimeError(f"{len(pictures)} pictures went in, {len(judged)} results came out")
    shown = [(judged[-at], result) for _, at, result in sorted(worst, key=lambda w: w[:2])[::-1]]
    return Verdict(judged, metrics.score(judged, turn), shown)


def badness(judged: Judged) -> float:
    """How far off a picture is: 1 for two cards or for corners 10 px off; inf for found or not."""
    if (judged.packet is not None) != (judged.cards > 0):
        return math.inf
    if judged.packet is None:
        return 0.0
    errors = metrics.corner_errors(judged.packet.xy, judged.xy, TURN)
    corners = float(np.minimum(errors, 100).mean()) / 10 if len(errors) else 0.0
    cards = abs(judged.count.mean - judged.cards) / 2 if judged.count is not None else 0.0
    return corners + cards


def to_json(engine: str, verdicts: dict[str, Verdict]) -> str:
    """Figures of each set → JSON text; what could not be measured is null."""
    sets = {name: _figures(verdict) for name, verdict in verdicts.items()}
    return json.dumps({"engine": engine, "sets": sets}, indent=1, allow_nan=False)


def _figures(verdict: Verdict) -> dict[str, Any]:
    figures: dict[str, Any] = {
        name: _rounded(value) for name, value in asdict(verdict.scores).items()
    }
    clips = metrics.clip_medians(verdict.judged)
    if clips and len(clips) < len(verdict.judged):  # otherwise each picture is its own scene
        figures["clips"] = {
            clip: {"cards": cards, "median": _rounded(middle)}
            for clip, (cards, middle) in clips.items()
        }
    return figures


def _rounded(value: float) -> float | int | None:
    if isinstance(value, int):
        return value
    return round(value, 4) if math.isfinite(value) else None


def _frames(pictures: Sequence[Picture]) -> Iterator[Frame]:
    console = Console(stderr=True)
    shown = track(pictures, "scoring", console=console, transient=True, auto_refresh=False)
    for i, picture in enumerate(shown):
        yield Frame(picture.read(), i, monotonic(), None, picture.name)


def _judge(picture: Picture, result: Result) -> Judged:
    return Judged(
        picture.name,
        picture.clip,
        picture.cards,
        picture.xy,
        picture.visible,
        result.packet,
        result.count,
    )


def _nothing(name: str, read: Callable[[], Image]) -> Picture:
    return Picture(name, name, 0, np.full((8, 2), np.nan), np.zeros(8, np.bool_), read)


def _render(renderer: Renderer, seed: tuple[int, int], frame_hw: tuple[int, int]) -> Image:
    image: Image = renderer.sample(np.random.default_rng(seed), frame_hw).image
    return image


def _read(path: Path) -> Image:
    image = cv2.imread(str(path))
    if image is None:
        raise FileNotFoundError(f"cannot read {path}: a picture was wanted")
    return image.astype(np.uint8, copy=False)
