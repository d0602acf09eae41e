"""LabelMe JSON → instances with named keypoints.

A shape of type `point` is a keypoint, its label the keypoint's name; shapes of one group_id are one
instance, of which a `rectangle` is the box; shapes without one are an instance together. LabelMe
counts from the picture's corner: the first pixel's centre is at 0.5, 0.5.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from train import pictures
from train.label_files.described import Described
from train.label_files.names import mirrored
from train.label_files.pairs import Pair
from train.label_files.placed_json import JsonFile
from train.label_files.wrong import LabelError, Skipping, at, check_inside, check_size, number
from train.labels import Floats, Keypoints, Labelled


@dataclass(frozen=True, slots=True, eq=False)
class _Shape:
    index: int  # in the file's list of shapes
    label: str
    group: object  # its group_id
    xy: Floats  # (1, 2) a point's place, (2, 2) a rectangle's corners, in LabelMe's count

    @property
    def is_point(self) -> bool:
        return len(self.xy) == 1


def read(
    pairs: Sequence[Pair], described: Described, skipping: Skipping
) -> tuple[Keypoints, list[tuple[str, Labelled]]]:
    """Pairs → the keypoints of kpt_names, else all labels that occur, by name; and the pictures.

    Where there is one label only, every point without group_id is an instance of its own.
    A picture with nothing on it has a file without shapes; without a file it is a LabelError.
    """
    files: list[tuple[Pair, list[_Shape]]] = []
    for pair in pairs:
        with skipping:
            files.append((pair, _shapes(pair, described.names)))
    found = {shape.label for _, shapes in files for shape in shapes if shape.is_point}
    names = described.names or tuple(sorted(found)) or ("point",)
    if described.count not in (None, len(names)):
        raise ValueError(
            f"data.yaml says {described.count} keypoints in kpt_shape, and the labels have "
            f"{len(names)}, {', '.join(names)}: name all of them in kpt_names"
        )
    labelled = []
    for pair, shapes in files:
        with skipping:
            labelled.append((pair.split, _labelled(pair, shapes, names)))
    return Keypoints(names, described.edges, described.flip or mirrored(names)), labelled


def _shapes(pair: Pair, names: tuple[str, ...] | None) -> list[_Shape]:
    """A label file's shapes, each found to lie in the picture."""
    if not pair.label.is_file():
        raise LabelError(
            pair.label, 1, f"there is no such file for {pair.name}; with no shapes = nothing on it"
        )
    file = JsonFile(pair.label)
    with at(pair.label):
        entries = file.list_of("shapes")
        hw = _size_hw(file, pair)
    shapes = []
    for index, entry in enumerate(entries):
        with file.at("shapes", index):
            shape = _shape(index, entry)
            if shape.is_point and names is not None and shape.label not in names:
                raise ValueError(f"no keypoint is called {shape.label!r}; there are {names}")
            check_inside(shape.xy - 0.5, hw, [shape.label] * 2)
            shapes.append(shape)
    return shapes


def _size_hw(file: JsonFile, pair: Pair) -> tuple[int, int]:
    """The picture's size. Raises ValueError if the file says another."""
    hw = pictures.size_hw(pair.picture)
    check_size([file.value.get(key) for key in ("imageHeight", "imageWidth")], hw)
    return hw


def _shape(index: int, entry: dict[str, Any]) -> _Shape:
    kind, wanted = entry["shape_type"], {"point": 1, "rectangle": 2}
    if kind not in wanted:
        raise ValueError(f"wanted a point, or a rectangle about its group, got a {kind}")
    xy = np.array([[number(value) for value in point] for point in entry["points"]])
    if xy.shape != (wanted[kind], 2):
        raise ValueError(f"a {kind} has {wanted[kind]} of x, y, got {entry['points']}")
    return _Shape(index, str(entry["label"]), entry.get("group_id"), xy)


def _labelled(pair: Pair, shapes: Sequence[_Shape], names: tuple[str, ...]) -> Labelled:
    instances: dict[object, int] = {}
    xy = np.full((len(shapes), len(names), 2), np.nan)
    boxes = np.full((len(shapes), 4), np.nan)
    for shape in shapes:
        lone = len(names) == 1 and shape.group is None
        key = ("alone", shape.index) if lone else shape.group
        i = instances.setdefault(key, len(instances))
        place = xy[i, names.index(shape.label)] if shape.is_point else boxes[i]
        if np.isfinite(place).any():
            kind = repr(shape.label) if shape.is_point else "rectangle"
            line = JsonFile(pair.label).line("shapes", shape.index)
            raise LabelError(pair.label, line, f"a second {kind} in one group: use group_id")
        low, high = shape.xy.min(axis=0), shape.xy.max(axis=0)
        place[:] = low - 0.5 if shape.is_point else [*low, *(high - low)]
    n = len(instances)
    return Labelled.of(pair.name, pair.picture, xy[:n], boxes=boxes[:n])
