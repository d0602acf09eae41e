"""How many rendered pictures a second one core gives.

    python benchmarks/render_speed.py [--size 256] [--rounds 9] [--pictures 60]

OpenCV is held to one thread. Each round renders the same pictures; the median round is the figure,
the fastest and the slowest say how quiet the machine was. Art is made ready before the clock runs.
"""

from __future__ import annotations

import argparse
import statistics
import time

import cv2
import numpy as np

from stream.synth import Renderer


def main() -> None:
    """Options → a line with the figure."""
    parser = argparse.ArgumentParser(description="rendered pictures a second on one core")
    parser.add_argument("--size", type=int, default=256, help="side of the pictures, px")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--pictures", type=int, default=60, help="pictures a round")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    renderer = Renderer()
    rates = [one_round(renderer, options.size, options.pictures) for _ in range(options.rounds + 1)]
    rates = rates[1:]  # the first warms up
    print(
        f"{statistics.median(rates):.0f} pictures of {options.size}x{options.size} a second and "
        f"core (median of n={options.rounds} rounds of {options.pictures}; "
        f"{min(rates):.0f}..{max(rates):.0f})"
    )


def one_round(renderer: Renderer, size: int, pictures: int) -> float:
    """Pictures a second of one round, each picture from its own seed."""
    start = time.perf_counter()
    for seed in range(pictures):
        renderer.sample(np.random.default_rng(seed), (size, size))
    return pictures / (time.perf_counter() - start)


if __name__ == "__main__":
    main()
