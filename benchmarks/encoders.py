"""Encoders and sizes → a table of accuracy against milliseconds, all trained alike.

    python benchmarks/encoders.py tf_efficientnet_lite0@192 tf_efficientnet_lite0@256 \
        --out runs/encoders -- --data DATA/cardcut --hold-out 51,45 --epochs 4

A candidate is a timm model and the side of its input, after = its weights' file ('timm' if left
out). What follows `--` goes to `kpstream-train fit` for all of them. Those that `--out` has already
are not trained again. Latency is of one picture, each candidate in turn, in a new order each round.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from contextlib import ExitStack, closing
from pathlib import Path
from typing import NamedTuple

import numpy as np
from engine_latency import measure

import engines


class Candidate(NamedTuple):
    """A timm model, the side of its input in px, and where its weights are."""

    encoder: str
    side: int
    weights: str

    @property
    def name(self) -> str:
        """Its name in the table and in the folder."""
        return f"{self.encoder}@{self.side}"


def main() -> None:
    """Words → a table."""
    parser = argparse.ArgumentParser(description="Accuracy against milliseconds, by encoder.")
    parser.add_argument("candidates", nargs="+", type=candidate)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--engine", default="auto")
    parser.add_argument("--rounds", type=int, default=200)
    words, fit = sys.argv[1:], []
    if "--" in words:
        at = words.index("--")
        words, fit = words[:at], words[at + 1 :]
    args = parser.parse_args(words)
    for each in args.candidates:
        train(each, args.out / each.name, fit)
    ms = latencies(args.candidates, args.out, args.engine, args.rounds)
    print(f"n = {args.rounds} paired rounds; accuracy of the last epoch, on the clips held out")
    print("| encoder | side | parameters | ms, median | heatmap loss | ≤ 10 px | ≤ 5 px |")
    print("|---|---|---|---|---|---|---|")
    for each in args.candidates:
        last = json.loads((args.out / each.name / "log.jsonl").read_text().splitlines()[-1])
        if "pck10" not in last:
            raise SystemExit(f"{each.name} was trained without --hold-out: nothing to compare")
        size = parameters(args.out / each.name / "last.pt")
        print(
            f"| {each.encoder} | {each.side} | {size / 1e6:.1f} M | {np.median(ms[each.name]):.1f} "
            f"| {last['heatmap']:.3f} | {last['pck10']:.1%} | {last['pck5']:.1%} |"
        )


def candidate(text: str) -> Candidate:
    """Text "mobilenetv2_100@256=weights.safetensors" → candidate."""
    named, _, weights = text.partition("=")
    encoder, at, side = named.partition("@")
    if not at or not side.isdigit():
        raise argparse.ArgumentTypeError(f"ENCODER@SIDE[=WEIGHTS] was wanted, got {text!r}")
    return Candidate(encoder, int(side), weights or "timm")


def train(each: Candidate, folder: Path, fit: list[str]) -> None:
    """One candidate by the command → checkpoint and log in `folder`, and the exported file."""
    start = [sys.executable, "-m", "train.cli"]
    own = ["--encoder-model", each.encoder, "--input-size", str(each.side)]
    checkpoint = folder / "last.pt"
    if not checkpoint.exists():
        words = [*own, "--weights", each.weights, "--out", str(folder)]
        subprocess.run([*start, "fit", *fit, *words], check=True)
    if not (folder / "model.onnx").exists():
        words = [str(checkpoint), "--out", str(folder / "model.onnx")]
        subprocess.run([*start, "export", *words], check=True)


def latencies(
    candidates: list[Candidate], out: Path, engine: str, rounds: int
) -> dict[str, list[float]]:
    """Candidates → the ms of one picture in the engine, a round a value."""
    rng = np.random.default_rng(0)
    with ExitStack() as opened:
        ready, images = {}, {}
        for each in candidates:
            model = out / each.name / "model.onnx"
            ready[each.name] = opened.enter_context(closing(engines.open_engine(model, engine)))
            images[each.name] = rng.integers(0, 256, (1, each.side, each.side, 3), np.uint8)
        return measure(ready, images, rounds)


def parameters(checkpoint: Path) -> int:
    """Checkpoint → how many numbers were learnt."""
    from train.loop import load_checkpoint  # noqa: PLC0415 - torch takes seconds

    model, _ = load_checkpoint(checkpoint)
    return sum(p.numel() for p in model.parameters())


if __name__ == "__main__":
    main()
