"""Config → what a run learns from: the pictures, what is to be found in them, and how it is told.

Packets are rendered and real and have a count; a dataset has its own keypoints.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from engines.spec import ModelSpec
from stream.packet import EDGES, FLIP, KEYPOINTS, MAX_CARDS
from train import datasets, keypoint_watch
from train.approach import Approach
from train.config import Config
from train.datasets import cardcut
from train.example import Example
from train.labels import Keypoints
from train.mixture import Mixture, read_pictures
from train.shown import Shown
from train.targets import CIRCLE_SIGMA_CELLS
from train.watch import watch


class Examples(Protocol):
    """Examples by number; `epoch` chooses which, and how they are seen."""

    epoch: int

    def __len__(self) -> int:
        """How many there are in an epoch."""

    def __getitem__(self, index: int) -> Example:
        """One of them."""


@dataclass(frozen=True, slots=True)
class Material:
    """What a run learns from, and how far it has come."""

    spec: ModelSpec
    examples: Examples
    watch: Callable[[Approach], dict[str, float]]  # figures on what is held out, by name
    notes: Sequence[str] = ()  # what is to be said before it starts
    oks_sigmas: tuple[float, ...] | None = None


def of(config: Config) -> Material:
    """The material of a run."""
    return _keypoints(config) if config.dataset else _packets(config)


def packet_spec(config: Config) -> ModelSpec:
    """The spec of a packet model as this run trains it."""
    return ModelSpec(
        name="packet",
        keypoints=KEYPOINTS,
        edges=EDGES,
        flip=FLIP,
        input_hw=(config.input_size, config.input_size),
        stride=4,
        sigma_px=_sigma_px(config, 4),
        max_cards=MAX_CARDS,
    )


def keypoint_spec(config: Config, keypoints: Keypoints) -> ModelSpec:
    """The spec of a model of a dataset's keypoints. Without a known flip, none changes its name."""
    return ModelSpec(
        name=config.dataset,
        keypoints=keypoints.names,
        edges=keypoints.edges,
        flip=keypoints.flip or tuple(range(len(keypoints.names))),
        input_hw=(config.input_size, config.input_size),
        stride=config.stride,
        sigma_px=_sigma_px(config, config.stride),
    )


def _sigma_px(config: Config, stride: int) -> float:
    """The deviation of what the heatmaps are trained towards, which a circle has of its own."""
    return CIRCLE_SIGMA_CELLS * stride if config.target == "circle" else config.sigma_px


def _packets(config: Config) -> Material:
    samples = cardcut.load(Path(config.data)) if config.data else []
    train_samples, held = cardcut.split(samples, config.hold_out)
    mixture = Mixture(config, read_pictures(config, train_samples))
    return Material(packet_spec(config), mixture, lambda model: watch(model, held))


def _keypoints(config: Config) -> Material:
    options = datasets.options(config.dataset, config.dataset_options)
    folder = Path(config.data)
    dataset = datasets.load(config.dataset, folder, skip_bad=config.skip_bad, **options)
    shown = Shown(config, dataset.keypoints, dataset.splits["train"])
    if not len(shown):
        raise ValueError(f"{config.data} has nothing to train on in view {config.view}")
    if not any(one.flags.any() for one in dataset.splits["train"]):
        raise ValueError(f"{config.data} has no labelled point to train on, only pictures without")
    held = keypoint_watch.Held(config, dataset.keypoints, dataset.splits["val"])
    notes = [f"skipped {line}" for line in dataset.skipped]
    if dataset.keypoints.flip is None:
        notes.append("which keypoints a mirror swaps is not known: no picture is mirrored")
    spec = keypoint_spec(config, dataset.keypoints)
    return Material(spec, shown, held.watch, notes, dataset.keypoints.oks_sigmas)
