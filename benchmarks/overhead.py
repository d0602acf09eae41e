"""What kpstream spends around the network: milliseconds a frame of 720p, stage by stage.

    python benchmarks/overhead.py [--n 300]

Prints the median and the 95th percentile of n calls of each stage, after a warm-up, in one thread
of Python (OpenCV may use more). No model is needed: the heatmaps are Gaussians with some noise.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from time import perf_counter

import cv2
import numpy as np
from numpy.typing import NDArray

from engines.fake import FakeEngine, paint
from engines.spec import ModelSpec
from stream.closeup_network import CloseUpNetwork
from stream.constancy import ConstantCount
from stream.cuboid import solve
from stream.decks import DECKS
from stream.decode import decode
from stream.draw import draw
from stream.estimate import estimate
from stream.frame import Count, Frame, Packet, Result
from stream.geometry import Region, whole
from stream.looking import Look, Looker, closely
from stream.packet import EDGES, FLIP, KEYPOINTS, corner_covariance
from stream.prepare import prepare
from stream.steady import Steady
from stream.track import RegionTracker

SPEC = ModelSpec("packet", KEYPOINTS, EDGES, FLIP, (256, 256), 4, 8.0, 52)
FRAME_HW = (720, 1280)
CORNERS = np.array(
    [
        (520, 300),
        (760, 310),
        (540, 240),
        (740, 250),
        (500, 520),
        (790, 530),
        (480, 450),
        (810, 470),
    ],
    float,
)


def main() -> None:
    """Time every stage and print a line for each."""
    parser = argparse.ArgumentParser(description="milliseconds around the network, at 720p")
    parser.add_argument("--n", type=int, default=300, help="calls of each stage (default 300)")
    n = parser.parse_args().n
    print(f"OpenCV {cv2.__version__}, NumPy {np.__version__}, frames of 720p, n = {n}")
    print(f"{'stage':<28}{'median ms':>10}{'p95 ms':>10}")
    for name, call in stages().items():
        report(name, [timed(call) for _ in range(n + 10)][10:])
    report("estimate, less the engine", around_the_engine(n))


def stages() -> dict[str, Callable[[], object]]:
    """Names → what is timed."""
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (*FRAME_HW, 3), dtype=np.uint8)
    out = np.empty((*SPEC.input_hw, 3), np.uint8)
    crop = Region(400, 120, 500, 500)
    frame = Frame(image, 0, 0.0, 0.0, "noise")
    packet = Packet(CORNERS, np.ones(8), np.arange(8) != 6)
    result = Result(frame, "locked", packet, Count(36.8, 35, 39), 0.98)
    heatmaps = noisy_gaussians(rng)
    looker, read = Looker(FakeEngine(SPEC)), CloseUpNetwork.bundled()
    look = Look(packet, np.ones(8), None, 1.0, 1.0)
    return {
        "prepare, a 500 px crop": lambda: prepare(image, crop, SPEC.input_hw, out),
        "prepare, the whole frame": lambda: prepare(
            image, whole(FRAME_HW, SPEC.input_hw), SPEC.input_hw, out
        ),
        "decode, 8 x 64 x 64": lambda: decode(heatmaps, SPEC.sigma_px / SPEC.stride),
        "close-ups of four edges": lambda: closely(frame, looker, look, read),
        "body": lambda: solve(packet.xy, corner_covariance(packet), FRAME_HW, DECKS["poker"]),
        "track": tracked(),
        "draw": lambda: draw(result, SPEC, hud="59.8 fps  12 ms"),
        "draw, with names": lambda: draw(result, SPEC, names=True, hud="59.8 fps  12 ms"),
    }


def noisy_gaussians(rng: np.random.Generator) -> NDArray[np.float32]:
    """Eight heatmaps (8, 64, 64) float32 of sigma 2 cells with 2 % of noise."""
    xy = rng.uniform(5, 58, (8, 2))
    y, x = np.mgrid[:64, :64]
    square = (x - xy[:, 0, None, None]) ** 2 + (y - xy[:, 1, None, None]) ** 2
    maps: NDArray[np.float32] = np.exp(-square / 8) + rng.normal(0, 0.02, square.shape)
    return maps.astype(np.float32)


def tracked() -> Callable[[], object]:
    """One frame of following a packet that does not move, steadying it and pooling its count."""
    regions, steady, pool = RegionTracker(SPEC.input_hw), Steady(), ConstantCount()
    sure = np.ones(8)
    distribution = np.full(53, 1 / 53, np.float32)
    clock = [0.0]

    def step() -> None:
        clock[0] += 1 / 30
        regions.region(FRAME_HW, clock[0])
        regions.found(CORNERS, clock[0])
        steady.update(CORNERS, sure, sure, clock[0])
        pool.update(distribution, clock[0])

    return step


def around_the_engine(n: int) -> list[float]:
    """Seconds a frame that `estimate` spends on all but the engine while it follows a packet."""
    image = paint(np.full((*FRAME_HW, 3), 128, np.uint8), CORNERS, 8.0)
    frames = (Frame(image, i, i / 30, i / 30, "dots") for i in range(n + 10))
    results = list(estimate(frames, FakeEngine(SPEC)))[10:]
    return [sum(r.stages_s.values()) - r.stages_s["engine"] for r in results]


def timed(call: Callable[[], object]) -> float:
    """Seconds that one call takes."""
    before = perf_counter()
    call()
    return perf_counter() - before


def report(name: str, seconds: list[float]) -> None:
    """Print a stage's line."""
    median, high = np.percentile(seconds, (50, 95)) * 1e3
    print(f"{name:<28}{median:>10.3f}{high:>10.3f}")


if __name__ == "__main__":
    main()
