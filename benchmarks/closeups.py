"""What looking at a packet's short edges from close by is worth: corners and counts both ways.

    python benchmarks/closeups.py [--frames 200] [--cardcut FOLDER]
        [--art … --backgrounds … --hands …]

Rendered frames of 1280×720 (of the decks, tables and hands that training leaves out, where folders
are given), or the clips of cardcut that are held out, each frame alone. The count is the median of
what the network says, of what the thickness of the body says that the corners make, and of both.
Packets that were missed, and those whose corners are more than a twentieth of the diagonal off
(most of them misnamed), are counted apart.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median

import numpy as np
from numpy.typing import NDArray

import engines
from stream.closeup_network import CloseUpNetwork
from stream.cuboid import solve
from stream.decks import DECKS
from stream.decode import count_of
from stream.frame import Frame, Packet
from stream.looking import ALONE, Looker, closely, search
from stream.packet import MAX_CARDS, cards_of, corner_covariance
from stream.reading import sureness, together
from stream.synth import Renderer, SceneConfig
from train.datasets import cardcut
from train.datasets.rendered import held_out_art
from train.metrics import corner_errors
from train.pictures import read
from train.truth import diagonal

HW = (720, 1280)
FIRST_SEED = 9_000_000
ASTRAY = 0.05  # median of a packet's corners, in parts of its diagonal
DECK = replace(DECKS["poker"], cards=MAX_CARDS)

Floats = NDArray[np.float64]
Shot = tuple[NDArray[np.uint8], Floats, int]  # picture, corners that are seen (8, 2), cards


@dataclass
class Way:
    """What one way says of all packets."""

    errors: list[float] = field(default_factory=list)  # parts of the diagonal
    counts: dict[str, list[float]] = field(default_factory=dict)  # errors in cards, by who counts
    holds: list[bool] = field(default_factory=list)

    def take(self, packet: Packet, network: Floats, shot: Shot) -> None:
        """One packet, as its corners are found."""
        image, xy, cards = shot
        self.errors += (corner_errors(packet.xy, xy) / diagonal(xy)).tolist()
        body = solve(packet.xy, corner_covariance(packet), image.shape[:2], DECK)
        thick = None if body is None else cards_of(body, DECK)
        said = {"network": network, "both": together(network, thick, sureness(packet))}
        if thick is not None:
            said["body"] = thick
        for who, distribution in said.items():
            count = count_of(distribution)
            if count is None:
                continue
            self.counts.setdefault(who, []).append(abs(count.median - cards))
            if who == "both":
                self.holds.append(count.low <= cards <= count.high)

    def told(self) -> str:
        """The line of the table."""
        near = np.mean(np.array(self.errors) < 0.01)
        counts = "  ".join(
            f"{who} {np.mean(off):.2f} ({median(off):.2f})" for who, off in self.counts.items()
        )
        corners = f"{near:.1%} within 1 %, median {100 * median(self.errors):.2f} %"
        return f"corners {corners}; cards off, mean (median): {counts}; {np.mean(self.holds):.1%}"


def rendered(frames: int, options: argparse.Namespace) -> Iterator[Shot]:
    """Pictures of packets of any kind."""
    given = any((options.art, options.backgrounds, options.hands))
    art = held_out_art(options.art, options.backgrounds, options.hands) if given else None
    renderer = Renderer(SceneConfig(), art)
    for i in range(frames):
        shot = renderer.sample(np.random.default_rng([FIRST_SEED, i]), HW)
        yield shot.image, np.where(shot.visible[:, None], shot.xy, np.nan), shot.cards


def real(folder: Path) -> Iterator[Shot]:
    """The frames of the clips that training never saw."""
    for sample in cardcut.split(cardcut.load(folder), cardcut.HOLD_OUT)[1]:
        yield read(sample.path), sample.xy, sample.cards


def measure(shots: Iterable[Shot], engine: engines.Engine) -> None:
    """Print what both ways say of the same pictures."""
    looker, read, without, closer = Looker(engine), CloseUpNetwork.bundled(), Way(), Way()
    seen = found = astray = 0
    for image, xy, cards in shots:
        if np.isfinite(xy[:, 0]).sum() < 4:
            continue
        seen += 1
        frame = Frame(image, 0, 0.0, None, "benchmark")
        look = search(frame, looker)
        if look.evidence(ALONE) < 0 or look.distribution is None:
            continue
        found += 1
        errors = corner_errors(look.packet.xy, xy) / diagonal(xy)
        if np.median(errors) > ASTRAY:
            astray += 1
            continue
        without.take(look.packet, look.distribution, (image, xy, cards))
        near = closely(frame, looker, look, read)
        closer.take(near.packet, look.distribution, (image, xy, cards))
    print(f"{seen} packets, {found} found, {astray} of them astray")
    print(f"  heatmaps alone      {without.told()} of the intervals hold")
    print(f"  seen from close by  {closer.told()} of the intervals hold")


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description="corners and counts without and with close-ups")
    parser.add_argument("--model", type=Path, default=engines.DEFAULT_MODEL)
    parser.add_argument("--frames", type=int, default=200, help="rendered pictures")
    parser.add_argument("--cardcut", type=Path, help="a folder in cardcut's form, in their place")
    parser.add_argument("--art", type=Path, help="folder with backs/ and faces/")
    parser.add_argument("--backgrounds", type=Path)
    parser.add_argument("--hands", type=Path)
    options = parser.parse_args()
    engine = engines.open_engine(options.model, "auto")
    try:
        measure(
            real(options.cardcut) if options.cardcut else rendered(options.frames, options), engine
        )
    finally:
        engine.close()


if __name__ == "__main__":
    main()
