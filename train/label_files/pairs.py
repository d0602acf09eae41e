"""Folders of pictures and of labels → pictures, each with the label file of the same name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from train import pictures
from train.label_files.wrong import LabelError, Skipping
from train.labels import SPLITS


@dataclass(frozen=True, slots=True)
class Pair:
    """A picture and where its label file is, or would be."""

    split: str
    name: str  # of the picture, below the folder
    picture: Path
    label: Path


def places(folder: Path, split: str) -> list[tuple[Path, Path]]:
    """Where pictures of a split may be, and their labels: some of these folders are there.

    Roboflow has train/images and valid/images; Ultralytics and CVAT have images/train, images/val.
    """
    names = ("val", "valid") if split == "val" else (split,)
    found = [(folder / name / "images", folder / name / "labels") for name in names]
    return found + [(folder / "images" / name, folder / "labels" / name) for name in names]


def read(folder: Path, ending: str, skipping: Skipping) -> list[Pair]:
    """The pairs of all splits by name. LabelError for a label file that no picture belongs to."""
    pairs = []
    for split, (images, labels) in [(s, both) for s in SPLITS for both in places(folder, s)]:
        found: dict[Path, Path] = {}
        for picture in sorted(images.rglob("*")):
            if picture.suffix.lower() in pictures.SUFFIXES:
                label = labels / picture.relative_to(images).with_suffix(ending)
                with skipping:
                    if label in found:
                        raise LabelError(
                            label, 1, f"{found[label].name} and {picture.name} share it"
                        )
                    found[label] = picture
        for label in sorted(labels.rglob(f"*{ending}")):
            with skipping:
                if label not in found:
                    raise LabelError(label, 1, f"there is no picture of this name in {images}")
        pairs += [
            Pair(split, picture.relative_to(folder).as_posix(), picture, label)
            for label, picture in found.items()
        ]
    return pairs
