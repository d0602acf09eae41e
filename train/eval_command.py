"""`kpstream-train eval`: a model through the protocols → a table, and a report in a folder."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import Progress

from train import export_command
from train.config import HELD_CLIPS
from train.words import numbers, seed, size

if TYPE_CHECKING:
    from engines.spec import Engine

SPLITS = ("train", "val", "test")
VIEWS = ("box", "whole", "cat", "stream")
OF_DATASETS: dict[str, str | bool] = {
    "dataset_options": "",
    "split": "val",
    "view": "box",
    "decoder": "peak",
    "measure": "box",
    "skip_bad": False,
}
"""What is said of a dataset only, and what it is if nobody says it."""

RENDERED = "1920x1080"
OF_PACKETS: dict[str, Any] = {
    "backgrounds": None,
    "hands": None,
    "art": None,
    "protocols": "all",
    "clips": HELD_CLIPS,
    "scale": 1.0,
    "size": size(RENDERED),
    "seed": 1_000_003,
}
"""The same of packets."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The words that the command takes."""
    parser.add_argument("model", type=Path, help="an .onnx file, or a checkpoint (.pt)")
    parser.add_argument("--engine", default="auto", help="the runtime that is scored")
    parser.add_argument("--data", type=Path, help="folder of real packets: cardcut")
    parser.add_argument("--backgrounds", type=Path, help="folder of pictures without a packet")
    parser.add_argument("--hands", type=Path, help="folder of cut-out hands")
    parser.add_argument("--art", type=Path, help="folder with backs/ and faces/")
    words = "which, by name: cardcut,empty; cardcut-foreign and rendered-named run only by name"
    parser.add_argument("--protocols", help=words)
    words = "score the real clips with these counts; '' = all"
    parser.add_argument("--clips", type=numbers, help=words)
    parser.add_argument("--scale", type=float, help="part of the pictures: 0.1 for a glance")
    parser.add_argument("--size", type=size, help="WIDTHxHEIGHT of rendered pictures")
    parser.add_argument("--seed", type=seed, help="of rendered pictures")
    parser.add_argument("--out", type=Path, help="folder for report.html and scores.json")
    keypoints = parser.add_argument_group("with --dataset, in place of packets' protocols")
    add = keypoints.add_argument
    add("--dataset", default="", help="a format of train/datasets; its folder is --data")
    add("--dataset-options", help="of its format: layout=kaggle, several with ;")
    add("--split", choices=SPLITS, help="which of its pictures")
    add("--view", choices=VIEWS, help="what is shown, or what streaming looks at")
    add("--decoder", help="heatmaps to points: argmax, mean, peak, mean-shift")
    add("--measure", help="what errors are parts of: box, torso, interocular, px")
    add("--skip-bad", action="store_true", help="go on without pictures whose labels are wrong")
    parser.set_defaults(**OF_DATASETS, **(OF_PACKETS | {"size": RENDERED}))


def run(options: argparse.Namespace, parser: argparse.ArgumentParser) -> None:
    """Measure, and say what was met."""
    if options.dataset:
        _score(options, parser)
        return
    _refuse(OF_DATASETS, "goes with --dataset: name one", options, parser)
    from train import protocols, report, sets  # noqa: PLC0415 - what they import takes a second

    if options.scale <= 0:
        parser.error(f"--scale must be above 0, got {options.scale:g}")
    names = protocols.ALL if options.protocols == "all" else tuple(options.protocols.split(","))
    if unknown := [name for name in names if name not in protocols.PROTOCOLS]:
        known = ", ".join(protocols.PROTOCOLS)
        parser.error(f"--protocols: no {', '.join(map(repr, unknown))}; there are {known}")
    folders = {name: getattr(options, name) for name in ("data", "backgrounds", "hands", "art")}
    given = sets.Given(
        **folders, clips=options.clips, hw=options.size, seed=options.seed, scale=options.scale
    )
    if options.out:  # what cannot be written is better known before than after
        options.out.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        engine = _opened(options, stack)
        bar = Progress(console=Console(stderr=True), transient=True, auto_refresh=False)
        stack.enter_context(bar)
        outcomes = protocols.measure(engine, names, given, lambda *what: _shown(bar, *what))
        named, spec = str(engine), engine.spec
    notes = [*given.missing(), *(f"skipped {k}: {v}" for k, v in outcomes.skipped.items())]
    trained = trained_on(options.model, options.clips)
    console = Console()
    console.print(report.table(outcomes))
    for note in notes:
        console.print(note, highlight=False, markup=False)
    if options.data:
        console.print(f"trained on: {trained}", highlight=False, markup=False)
    if options.out:
        about = {
            "model": str(options.model),
            "trained on": trained,
            "engine": named,
            "processor cores": str(os.cpu_count()),
            "real clips": ", ".join(map(str, options.clips)) or "all",
            "rendered": f"{options.size[1]}x{options.size[0]}, seed {options.seed}, of "
            + outcomes.artwork,
            "scale": f"{options.scale:g}",
            "not measured": "; ".join(notes) or "nothing was left out",
        }
        report.write(options.out, about, spec, outcomes)
        print(f"wrote {options.out / 'report.html'}")


def _opened(options: argparse.Namespace, stack: ExitStack) -> Engine:
    """The engine that is asked for, which the stack closes; eager takes a checkpoint as it is."""
    from engines import open_engine  # noqa: PLC0415

    eager = options.engine == "eager"
    model = options.model if eager else export_command.as_onnx(options.model, stack)
    engine = open_engine(model, options.engine)
    stack.callback(engine.close)
    return engine


def _refuse(
    foreign: Mapping[str, Any],
    why: str,
    options: argparse.Namespace,
    parser: argparse.ArgumentParser,
) -> None:
    """End with wrong usage if an option is not as it is where nobody says it."""
    for name, default in foreign.items():
        if getattr(options, name) != default:
            parser.error(f"--{name.replace('_', '-')} {why}")


def _score(options: argparse.Namespace, parser: argparse.ArgumentParser) -> None:
    """A dataset's keypoints: figures, and with --out as JSON too."""
    from train import datasets, keypoint_eval, report, sizes  # noqa: PLC0415

    if options.data is None:
        parser.error(f"where is the dataset {options.dataset}? Name its folder with --data")
    _refuse(OF_PACKETS, "goes with packets: leave it or --dataset out", options, parser)
    if options.view == "stream" and options.decoder != OF_DATASETS["decoder"]:
        parser.error("--view stream has its own way from heatmaps to points: leave --decoder out")
    chosen = datasets.options(options.dataset, options.dataset_options)
    dataset = datasets.load(options.dataset, options.data, skip_bad=options.skip_bad, **chosen)
    pictures = dataset.splits[options.split]
    if not pictures:
        some = ", ".join(f"{len(found)} in {name}" for name, found in dataset.splits.items())
        raise ValueError(
            f"{options.data} has no pictures in its split {options.split} but {some}: "
            "name another with --split"
        )
    # what is asked for and cannot be is better known before than after
    sizes.of_name(options.measure, dataset.keypoints)
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        engine = _opened(options, stack)
        said = keypoint_eval.run(engine, pictures, dataset.keypoints, options.view, options.decoder)
        compared = list(said)
        named = str(engine)
    if not compared:
        raise ValueError(f"{options.data} has nothing to score on in view {options.view}")
    made = keypoint_eval.figures(compared, dataset.keypoints, options.measure)
    console = Console()
    console.print(f"{len(compared)} views of {len(pictures)} pictures, {options.view}; {named}")
    for name, figure in made.items():
        console.print(f"{name}: {report.measured(figure)}", highlight=False, markup=False)
    for line in dataset.skipped:
        console.print(f"skipped {line}", highlight=False, markup=False)
    if options.out:
        about = {"model": str(options.model), "engine": named, "view": options.view}
        about |= {"dataset": options.dataset, "split": options.split, "decoder": options.decoder}
        plain = {name: report.plain(asdict(figure)) for name, figure in made.items()}
        text = json.dumps({"about": about, "figures": plain}, indent=1, allow_nan=False)
        path = options.out / "scores.json"
        path.write_text(text, encoding="utf-8")
        print(f"wrote {path}")


def trained_on(model: Path, scored: tuple[int, ...]) -> str:
    """What a model's file says of the real clips it has seen, beside those scored; () = all."""
    if model.suffix != ".pt":
        return "the file does not say; if on real clips that are scored here, their figures flatter"
    from train import checkpoint  # noqa: PLC0415 - torch takes seconds to import
    from train.config import Config  # noqa: PLC0415

    config = Config.from_json(checkpoint.read(model)["config"])
    since = f", which starts from {config.start}" if config.start else ""
    if not config.data:
        return f"no real packets in this run{since}"
    held = f"those held out: {', '.join(map(str, config.hold_out)) or 'none'}{since}"
    if scored and set(scored) <= set(config.hold_out):
        return f"real clips, {held}"
    return f"real clips, some of which are scored here, so that their figures FLATTER; {held}"


def _shown(bar: Progress, name: str, pictures: int) -> Callable[[], object]:
    """A bar for a set of so many pictures → what moves it on by one."""
    task = bar.add_task(name, total=pictures)

    def moved() -> None:
        bar.advance(task)
        bar.refresh()

    return moved
