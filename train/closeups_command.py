"""`kpstream-train closeups`: the second look's network, from real and rendered packets."""

from __future__ import annotations

import argparse
from pathlib import Path

from train.config import Config
from train.words import numbers, seed


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The words of the command."""
    parser.add_argument("--data", default="", help="cardcut's folder ('' = rendered packets only)")
    parser.add_argument(
        "--hold-out", type=numbers, default=(), help="counts whose clips training must not see"
    )
    parser.add_argument("--backgrounds", default="", help="folder of pictures without a packet")
    parser.add_argument("--hands", default="", help="folder of cut-out hands")
    parser.add_argument("--art", default="", help="folder with backs/ and faces/")
    parser.add_argument(
        "--model",
        type=Path,
        help="ONNX file whose corners it learns to better; the bundled one if unnamed",
    )
    parser.add_argument("--real", type=float, default=0.12, help="share of real pictures")
    parser.add_argument("--samples", type=int, default=26000, help="how many pictures")
    parser.add_argument("--epochs", type=int, default=7, help="how many times they are seen")
    parser.add_argument("--seed", type=seed, default=0, help="seed of everything random")
    parser.add_argument("--workers", type=int, default=1, help="processes that make pictures")
    parser.add_argument("--out", type=Path, required=True, help="the .npz to write")


def run(options: argparse.Namespace, parser: argparse.ArgumentParser) -> None:
    """Train and write."""
    from engines import DEFAULT_MODEL  # noqa: PLC0415 - takes a while to import
    from stream.frame import checked_output  # noqa: PLC0415 - so does OpenCV

    out = checked_output(options.out)
    if out.suffix != ".npz":
        parser.error(f"--out must end in .npz, got {out.name}")
    try:
        config = Config(
            data=options.data,
            hold_out=options.hold_out,
            backgrounds=options.backgrounds,
            hands=options.hands,
            art=options.art,
            real=options.real,
            empty=0.0,
            samples=options.samples,
            epochs=options.epochs,
            batch=256,
            lr=3e-3,
            weight_decay=0.02,
            seed=options.seed,
            workers=options.workers,
            out=str(out),
        )
    except ValueError as error:
        parser.error(str(error))
    from train.closeups import fit  # noqa: PLC0415 - torch takes seconds to import

    print(f"wrote {fit(config, options.model or DEFAULT_MODEL)}")
