"""One picture through each engine of an NVIDIA GPU: the whole call, in ms, n = 1000.

    python benchmarks/gpu_engines.py [MODEL.onnx] [--checkpoint last.pt] [--json FILE]

A call is what a stream waits for: the uint8 picture goes up, the network runs, heatmaps, visibility
and count come down. TensorRT, TensorRT for RTX and ONNX Runtime on CUDA run the same ONNX model and
agree with its reference, or are not measured; a checkpoint adds PyTorch in FP16, op by op and
compiled. All are open in one process and measured in turns, each round in a new random order, after
a warm-up; an engine's first call of a round is not counted, as it runs on the caches of another.
What does not open is named with its reason, and the exit code is 1 where nothing opens.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from engine_latency import measure

import engines
from engines.spec import Engine, EngineUnavailable, Prediction, read_spec
from stream.bench.figures import times
from stream.bench.machine import describe

TARGET_MS = 0.5
BACKENDS = ("trt", "rtx", "cuda")
_FAILURES = (EngineUnavailable, ImportError, OSError, RuntimeError)  # torch's compiler has many


class TorchHalf:
    """A checkpoint on the GPU in FP16 (autocast), as a user of PyTorch would run it."""

    def __init__(self, checkpoint: Path, *, compiled: bool) -> None:
        torch = importlib.import_module("torch")
        if not torch.cuda.is_available():
            raise EngineUnavailable(f"PyTorch {torch.__version__} finds no GPU")
        model, _ = importlib.import_module("train.loop").load_checkpoint(checkpoint)
        self.spec = model.spec
        self._torch, self._model = torch, model.eval().cuda()
        self._predict = (
            torch.compile(self._answer, mode="max-autotune") if compiled else self._answer
        )
        self._pinned = torch.empty((1, *self.spec.input_hw, 3), dtype=torch.uint8, pin_memory=True)
        how = "compiled" if compiled else "eager"
        card = torch.cuda.get_device_name()
        self._label = f"PyTorch {torch.__version__} ({how}) on {card}, fp16"
        self(np.zeros(tuple(self._pinned.shape), np.uint8))

    def __str__(self) -> str:
        return self._label

    def __call__(self, images: np.ndarray) -> Prediction:
        """(1, H, W, 3) uint8 → Prediction."""
        self._pinned.copy_(self._torch.from_numpy(images))
        with self._torch.inference_mode():
            said = self._predict(self._pinned.cuda(non_blocking=True))
            return Prediction(*(part.cpu().numpy() for part in said))

    def close(self) -> None:
        """Nothing is shared."""

    def _answer(self, images: Any) -> tuple[Any, ...]:
        with self._torch.autocast("cuda", self._torch.float16):
            said = self._model.predict(images.permute(0, 3, 1, 2).float())
        return tuple(part.float() for part in said)


def main(words: Sequence[str] | None = None) -> int:
    """Words → a table, and JSON where it is asked for."""
    parser = argparse.ArgumentParser(
        description="How long each engine of the GPU takes for a call."
    )
    parser.add_argument("model", nargs="?", type=Path, default=engines.DEFAULT_MODEL)
    parser.add_argument("--checkpoint", type=Path, help="a .pt of kpstream-train, for PyTorch")
    parser.add_argument("--rounds", type=int, default=1000)
    parser.add_argument("--json", type=Path, help="write the figures there")
    args = parser.parse_args(words)
    spec = read_spec(args.model)
    images = np.random.default_rng(0).integers(0, 256, (1, *spec.input_hw, 3), np.uint8)
    machine = describe()
    print(f"{', '.join(machine.gpus) or 'no NVIDIA GPU'}; {machine.cpu}, {machine.system}")
    with ExitStack() as opened:
        ready, failed = _open_all(args.model, args.checkpoint, opened)
        measured = measure(ready, dict.fromkeys(ready, images), args.rounds) if ready else {}
        found = {name: times(ms / 1000 for ms in values) for name, values in measured.items()}
        print(f"{spec.name}, 1 × {spec.input_hw}, n = {args.rounds} rounds in turns")
        print(f"{'engine':15} {'p50':>8} {'p95':>8} {'p99':>8}  ms")
        for name, taken in found.items():
            met = "reached" if taken.p50_ms <= TARGET_MS else "missed"
            figures = f"{taken.p50_ms:8.3f} {taken.p95_ms:8.3f} {taken.p99_ms:8.3f}"
            print(f"{name:15} {figures}  {ready[name]}; {TARGET_MS} ms {met}")
        for name, reason in failed.items():
            print(f"{name:15} {'–':>8} {'–':>8} {'–':>8}  {reason}")
        if args.json:
            report = {
                "machine": asdict(machine),
                "model": spec.name,
                "target_p50_ms": TARGET_MS,
                "engines": {n: {"runs_on": str(ready[n]), **asdict(t)} for n, t in found.items()},
                "not_opened": failed,
            }
            args.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    return 0 if found else 1


def _open_all(
    model: Path, checkpoint: Path | None, opened: ExitStack
) -> tuple[dict[str, Engine], dict[str, str]]:
    """The engines that open, and why the others do not."""
    openers: dict[str, Callable[[], Engine]] = {
        name: partial(engines.open_engine, model, name) for name in BACKENDS
    }
    for name, compiled in {"torch eager": False, "torch compiled": True}.items():
        if checkpoint is not None:
            openers[name] = partial(TorchHalf, checkpoint, compiled=compiled)
    ready, failed = {}, {}
    for name, opener in openers.items():
        print(f"opening {name} …", file=sys.stderr)
        try:
            ready[name] = opened.enter_context(closing(opener()))
        except _FAILURES as error:
            failed[name] = " ".join(str(error).split())[:500]
    if checkpoint is None:
        failed["torch"] = "needs --checkpoint, a .pt of kpstream-train fit"
    return ready, failed


if __name__ == "__main__":
    sys.exit(main())
