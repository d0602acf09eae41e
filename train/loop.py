"""Config → a trained model, in one loop that reads from top to bottom."""

from __future__ import annotations

import json
import math
import os
from dataclasses import fields, replace
from itertools import islice
from pathlib import Path
from typing import Any, cast

import cv2
import lightning_fabric
import torch
from rich.progress import track
from torch.utils.data import DataLoader, Dataset, Subset

from engines import DEFAULT_MODEL
from engines.spec import ModelSpec
from train import checkpoint, from_onnx, material, models, optimizers
from train.approach import Approach
from train.config import NETWORK, Config
from train.example import Example
from train.layers import to_train
from train.material import Examples


def fit(config: Config) -> Path:
    """Train, and return the path of the last checkpoint.

    Writes `last.pt` and a line of `log.jsonl` after every epoch, the first of them in place of
    what an earlier run left there. With `resume` it goes on where `last.pt` stands and ends where
    the uninterrupted run would have ended.
    """
    devices, machines = _processes(config)
    fabric = lightning_fabric.Fabric(
        accelerator=config.accelerator,
        precision=cast("Any", config.precision),
        devices=devices,
        num_nodes=machines,
    )
    fabric.launch()
    if config.batch % fabric.world_size:
        raise ValueError(
            f"a batch of {config.batch} is not to be shared among {fabric.world_size} devices: "
            "take a multiple"
        )
    # One thread an OpenCV call: the cores belong to the network, and a worker that is forked from a
    # process whose OpenCV has threads waits for them for ever.
    cv2.setNumThreads(1)
    fabric.seed_everything(config.seed, verbose=False)

    learnt = material.of(config)
    model = build(config, learnt.spec, oks_sigmas=learnt.oks_sigmas)
    if config.start:
        _start(model, Path(config.start), learnt.examples, config)
    optimizer = optimizers.of(optimizers.groups(model, config), config)
    model = model.to(memory_format=torch.channels_last)
    module, optimizer = fabric.setup(model, optimizer)
    loader = fabric.setup_dataloaders(example_loader(learnt.examples, config, fabric.world_size))
    steps = len(loader) * config.epochs

    config.folder.mkdir(parents=True, exist_ok=True)
    last = config.folder / "last.pt"
    start = _resume(last, model, optimizer, config) if config.resume else 0
    for note in [*learnt.notes, *replaced(config)] if fabric.is_global_zero else ():
        print(note)

    for epoch in range(start, config.epochs):
        learnt.examples.epoch = epoch
        torch.manual_seed(config.seed * 100_003 + epoch)  # dropout: the same after a resume
        # of a deck so little is learnt that its figures would only waver
        to_train(module, hold_normalisation=bool(config.deck))
        sums: dict[str, float] = {}
        shown = track(
            loader,
            f"epoch {epoch + 1}/{config.epochs}",
            disable=not fabric.is_global_zero,
            auto_refresh=False,  # else a thread draws it, which Ctrl-C may leave behind
        )
        for i, batch in enumerate(shown):
            schedule(optimizer, config, epoch * len(loader) + i, steps)
            parts = losses(module, model, Example(*batch))
            optimizer.zero_grad(set_to_none=True)
            fabric.backward(torch.stack([v for v in parts.values() if v.requires_grad]).sum())
            clip(fabric, module, optimizer)
            optimizer.step()
            for name, value in parts.items():
                sums[name] = sums.get(name, 0.0) + value.item() / len(loader)
        if fabric.world_size > 1:  # each process has seen its part of every batch
            every = fabric.all_reduce(torch.tensor([*sums.values()], device=fabric.device))
            sums = dict(zip(sums, cast("torch.Tensor", every).tolist(), strict=True))
        if fabric.is_global_zero:
            line = {"epoch": epoch + 1, **sums, **learnt.watch(model)}
            save(last, model, optimizer, epoch + 1, config)
            log(config.folder / "log.jsonl", line)
        fabric.barrier()
    return last


BUNDLED = "bundled"
"""What `start` calls the model that ships."""

SETTLING = 20
"""Batches on which the normalisation of a network that comes from an ONNX file is measured."""


def _start(model: Approach, path: Path, examples: Examples, config: Config) -> None:
    """Give a model the weights of another run, or of an ONNX file that one was exported to.

    Raises ValueError if they are of another network.
    """
    if str(path) == BUNDLED:
        path = DEFAULT_MODEL
    if path.suffix == ".onnx":
        if not getattr(models.module_of(config.approach), "EXPORTS_ALL", True):
            raise ValueError(
                f"{path} lacks what only training needs: the approach {config.approach} starts "
                "from a checkpoint (.pt)"
            )
        loader = example_loader(examples, replace(config, workers=0))
        from_onnx.start(model, path, (batch.image for batch in islice(loader, SETTLING)))
        return
    state = checkpoint.read(path)
    try:
        model.load_state_dict(state["model"])
    except RuntimeError as error:  # which lists every weight
        approach = Config.from_json(state["config"]).approach
        raise ValueError(
            f"{path} is of another network (approach {approach}): start from one of the same "
            "approach, options and keypoints"
        ) from error


def _processes(config: Config) -> tuple[int, int]:
    """How many devices a machine and how many machines: as torchrun started them, or as asked."""
    here = int(os.environ.get("LOCAL_WORLD_SIZE", "0"))
    return (here, int(os.environ["WORLD_SIZE"]) // here) if here else (config.devices, 1)


def losses(module: torch.nn.Module, model: Approach, batch: Example) -> dict[str, torch.Tensor]:
    """A batch → its losses by name; `module` is the model, or what shares it among devices."""
    images = batch.image.float().contiguous(memory_format=torch.channels_last)
    return model.loss(module(images), batch)


def build(
    config: Config,
    spec: ModelSpec,
    *,
    weights: str | None = None,
    oks_sigmas: tuple[float, ...] | None = None,
) -> Approach:
    """The network of a configuration; its encoder starts from `weights`, if not from the config's.

    `oks_sigmas` are for the loss of that name. Raises ValueError for an option that is given and
    that the approach does not take.
    """
    known = models.options_of(config.approach)
    if strange := [name for name in config.changed(NETWORK) if name not in known]:
        raise ValueError(
            f"the approach {config.approach} takes no {strange[0]}; "
            f"it takes {', '.join(sorted(known - {'oks_sigmas'}))}"
        )
    values = {"oks_sigmas": oks_sigmas} | {o.name: getattr(config, o.name) for o in fields(config)}
    if weights or config.start:
        values |= {"weights": weights or "none", "detector": ""}
    return models.build(
        config.approach, spec, **{name: values[name] for name in known if values[name] != ""}
    )


def schedule(optimizer: torch.optim.Optimizer, config: Config, step: int, steps: int) -> None:
    """Give every group the learning rate of this step, counted from 0, of so many."""
    now = rate(step, steps) if config.schedule == "cosine" else 1.0
    for group in optimizer.param_groups:
        group["lr"] = group["peak"] * now


def clip(fabric: lightning_fabric.Fabric, module: Any, optimizer: Any) -> None:
    """Shorten gradients to a norm of 5. Raises RuntimeError where they are not finite.

    In 16-mixed it raises nothing: there gradients are scaled up until they overflow, such a step is
    left out, and the scale is brought down.
    """
    scaled = getattr(fabric.strategy.precision, "scaler", None) is not None
    fabric.clip_gradients(module, optimizer, max_norm=5.0, error_if_nonfinite=not scaled)


def rate(step: int, steps: int) -> float:
    """Share of the peak learning rate: linear over the first 5 %, then half a cosine to 0."""
    warm = max(1, round(0.05 * steps))
    if step < warm:
        return (step + 1) / warm
    return 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))


def example_loader(examples: Examples, config: Config, world: int = 1) -> DataLoader[Example]:
    """Batches of an epoch. No shuffling: an example's index says what it shows.

    Raises ValueError if there is not one whole batch.
    """
    if len(examples) < config.batch:
        raise ValueError(f"a batch is {config.batch} pictures, got {len(examples)}: raise samples")
    # of what is left over several devices would make a batch of their own, and one would make none
    whole = range(len(examples) // config.batch * config.batch)
    return DataLoader(
        Subset(cast("Dataset[Example]", examples), whole),
        batch_size=config.batch // world,
        num_workers=config.workers,
    )


def save(
    path: Path,
    model: Approach,
    optimizer: torch.optim.Optimizer,
    epoch: int,
    config: Config,
) -> None:
    """Write a checkpoint whole or not at all."""
    state = {
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "epoch": epoch,
        "config": config.to_json(),
        "spec": model.spec.to_json(),
    }
    checkpoint.write(path, state)


def _resume(path: Path, model: Approach, optimizer: torch.optim.Optimizer, config: Config) -> int:
    """Load a checkpoint into model and optimizer → the number of epochs it has seen."""
    state = checkpoint.read(path)
    if "optimizer" not in state:
        raise ValueError(f"{path} is a mean of runs, none to go on with: train on from it by start")
    before = replace(Config.from_json(state["config"]), resume=True, out=config.out)
    for name in (option.name for option in fields(config)):
        was, now = getattr(before, name), getattr(config, name)
        if was != now:
            raise ValueError(
                f"{path} was trained with {name} {was!r}, got {now!r}: "
                "go on with the same, or start it anew"
            )
    learnt, asked = ModelSpec.from_json(state["spec"]).keypoints, model.spec.keypoints
    if learnt != asked:
        raise ValueError(
            f"{path} has learnt {', '.join(learnt)}, and the labels now have {', '.join(asked)}: "
            "start it anew"
        )
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    return int(state["epoch"])


def load_checkpoint(path: Path) -> tuple[Approach, Config]:
    """Checkpoint → (model in eval mode on the CPU, its config). The model knows its spec."""
    state = checkpoint.read(path)
    config = Config.from_json(state["config"])
    model = build(config, ModelSpec.from_json(state["spec"]), weights="none")
    model.load_state_dict(state["model"])
    return model.eval(), config


def replaced(config: Config) -> list[str]:
    """What is to be said, if anything, of a run that this one takes the place of."""
    there = [name for name in ("last.pt", "log.jsonl") if (config.folder / name).exists()]
    if config.resume or not there:
        return []
    return [f"{config.folder} holds a run: {' and '.join(there)} are replaced after an epoch"]


def log(path: Path, line: dict[str, float]) -> None:
    """Add a line of figures to a JSONL file, which that of epoch 1 begins anew; and print it."""
    with path.open("w" if line["epoch"] == 1 else "a", encoding="utf-8") as file:
        rounded = {k: round(v, 4) if isinstance(v, float) else v for k, v in line.items()}
        file.write(json.dumps(rounded) + "\n")
    print(
        "  ".join(f"{k} {v:.3f}" if isinstance(v, float) else f"{k} {v}" for k, v in line.items())
    )
