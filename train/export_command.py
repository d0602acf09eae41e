"""`kpstream-train export`: a checkpoint or an ONNX file → the file of one runtime."""

from __future__ import annotations

import argparse
import tempfile
from contextlib import ExitStack
from pathlib import Path

FORMATS = {
    "onnx": ".onnx",
    "onnx-fp16": ".onnx",
    "openvino": ".xml",
    "tensorrt": ".plan",
    "tensorrt-rtx": ".plan",
}
"""What can be written, and how such a file's name ends."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The words that the command takes."""
    parser.add_argument("model", type=Path, help="last.pt of a training run, or an ONNX file")
    parser.add_argument("--out", type=Path, required=True, help="the file to write")
    parser.add_argument("--format", choices=FORMATS, default="onnx", help="for which runtime")
    parser.add_argument("--half", action="store_true", help="onnx: weights in half precision")
    parser.add_argument("--int8", action="store_true", help="openvino: convolutions in INT8 (NNCF)")
    parser.add_argument(
        "--sm",
        type=capabilities,
        metavar="86,89,120",
        help="tensorrt-rtx: compute capabilities of the GPUs to build for; none: of the one here",
    )


def capabilities(text: str) -> list[tuple[int, int]]:
    """Text "86,89,120" → [(8, 6), (8, 9), (12, 0)]."""
    parts = text.split(",")
    if not all(part.isdecimal() and len(part) >= 2 for part in parts):
        raise argparse.ArgumentTypeError(
            f"compute capabilities are written 86,89,120 for 8.6, 8.9 and 12.0, got {text!r}"
        )
    return [(int(part[:-1]), int(part[-1])) for part in parts]


def run(options: argparse.Namespace, parser: argparse.ArgumentParser) -> None:
    """Write the file, and say what the gate found."""
    from stream.frame import checked_output  # noqa: PLC0415

    _check(options, parser)
    out = checked_output(options.out)
    if options.format == "onnx":
        said = _onnx(options.model, out, half=options.half)
    else:
        with ExitStack() as stack:
            said = _from_onnx(options, as_onnx(options.model, stack), out)
    written = [out, out.with_suffix(".bin")] if options.format == "openvino" else [out]
    size = sum(path.stat().st_size for path in written)
    print(f"wrote {out}: {size / 1e6:.1f} MB, {said}")


def _check(options: argparse.Namespace, parser: argparse.ArgumentParser) -> None:
    ending = FORMATS[options.format]
    if options.out.suffix != ending:
        parser.error(f"--format {options.format} is written to a {ending}, got {options.out.name}")
    if not options.model.is_file():
        raise FileNotFoundError(
            f"there is no file {options.model}: name last.pt of a run, or an ONNX file"
        )
    if options.format == "onnx" and options.model.suffix != ".pt":
        already = "; this is ONNX already" if options.model.suffix == ".onnx" else ""
        parser.error(
            f"--format onnx is written from a checkpoint (.pt), got {options.model}{already}"
        )
    if options.out.exists() and options.out.samefile(options.model):
        parser.error(f"--out {options.out} is the model itself: name another file")
    for option, wanted in (("half", "onnx"), ("int8", "openvino"), ("sm", "tensorrt-rtx")):
        if getattr(options, option) and options.format != wanted:
            parser.error(f"--{option} goes with --format {wanted}, not {options.format}")


def _onnx(checkpoint: Path, out: Path, *, half: bool) -> str:
    from train.export import export  # noqa: PLC0415 - torch takes seconds to import

    spec = export(checkpoint, out, half=half)
    return f"{spec.name}, {spec.input_hw} px"


def as_onnx(model: Path, stack: ExitStack) -> Path:
    """An ONNX file as it is; a checkpoint as a temporary ONNX file that the stack removes."""
    if model.suffix != ".pt":
        return model
    folder = stack.enter_context(tempfile.TemporaryDirectory())
    exported = Path(folder) / f"{model.stem}.onnx"
    _onnx(model, exported, half=False)
    return exported


def _from_onnx(options: argparse.Namespace, path: Path, out: Path) -> str:
    from engines.rtx import RTX  # noqa: PLC0415
    from engines.trt import TENSORRT  # noqa: PLC0415
    from train import formats  # noqa: PLC0415

    model = formats.Model.load(path)
    if options.format == "onnx-fp16":
        return formats.onnx_fp16(model, out)
    if options.format == "openvino":
        return formats.openvino(model, out, int8=options.int8)
    if options.format == "tensorrt-rtx":
        return formats.plan(model, out, RTX, options.sm)
    return formats.plan(model, out, TENSORRT)
