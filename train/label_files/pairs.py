"""train|val|test/{images,labels} → pictures, each with the label file of the same name."""

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


def read(folder: Path, ending: str, skipping: Skipping) -> list[Pair]:
    """The pairs of all splits by name. LabelError for a label file that no picture belongs to."""
    pairs = []
    for split in SPLITS:
        images, labels = folder / split / "images", folder / split / "labels"
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
