"""`kpstream-train fit | closeups | average | eval | export | synth`: parses, opens, runs; no logic.

Exit codes: 0, 2 for wrong usage, 1 for a failure (one line says which), 130 after Ctrl-C.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_type_hints

from train import closeups_command, eval_command, export_command
from train.config import KEYPOINTS, NETWORK, PACKETS, Config
from train.presets import PRESETS, settings
from train.words import numbers, seed, size

if TYPE_CHECKING:
    from stream.synth import SceneConfig


def main(argv: Sequence[str] | None = None) -> int:
    """Words → exit code; wrong usage ends the program with 2, as argparse does."""
    if isinstance(sys.stdout, io.TextIOWrapper):  # not all can be written everywhere
        sys.stdout.reconfigure(errors="backslashreplace")
    parser = _parser()
    options = parser.parse_args(argv)
    try:
        if getattr(options, "preset", ""):
            options = _parser(settings(options.preset)).parse_args(argv)
        options.run(options, parser)
    except KeyboardInterrupt:
        return 130
    except Exception as error:  # noqa: BLE001 - the top: every error becomes one line
        if os.environ.get("KPSTREAM_TRACEBACK") == "1":
            traceback.print_exc()
        print(f"kpstream-train: error: {_one_line(error)}", file=sys.stderr)
        return 1
    return 0


def _one_line(error: Exception) -> str:
    said = str(error).strip()
    if said.startswith("Caught ") and "Original Traceback" in said:  # torch, of a worker's error
        said = said.splitlines()[-1].partition(": ")[2]
    text = " ".join(said.split()) or type(error).__name__
    if isinstance(error, ModuleNotFoundError):
        text += "; training needs more than streaming: pip install 'kpstream[train]'"
    return text


def _parser(preset: Mapping[str, Any] | None = None) -> argparse.ArgumentParser:
    """The command's words; a preset changes what `fit` takes where nothing is said."""
    parser = argparse.ArgumentParser(
        "kpstream-train", description="Train, score and export the networks that kpstream runs."
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    shown = argparse.ArgumentDefaultsHelpFormatter
    fit = commands.add_parser("fit", help="train a network", formatter_class=shown)
    _add_config(fit)
    names = "settings by name, which others go before: " + ", ".join(PRESETS)
    fit.add_argument("--preset", default="", help=names)
    fit.set_defaults(run=_fit, **(preset or {}))

    closeups = commands.add_parser(
        "closeups", help="train the second look, at a packet's short edges", formatter_class=shown
    )
    closeups_command.add_arguments(closeups)
    closeups.set_defaults(run=closeups_command.run)

    average = commands.add_parser("average", help="checkpoints of one network → their mean")
    average.add_argument("checkpoints", nargs="+", type=Path, help="rounds of one another")
    average.add_argument("--out", type=Path, required=True, help="the checkpoint to write")
    average.set_defaults(run=_average)

    evaluate = commands.add_parser("eval", help="score a network", formatter_class=shown)
    eval_command.add_arguments(evaluate)
    evaluate.set_defaults(run=eval_command.run)

    export = commands.add_parser(
        "export", help="checkpoint or ONNX → a runtime's file", formatter_class=shown
    )
    export_command.add_arguments(export)
    export.set_defaults(run=export_command.run)

    synth = commands.add_parser(
        "synth", help="render packets: a sheet of pictures or a clip", formatter_class=shown
    )
    _add_synth(synth)
    synth.set_defaults(run=_synth)
    return parser


def _add_config(parser: argparse.ArgumentParser) -> None:
    """An option for each field of Config, with its default and its help, under whose it is."""
    groups = {
        "": parser,
        PACKETS: parser.add_argument_group("of packets only"),
        KEYPOINTS: parser.add_argument_group("with --dataset only"),
        NETWORK: parser.add_argument_group("of the network, where its approach has them"),
    }
    kinds = get_type_hints(Config)
    for option in fields(Config):
        kind, name = kinds[option.name], "--" + option.name.replace("_", "-")
        settings: dict[str, Any] = {"help": option.metadata["help"]}
        if option.default is MISSING:
            settings["required"] = True
        else:
            settings["default"] = option.default
        if kind is bool:
            settings["action"] = argparse.BooleanOptionalAction
        else:
            settings["type"] = numbers if kind == tuple[int, ...] else kind
        groups[option.metadata["of"]].add_argument(name, **settings)


def _add_synth(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", type=Path, required=True, help="sheet.png, clip.mp4, or crops.npz")
    parser.add_argument("--n", type=int, default=48, help="pictures on the sheet; crops")
    parser.add_argument("--seconds", type=float, default=6.0, help="length of the clip")
    parser.add_argument("--fps", type=int, default=30, help="frames a second of the clip")
    parser.add_argument("--size", type=size, help="WIDTHxHEIGHT; sheet 256x256, clip 1280x720")
    parser.add_argument("--cards", type=int, help="count in every picture; drawn if not given")
    parser.add_argument("--seed", type=seed, default=0, help="seed of everything random")
    parser.add_argument("--truth", type=Path, help="JSON lines: the clip's corners and count")
    parser.add_argument("--art", type=Path, help="folder with backs/ and faces/")
    parser.add_argument("--backgrounds", type=Path, help="folder of pictures to lay it on")
    parser.add_argument("--hands", type=Path, help="folder of cut-out hands (PNG with alpha)")
    words = "JSON file with knobs of the renderer; a clip's camera goes its own way"
    parser.add_argument("--config", type=Path, help=words)
    parser.add_argument("--empty", action="store_true", help="pictures without a packet")


def _fit(options: argparse.Namespace, parser: argparse.ArgumentParser) -> None:
    values = {option.name: getattr(options, option.name) for option in fields(Config)}
    try:
        config = Config(**values)
    except ValueError as error:
        parser.error(str(error))
    from train.counting import fit_count  # noqa: PLC0415 - torch takes seconds to import
    from train.loop import fit  # noqa: PLC0415

    checkpoint = (fit_count if config.only_count else fit)(config)
    # of several processes, which torchrun or Fabric have numbered, one speaks
    if os.environ.get("RANK", os.environ.get("LOCAL_RANK", "0")) == "0":
        print(f"wrote {checkpoint}")


def _average(options: argparse.Namespace, parser: argparse.ArgumentParser) -> None:
    if len(options.checkpoints) < 2:
        parser.error("a mean is of two checkpoints or more")
    if options.out.suffix != ".pt":
        parser.error(f"--out must end in .pt, by which a checkpoint is known, got {options.out}")
    from stream.frame import checked_output  # noqa: PLC0415
    from train.average import average  # noqa: PLC0415

    average(options.checkpoints, checked_output(options.out))
    print(f"wrote {options.out}")


def _scenes(options: argparse.Namespace) -> SceneConfig:
    """The knobs of a file, with what the command line says of them."""
    from stream.synth import SceneConfig  # noqa: PLC0415 - OpenCV takes a while to import

    text = options.config.read_text(encoding="utf-8") if options.config else "{}"
    config = SceneConfig.from_json(text)
    if options.cards is not None:
        config = replace(config, cards=(options.cards, options.cards))
    return replace(config, empty=1.0) if options.empty else config


def _synth(options: argparse.Namespace, parser: argparse.ArgumentParser) -> None:
    from stream.frame import checked_output  # noqa: PLC0415
    from train import showing  # noqa: PLC0415

    out, kind = checked_output(options.out), options.out.suffix.lower()
    if kind not in {".png", ".jpg", ".mp4", ".npz"}:
        parser.error(f"--out must end in .png, .jpg, .mp4 or .npz, got {out.name}")
    if options.truth and kind != ".mp4":
        parser.error("--truth goes with a clip: name an .mp4 with --out")
    if options.empty and kind == ".npz":
        parser.error("--empty goes with a sheet or a clip: an .npz is of packets")
    if options.fps < 1:
        parser.error(f"--fps must be 1 or more, got {options.fps}")
    stage = showing.Stage.of(
        _scenes(options),
        options.seed,
        art=options.art,
        backgrounds=options.backgrounds,
        hands=options.hands,
    )
    if kind == ".mp4":
        truth = checked_output(options.truth) if options.truth else None
        frames = round(options.seconds * options.fps)
        showing.clip(stage, options.size or (720, 1280), options.fps, frames, out, truth=truth)
    elif kind == ".npz":
        showing.crops(stage, options.size or (256, 256), options.n, out)
    else:
        showing.rendered_sheet(stage, options.size or (256, 256), options.n, out)
    print(f"wrote {out}")


if __name__ == "__main__":
    sys.exit(main())
