"""Model file → how long each engine takes for one picture: median and 95th percentile, in ms.

    python benchmarks/engine_latency.py [MODEL.onnx] [--rounds 200] [--batch 1] [--busy 0]

Paired: in every round each engine runs in a new random order, so that a slow moment of the machine
falls on all alike. Each is warmed up first, and its first call of a round is not counted, because
it runs on the caches of the engine before it. `--busy N` keeps N processes computing meanwhile, as
decoding and encoding do beside the network.
"""

from __future__ import annotations

import argparse
import importlib
import multiprocessing
import os
import platform
import random
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path

import numpy as np

import engines
from engines.spec import Engine, read_spec

WARM_UP = 20


def main() -> None:
    """Words → a table."""
    parser = argparse.ArgumentParser(description="How long each engine takes for one call.")
    parser.add_argument("model", nargs="?", type=Path, default=engines.DEFAULT_MODEL)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--busy", type=int, default=0, help="processes that compute meanwhile")
    args = parser.parse_args()
    spec = read_spec(args.model)
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (args.batch, *spec.input_hw, 3), np.uint8)
    with ExitStack() as opened:
        ready = {}
        for name, opener in openers(args.model).items():
            try:
                ready[name] = opened.enter_context(closing(opener()))
            except engines.EngineUnavailable as error:
                print(f"{name}: {' '.join(str(error).split())}")
        crowd = [multiprocessing.Process(target=_compute, daemon=True) for _ in range(args.busy)]
        for process in crowd:
            process.start()
            opened.callback(process.terminate)
        times_ms = measure(ready, dict.fromkeys(ready, images), args.rounds)
        height, width = spec.input_hw
        print(
            f"{spec.name}, {args.batch} × {height}×{width}, {os.cpu_count()} cores "
            f"({platform.machine()}), {args.busy} busy processes, n = {args.rounds} paired rounds"
        )
        print(f"{'engine':10} {'median':>8} {'p95':>8}  ms")
        for name, ms in times_ms.items():
            middle, slow = np.percentile(ms, [50, 95])
            print(f"{name:10} {middle:8.2f} {slow:8.2f}  {ready[name]}")


def openers(model: Path) -> dict[str, Callable[[], Engine]]:
    """Every engine that takes an ONNX file, and OpenVINO a second time in full precision."""
    found: dict[str, Callable[[], Engine]] = {
        name: partial(engines.open_engine, model, name)
        for name in engines.names()
        if name not in {"fake", "eager"}
    }
    ov = importlib.import_module("engines.ov")
    found["ov f32"] = lambda: ov.open_exact(model)
    return found


def measure(
    ready: dict[str, Engine], images: dict[str, np.ndarray], rounds: int
) -> dict[str, list[float]]:
    """Engines and what each is shown → the ms of each one's counted call, a round a value."""
    for name, engine in ready.items():
        for _ in range(WARM_UP):
            engine(images[name])
    order, times_ms = list(ready), {name: list[float]() for name in ready}
    for _ in range(rounds):
        random.shuffle(order)
        for name in order:
            ready[name](images[name])
            started = time.perf_counter()
            ready[name](images[name])
            times_ms[name].append((time.perf_counter() - started) * 1000)
    return times_ms


def _compute() -> None:
    while True:
        sum(range(10_000))


if __name__ == "__main__":
    main()
