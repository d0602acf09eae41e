"""What a model is held to: sets of pictures that training never saw, and a target for each figure.

One set may serve several protocols; it is run once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from engines.spec import Engine
from stream.geometry import whole
from stream.packet import KEYPOINTS
from stream.prepare import prepare
from stream.synth import Art
from train import evaluate
from train.datasets import rendered
from train.doubt import Figure, of_quantile
from train.evaluate import Verdict
from train.metrics import figures
from train.sets import SETS, Given, Set


@dataclass(frozen=True, slots=True)
class Target:
    """A figure of a protocol that is to lie in low..high."""

    protocol: str
    figure: str
    low: float = -math.inf
    high: float = math.inf

    def met(self, value: float) -> bool:
        """NaN, which is not measured, does not meet it."""
        return self.low <= value <= self.high


TARGETS = (
    Target("cardcut", "count MAE", high=1.6),
    Target("cardcut", "count within 2", low=0.75),
    Target("cardcut", "corners within 10 px", low=0.99),
    Target("cardcut", "corners within 5 px", low=0.93),
    Target("cardcut", "interval holds", 0.88, 0.94),
    Target("cardcut-clips", "clip median MAE", high=1.3),
    Target("cardcut-foreign", "count MAE", high=3.0),
    Target("cardcut-foreign", "corners within 10 px", low=0.93),
    Target("rendered", "clip end MAE", high=1.0),
    Target("rendered", "corners within 1 %", low=0.98),
    Target("rendered", "interval holds", 0.88, 0.94),
    Target("rendered-named", "clip end MAE", high=1.0),
    Target("rendered-named", "interval holds", 0.88, 0.94),
    Target("covered", "visibility right", low=0.95),
    Target("covered", "count MAE", high=2.0),
    Target("covered", "interval holds", 0.88, 0.94),
    Target("empty", "called a packet", high=0.01),
    Target("empty-video", "called a packet", high=0.01),
    Target("speed", "engine, median ms", high=10.0),
)


@dataclass(frozen=True, slots=True)
class Protocol:
    """A set, seen in one way."""

    says: str  # for people: what is run, and how
    set: str
    shows: tuple[str, ...] = ()  # the figures that are its own; none = all of its set


@dataclass(slots=True, eq=False)
class Outcome:
    """What one protocol measured."""

    protocol: Protocol
    figures: dict[str, Figure]
    verdict: Verdict | None = None


@dataclass(slots=True, eq=False)
class Outcomes:
    """What all protocols measured, by name, and those that were skipped with the reason."""

    artwork: str = ""  # how many pictures of each kind were rendered with
    measured: dict[str, Outcome] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)


PROTOCOLS = {
    "cardcut": Protocol("real packets, each frame alone", "cardcut"),
    "cardcut-clips": Protocol("the same, the median of each clip", "cardcut", ("clip median MAE",)),
    "cardcut-foreign": Protocol(
        "the same frames, for a model that no real packet has trained", "cardcut"
    ),
    "rendered": Protocol("clips of 2 s of rendered packets, each as a stream", "rendered"),
    "rendered-named": Protocol(
        "the same clips, for somebody who says with --deck of what kind each deck is",
        "rendered-named",
    ),
    "covered": Protocol(
        "rendered packets, fingers on half of their corners, each alone", "covered"
    ),
    "empty": Protocol("photographs and rendered things without a packet, each alone", "empty"),
    "empty-video": Protocol("clips of 2 s of things without a packet, as streams", "empty-video"),
    "speed": Protocol("one picture through the engine, again and again", "speed"),
}

ALL = tuple(name for name in PROTOCOLS if name not in {"cardcut-foreign", "rendered-named"})
"""What is measured if nothing is named: not what has targets of its own for few models, nor what
tells the same pictures more than they show."""

Running = Callable[[str, int], "Callable[[], object]"]
"""Told the name of a set and its number of pictures → what is called after each."""


def measure(engine: Engine, names: Sequence[str], given: Given, running: Running) -> Outcomes:
    """Protocols by name → their figures. Raises ValueError for a model of other keypoints."""
    if engine.spec.keypoints != KEYPOINTS:
        raise ValueError(
            f"the protocols score the corners of a packet, this model finds {engine.spec.keypoints}"
        )
    art = rendered.held_out_art(given.art, given.backgrounds, given.hands)
    outcomes = Outcomes(_artwork(art))
    verdicts: dict[str, Verdict] = {}
    for name in names:
        protocol = PROTOCOLS[name]
        if protocol.set == "speed":
            outcomes.measured[name] = Outcome(protocol, speed(engine, art, given))
            continue
        source = SETS[protocol.set]
        if source.needs and not getattr(given, source.needs):
            outcomes.skipped[name] = f"needs --{source.needs}"
            continue
        if protocol.set not in verdicts:
            count, clips = source.open(given, art)
            told = running(protocol.set, count)
            verdicts[protocol.set] = evaluate.run(engine, clips, stills=source.stills, told=told)
        outcomes.measured[name] = _outcome(protocol, verdicts[protocol.set], source)
    return outcomes


def _outcome(protocol: Protocol, verdict: Verdict, source: Set) -> Outcome:
    made = figures(verdict.judged, stream=not source.stills)
    own = {n: f for n, f in made.items() if not protocol.shows or n in protocol.shows}
    return Outcome(protocol, own, verdict)


def _artwork(art: Art) -> str:
    kinds = {"backs": art.backs, "faces": art.faces, "tables": art.backgrounds, "hands": art.hands}
    return ", ".join(f"{len(pictures)} {kind}" for kind, pictures in kinds.items())


def speed(engine: Engine, art: Art, given: Given) -> dict[str, Figure]:
    """One rendered picture through the engine alone → figures of the time of a call."""
    height, width = engine.spec.input_hw
    stage = rendered.Stage(art, given.hw, given.seed)
    (sight,) = stage.stills(1, rendered.COVERED)
    image = np.empty((1, height, width, 3), np.uint8)
    prepare(sight.image, whole(given.hw, (height, width)), (height, width), image[0])
    took = evaluate.engine_times(engine, image, given.some(evaluate.SPEED))
    run = ["one run"] * len(took)
    return {
        "engine, median ms": of_quantile(took, run, 0.5),
        "engine, 95th percentile ms": of_quantile(took, run, 0.95),
    }
