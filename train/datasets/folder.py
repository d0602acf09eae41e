"""A folder of one's own: train|val|test/{images,labels} → keypoints, a label file for each picture.

{images,labels}/train|val|test is as good, and valid is val: as Ultralytics, CVAT, Roboflow write.
Labels are LabelMe's JSON, YOLO-pose text or plain `x y` lines (`train/label_files`). A data.yaml in
the folder may name the keypoints, as Ultralytics has it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from train.label_files import described, labelme, pairs, points, yolo
from train.label_files.text import first_lines
from train.label_files.wrong import Skipping
from train.labels import SPLITS, Dataset, Labelled

_DESCRIPTION = "data.yaml"


def read(folder: Path, *, skip_bad: bool = False) -> Dataset:
    """The folder → its splits. One kind of label for all: JSON if there is any, else text."""
    places = [both for split in SPLITS for both in pairs.places(folder, split)]
    if not any(images.is_dir() for images, _ in places):
        raise FileNotFoundError(
            f"no train/images nor images/train in {folder} (nor of val or test): pictures belong "
            "there, and their labels in train/labels or labels/train"
        )
    skipping = Skipping(skip_bad)
    description = described.read(folder / _DESCRIPTION)
    is_json = any(next(labels.rglob("*.json"), None) for _, labels in places)
    found = pairs.read(folder, ".json" if is_json else ".txt", skipping)
    splits: dict[str, list[Labelled]] = {split: [] for split in SPLITS}
    kind = labelme if is_json else yolo if _has_boxes(found, description) else points
    keypoints, labelled = kind.read(found, description, skipping)
    for split, one in labelled:
        splits[split].append(one)
    return Dataset(keypoints, splits, skipping.lines)


def _has_boxes(found: Sequence[pairs.Pair], description: described.Described) -> bool:
    """Whether text is YOLO's: kpt_shape says so, or most first lines have more than two columns."""
    if description.count is not None:
        return True
    sizes = Counter(len(words) for _, words in first_lines([pair.label for pair in found]))
    return bool(sizes) and sizes.most_common(1)[0][0] > 2
