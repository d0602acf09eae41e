"""How well the packet's body tells its thickness, its count and its own doubt; and how fast.

    python benchmarks/body.py [--cardcut FOLDER] [--model FILE.onnx] [--packets 400]

(a) Corners of rendered packets with noise, the hidden ones left out; cameras of unknown focal
    length, 30 % either way (one standard deviation). A normalised error is the error over its own
    doubt: its square is 1 on average where the doubt is right.
(b) Corners labelled by hand: with `--cardcut`.
(c) Corners that a model finds: with `--model`. The clips held out, which it must not have seen,
    are those of the counts 51, 45, 39, 33, 27, 21, 15, 9; a card's thickness is taken of the rest.

Errors of (b) and (c) are in cards; a card is as thick as the deck's table says, and, in a second
line, as it is on average over the lot. Times are of the processor, of one thread.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from engines import open_engine
from stream.cuboid import FOCAL_REL, Body, doubt, solve
from stream.decks import DECKS
from stream.decode import count_of
from stream.estimate import estimate
from stream.focal import FocalTracker
from stream.frame import Frame
from stream.packet import cards_of, sigma_of
from stream.synth.body import Body as Lying
from stream.synth.camera import intrinsics, look_at, on_sphere
from train.datasets.cardcut import HOLD_OUT, Sample, load, split
from train.pictures import read

DECK = DECKS["poker"]
LABEL_SIGMA_PX = 2.7
"""Of a corner labelled by hand, each way: what is left of the clips that are trained on."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Solved:
    """A body beside the truth."""

    cards: float
    clip: str
    body: Body | None
    model_cards: float = np.nan  # what the model itself counts


def main() -> None:
    """Options → the tables."""
    parser = argparse.ArgumentParser(description="thickness, count, doubt and time of the body")
    parser.add_argument("--cardcut", type=Path, help="folder with cardpoints.csv and images/")
    parser.add_argument("--model", type=Path, help="a model that has not seen the held-out clips")
    parser.add_argument("--packets", type=int, default=400, help="rendered packets a row")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    rendered(options.packets)
    speed(options.packets)
    if options.cardcut:
        train, held = split(load(options.cardcut), HOLD_OUT)
        counted("(b) labels of the clips trained on", list(labelled(train)))
        counted("(b) labels of the clips held out", list(labelled(held)))
        if options.model:
            counted("(c) the model on the clips trained on", list(found(train, options.model)))
            counted("(c) the model on the clips held out", list(found(held, options.model)))


def draw(rng: np.random.Generator) -> tuple[Lying, Floats, NDArray[np.bool_]]:
    """Random numbers → a packet, its corners (8, 2) in a picture of 640 x 480, which are seen."""
    thickness = float(rng.integers(1, 53)) * DECK.card_mm
    lean = np.array([*rng.normal(0, 0.5, 2), 0.0]) / 2
    lying = Lying(
        DECK.width_mm,
        DECK.height_mm,
        thickness,
        poses=np.stack([-lean, lean]),
        edges=np.array([0.0, 0.5, 1.0]),
        gaps=np.zeros(2),
    )
    elevation = np.arcsin(rng.uniform(*np.sin(np.radians((12, 72)))))
    place = on_sphere(rng.uniform(0, 2 * np.pi), elevation, rng.uniform(200, 500))
    focal = FOCAL_REL * 800 * np.exp(rng.normal(0, 0.3))
    target = np.array([*rng.uniform(-30, 30, 2), 0.0])
    camera = look_at(place, target, rng.uniform(-0.2, 0.2), intrinsics(focal, (319.5, 239.5)))
    return lying, camera.project(lying.corners()), lying.visible(camera.place)


def rendered(packets: int) -> None:
    """Print how thick rendered packets are found to be."""
    print(f"\n(a) rendered, n={packets} a row, errors in mm")
    print("noise px | mae  p90  own sd | normalised error²  nine in ten  | residual sigma")
    for noise in (0.5, 1.0, 2.0):
        rng = np.random.default_rng(1)
        errors, doubts, residuals = [], [], []
        for _ in range(packets):
            lying, xy, seen = draw(rng)
            given = np.where(seen[:, None], xy + rng.normal(0, noise, (8, 2)), np.nan)
            body = solve(given, np.full(8, noise), (480, 640), DECK)
            if body is not None:
                errors.append(body.thickness_mm - lying.thickness_mm)
                doubts.append(body.thickness_sd_mm)
                residuals.append(body.residual_sigma)
        error, sd = np.array(errors), np.array(doubts)
        print(
            f"{noise:8.1f} | {np.abs(error).mean():.2f} {np.quantile(np.abs(error), 0.9):.2f} "
            f"{np.median(sd):7.2f} | {np.mean((error / sd) ** 2):17.2f} "
            f"{np.mean(np.abs(error) < 1.645 * sd):11.1%}   | {np.median(residuals):.2f}"
        )


def speed(packets: int) -> None:
    """Print how long a body takes, from nothing and from the frame before."""
    rng = np.random.default_rng(2)
    cold: list[float] = []
    warm: list[float] = []
    sigma = np.full(8, 0.7)
    for _ in range(packets):
        _, xy, seen = draw(rng)
        xy = np.where(seen[:, None], xy, np.nan)
        last = None
        for times in (cold, warm):
            given = xy + rng.normal(0, 0.7, (8, 2)) + rng.normal(0, 4, 2)
            begin = time.thread_time()
            last = solve(given, sigma, (480, 640), DECK, start=last)
            times.append((time.thread_time() - begin) * 1e3)
    for name, ms in (("from nothing", cold), ("from the frame before", warm)):
        low, middle, high = np.quantile(ms, (0.1, 0.5, 0.9))
        print(f"{name}: median {middle:.2f} ms (p10 {low:.2f}, p90 {high:.2f}, n={len(ms)})")


def labelled(samples: list[Sample]) -> Iterator[Solved]:
    """Labelled pictures → bodies, the focal length learnt on the way."""
    tracker = FocalTracker((480, 640))
    for sample in samples:
        body = tracked(tracker, sample.xy, np.full(8, LABEL_SIGMA_PX))
        yield Solved(sample.cards, sample.clip, body)
    print(f"\nfocal length {tracker.px:.0f} px, to {tracker.log_sd:.1%}")


def tracked(tracker: FocalTracker, xy: Floats, sigma: Floats) -> Body | None:
    """Corners and a tracker → a body that the tracker has learnt from."""
    body = solve(xy, sigma, (480, 640), DECK, focal_px=tracker.px, focal_log_sd=tracker.log_sd)
    if body is not None and doubt(body, DECK) is None:
        tracker.take(body)
    return body


def found(samples: list[Sample], model: Path) -> Iterator[Solved]:
    """Pictures → bodies of the corners that a model finds."""
    tracker = FocalTracker((480, 640))
    engine = open_engine(model)
    try:
        frames = (Frame(read(s.path), i, 0.0, None, s.path.name) for i, s in enumerate(samples))
        for sample, result in zip(samples, estimate(frames, engine, stills=True), strict=True):
            body, packet = None, result.packet
            if packet is not None:
                xy = np.where(packet.visible[:, None], packet.xy, np.nan)
                extent = float((np.nanmax(xy, axis=0) - np.nanmin(xy, axis=0)).max())
                body = tracked(tracker, xy, sigma_of(packet.score, extent))
            own = result.count.median if result.count else np.nan
            yield Solved(sample.cards, sample.clip, body, own)
    finally:
        engine.close()
    print(f"\nfocal length {tracker.px:.0f} px, to {tracker.log_sd:.1%}")


def counted(name: str, every: list[Solved]) -> None:
    """Print how many cards the bodies make, beside the truth."""
    solved = [(s, s.body) for s in every if s.body is not None]
    cards = np.array([s.cards for s, _ in solved])
    thick = np.array([b.thickness_mm for _, b in solved])
    doubted = sum(doubt(b, DECK) is not None for _, b in solved)
    residual = np.median([b.residual_sigma for _, b in solved])
    print(f"{name}: n={len(every)}, no body {len(every) - len(solved)}, doubted {doubted}")
    own = float(thick @ cards / (cards @ cards))
    print(f"  a card is {own:.3f} mm on average; residual {residual:.2f} sigma")
    for title, card in (("by the table", DECK.card_mm), ("by the average", own)):
        error = (thick - DECK.slack_mm) / card - cards
        clips = defaultdict(list)
        for (s, _), e in zip(solved, error, strict=True):
            clips[s.clip].append(e)
        medians = np.array([np.median(e) for e in clips.values()])
        print(
            f"  thickness / card, {title}: mae {np.abs(error).mean():.2f}, "
            f"bias {error.mean():+.2f}, within 2 {np.mean(np.abs(error) <= 2):.0%}; "
            f"clip {np.abs(medians).mean():.2f} (n={len(medians)})"
        )
    distributions = [cards_of(b, DECK) for _, b in solved]
    counts = [c for d in distributions if (c := count_of(d)) is not None]
    inside = [c.low <= n <= c.high for c, n in zip(counts, cards, strict=True)]
    error = np.array([c.median for c in counts]) - cards
    width = np.median([c.high - c.low for c in counts])
    print(
        f"  cards_of: mae {np.abs(error).mean():.2f}, bias {error.mean():+.2f}, "
        f"interval holds {np.mean(inside):.1%}, width {width:.0f}"
    )
    head = np.array([s.model_cards for s in every if np.isfinite(s.model_cards)])
    if len(head):
        truth = np.array([s.cards for s in every if np.isfinite(s.model_cards)])
        print(f"  the model's own count: mae {np.abs(head - truth).mean():.2f}")


if __name__ == "__main__":
    main()
