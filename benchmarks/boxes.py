"""How often a deck in its box is called a packet: one box in the middle of each rendered picture.

    python benchmarks/boxes.py [--pictures 200] [--art … --backgrounds … --hands …]

Pictures of 1920×1080, each alone, of what training leaves out where folders are given.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import engines
from stream.synth import SceneConfig
from train import evaluate
from train.datasets.rendered import Stage, held_out_art

HW = (1080, 1920)
SEED = 9_100_000
BOXED = SceneConfig(empty=1.0, things=(1, 1), instead=1.0, lookalike=1.0, extent=(0.2, 0.9))


def main() -> None:
    """Print a line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", type=int, default=200)
    for folder in ("--art", "--backgrounds", "--hands"):
        parser.add_argument(folder, type=Path)
    options = parser.parse_args()
    art = held_out_art(options.art, options.backgrounds, options.hands)
    stills = Stage(art, HW, SEED).stills(options.pictures, BOXED)
    verdict = evaluate.run(engines.open_engine(), [stills], stills=True)
    called = sum(judged.packet is not None for judged in verdict.judged)
    print(f"{called} of {options.pictures} decks in their boxes are called a packet")


if __name__ == "__main__":
    main()
