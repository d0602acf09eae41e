"""COCO keypoints JSON → instances of one category, with boxes, areas and visibility.

What CVAT, Label Studio and others export. Names and skeleton are the category's own (its edges
count from 1); a keypoint with visibility 0 is not labelled, with 1 hidden. A crowd is no instance,
and what is found in it is not judged; a picture without annotation shows nothing. Keypoints are
pixel indices, boxes are counted from pixels' edges (cocodataset.org/#format-data).
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from train import pictures
from train.label_files.names import mirrored, numbered
from train.label_files.placed_json import JsonFile
from train.label_files.wrong import Skipping, at, check_inside, check_size, number
from train.labels import SPLITS, Dataset, Floats, Keypoints, Labelled, in_order

PERSON = (
    *("nose", "left_eye", "right_eye", "left_ear", "right_ear"),
    *("left_shoulder", "right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist"),
    *("left_hip", "right_hip", "left_knee", "right_knee", "left_ankle", "right_ankle"),
)
PERSON_SIGMAS = (
    *(0.026, 0.025, 0.025, 0.035, 0.035, 0.079, 0.079, 0.072, 0.072, 0.062, 0.062),
    *(0.107, 0.107, 0.087, 0.087, 0.089, 0.089),
)
"""OKS sigmas of PERSON, as COCO measured them (cocodataset.org/#keypoints-eval)."""

_SPLIT = re.compile(r"(?<![a-z])(train|val|test)(?:id|idation|ing)?(?![a-z])")


def read(folder: Path, *, category: str | None = None, skip_bad: bool = False) -> Dataset:
    """A JSON file, or a folder with some in it or one below → their pictures by split.

    A file with train, val or test in its path below the folder is that split; any other is cut
    80-10-10 in its order. Of a folder's files those with "keypoints" in the name are taken, if
    there are any. Without `category` all that have the same keypoints are taken as one.
    """
    skipping = Skipping(skip_bad)
    splits: dict[str, list[Labelled]] = {split: [] for split in SPLITS}
    every: Keypoints | None = None
    root = folder if folder.is_dir() else folder.parent
    for path in annotation_files(folder):
        annotations = Annotations(path, root, category, skipping)
        if every is not None and annotations.keypoints.names != every.names:
            with at(path):
                raise ValueError(f"other keypoints than the file before: {every.names}")
        every = annotations.keypoints
        labelled = annotations.labelled(skipping)
        split = _SPLIT.search(path.relative_to(root).as_posix().lower())
        parts = {split[1]: labelled} if split else in_order(labelled, 0.8, 0.1)
        for name, part in parts.items():
            splits[name] += part
    assert every is not None  # noqa: S101 - there is a file, or annotation_files raised
    return Dataset(every, splits, skipping.lines)


def annotation_files(folder: Path) -> list[Path]:
    """The JSON files of a folder and of the folders in it; a file is itself."""
    if folder.is_file():
        return [folder]
    found = sorted([*folder.glob("*.json"), *folder.glob("*/*.json")])
    if not found:
        raise FileNotFoundError(f"no .json in {folder}, nor in a folder in it: name a COCO file")
    return [path for path in found if "keypoints" in path.stem] or found


class _Instance(NamedTuple):
    place: int  # in the file's list of annotations
    entry: dict[str, Any]


class Annotations:
    """One COCO file: the keypoints of a category, and its pictures. Raises LabelError."""

    def __init__(self, path: Path, root: Path, category: str | None, skipping: Skipping) -> None:
        self._file = JsonFile(path)
        self._folders = _picture_folders(path, root)
        self._root = root
        with at(path):
            self._images = self._file.list_of("images")
            self._entries = self._file.list_of("annotations")
            self._categories = self._file.list_of("categories")
        first, self._ids = self._chosen(category)
        self.keypoints = self._keypoints(first, skipping)

    def _chosen(self, category: str | None) -> tuple[int, set[int]]:
        """The first category's index in the file, and the ids of all that are read."""
        with self._file.at("categories"):
            of_name = {c["name"]: i for i, c in enumerate(self._categories)}
            if category is not None:
                if category not in of_name:
                    raise ValueError(f"no category is called {category!r}; there are {[*of_name]}")
                index = of_name[category]
                return index, {self._categories[index]["id"]}
            named = [i for i, c in enumerate(self._categories) if c.get("keypoints")]
            if not named and len(self._categories) == 1:
                return 0, {self._categories[0]["id"]}
            kinds = {tuple(self._categories[i]["keypoints"]) for i in named}
            if len(kinds) != 1:
                raise ValueError(
                    f"{len(kinds)} categories have keypoints of their own: name one of {[*of_name]}"
                )
            return named[0], {self._categories[i]["id"] for i in named}

    def _keypoints(self, index: int, skipping: Skipping) -> Keypoints:
        """The category's; without names as many as its annotations have."""
        category = self._categories[index]
        with self._file.at("categories", index):
            names = tuple(str(name) for name in category.get("keypoints") or ())
            if not names:
                counts = [len(e.get("keypoints") or ()) // 3 for e in self._entries]
                names = numbered(max(counts, default=0))
            if not names:
                raise ValueError("neither it nor any annotation has keypoints")
            sigmas = PERSON_SIGMAS if names == PERSON else None
            keypoints = Keypoints(names, (), mirrored(names), sigmas)
        with skipping, self._file.at("categories", index):
            edges = tuple((int(a) - 1, int(b) - 1) for a, b in category.get("skeleton") or ())
            if any(min(edge) < 0 for edge in edges):
                raise ValueError(f"a skeleton counts from 1, got {category['skeleton']}")
            return replace(keypoints, edges=edges)
        return keypoints  # a skeleton that was skipped only goes undrawn

    def labelled(self, skipping: Skipping) -> list[Labelled]:
        """The file's pictures in its order."""
        places: dict[Any, int] = {}
        for index, image in enumerate(self._images):
            with skipping, self._file.at("images", index):
                if image["id"] in places:
                    raise ValueError(f"a second picture has the id {image['id']}")
                places[image["id"]] = index
        instances: dict[Any, list[_Instance]] = defaultdict(list)
        for index, entry in enumerate(self._entries):
            with skipping, self._file.at("annotations", index):
                if entry["image_id"] not in places:
                    raise ValueError(f"no picture has the id {entry['image_id']}")
                if entry["category_id"] in self._ids:
                    instances[entry["image_id"]].append(_Instance(index, entry))
        found = []
        for key, index in places.items():
            with skipping:
                found.append(self._picture(index, instances[key]))
        return found

    def _picture(self, index: int, every: list[_Instance]) -> Labelled:
        image = self._images[index]
        instances = [one for one in every if not one.entry.get("iscrowd")]
        crowds = [one for one in every if one.entry.get("iscrowd")]
        with self._file.at("images", index):
            path = self._path(image["file_name"])
            hw = pictures.size_hw(path)
            check_size((image.get("height"), image.get("width")), hw)
        n, k = len(instances), len(self.keypoints.names)
        xy, flags = np.full((n, k, 2), np.nan), np.zeros((n, k), np.uint8)
        boxes, areas = np.full((n, 4), np.nan), np.full(n, np.nan)
        for i, instance in enumerate(instances):
            entry = instance.entry
            with self._file.at("annotations", instance.place):
                xy[i], flags[i] = _points(entry, self.keypoints.names, hw)
                boxes[i], areas[i] = _box(entry), _area(entry)
        below = path.relative_to(self._root) if path.is_relative_to(self._root) else path
        name = below.as_posix()
        made = Labelled.of(name, path, xy, flags=flags, boxes=boxes, areas=areas)
        return replace(made, crowds=np.array([self._crowd(one) for one in crowds]).reshape(-1, 5))

    def _path(self, name: str) -> Path:
        """A picture's file by its name, which on Windows is written with backslashes."""
        for folder in self._folders:
            for path in (folder / name, folder / name.replace("\\", "/")):
                if path.is_file():
                    return path
        raise ValueError(f"there is no picture {name} in {self._root}")

    def _crowd(self, crowd: _Instance) -> list[float]:
        with self._file.at("annotations", crowd.place):
            box, area = _box(crowd.entry), _area(crowd.entry)
            if np.isnan(box).any():
                raise ValueError("a crowd needs its bbox")
            return [*box, box[2] * box[3] if np.isnan(area) else area]


def _picture_folders(path: Path, root: Path) -> list[Path]:
    """Where a file's pictures may be: beside it, in images/, in a folder that its name ends with.

    COCO has annotations/person_keypoints_val2017.json and val2017/, CVAT
    annotations/person_keypoints_default.json and images/default/.
    """
    near = [path.parent, path.parent / "images", root, root / "images"]
    return near + [f for top in (root, root / "images") for f in top.glob("*/") if _ends(path, f)]


def _ends(path: Path, folder: Path) -> bool:
    return folder.is_dir() and path.stem.endswith(folder.name)


def _points(
    entry: dict[str, Any], names: tuple[str, ...], hw: tuple[int, int]
) -> tuple[Floats, NDArray[np.uint8]]:
    """An annotation's keypoints → (K, 2) px and (K,) flags; none if it has only a box."""
    k = len(names)
    values = [number(value) for value in entry.get("keypoints") or [0] * 3 * k]
    if len(values) != 3 * k:
        raise ValueError(
            f"got {len(values)} numbers of keypoints, wanted {3 * k}: {k} times x, y, visibility"
        )
    table = np.array(values).reshape(k, 3)
    if wrong := set(table[:, 2]) - {0.0, 1.0, 2.0}:
        raise ValueError(f"visibility must be 0, 1 or 2, got {min(wrong):g}")
    xy = np.where(table[:, 2:] > 0, table[:, :2], np.nan)
    check_inside(xy, hw, names)
    return xy, table[:, 2].astype(np.uint8)


def _box(entry: dict[str, Any]) -> list[float]:
    box = [number(value) for value in entry.get("bbox") or ()]
    if not box:
        return [np.nan] * 4
    if len(box) != 4 or min(box[2:]) < 0:
        raise ValueError(f"a box must be x, y, width, height, got {box}")
    return box


def _area(entry: dict[str, Any]) -> float:
    area = np.nan if entry.get("area") is None else number(entry["area"])
    if area < 0:
        raise ValueError(f"an area must be 0 or more, got {area}")
    return area
