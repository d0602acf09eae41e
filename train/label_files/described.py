"""A folder's data.yaml → what it says of the keypoints; every part of it may be missing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

from train.label_files.names import mirrored, numbered
from train.label_files.wrong import LabelError, at
from train.labels import Keypoints


@dataclass(frozen=True, slots=True)
class Described:
    """The keys of a data.yaml that speak of keypoints, as Ultralytics has them, and `skeleton`.

    `columns` is 2 for x, y and 3 for x, y, visibility. `skeleton` are pairs that count from 0.
    """

    names: tuple[str, ...] | None = None  # kpt_names
    count: int | None = None  # kpt_shape
    columns: int | None = None
    flip: tuple[int, ...] | None = None  # flip_idx
    edges: tuple[tuple[int, int], ...] = ()  # skeleton

    def keypoints(self, count: int) -> Keypoints:
        """The K keypoints; without names they are numbered."""
        names = self.names or numbered(count)
        if len(names) != count:
            raise ValueError(f"wanted names for {count} keypoints, got {len(names)} in data.yaml")
        return Keypoints(names, self.edges, self.flip or mirrored(names))


def read(path: Path) -> Described:
    """The file → what it says; nothing if it is not there. Raises LabelError if it is wrong."""
    if not path.is_file():
        return Described()
    with at(path):
        text = path.read_text(encoding="utf-8")
    try:
        values = yaml.safe_load(text)
    except yaml.YAMLError as error:  # of two kinds: of its grammar, and of its characters
        mark = getattr(error, "problem_mark", None)
        what = getattr(error, "problem", None) or getattr(error, "reason", error)
        raise LabelError(path, mark.line + 1 if mark else 1, f"broken YAML, {what}") from error
    if not isinstance(values, dict):
        raise LabelError(path, 1, "wanted keys and values, as in kpt_shape: [17, 3]")
    found: dict[str, Any] = {}
    for key, reading in (
        ("kpt_shape", _shape),
        ("kpt_names", _names),
        ("flip_idx", _flip),
        ("skeleton", _edges),
    ):
        if values.get(key) is None:
            continue
        with at(path, _line(text, key)):
            try:
                found |= reading(values[key])
                described = Described(**found)
                if count := described.count or len(described.names or described.flip or ()):
                    described.keypoints(count)
            except (TypeError, IndexError) as error:
                raise ValueError(f"{key} is not of its kind, got {values[key]!r}") from error
    return Described(**found)


def _line(text: str, key: str) -> int:
    found = re.search(rf"^['\"]?{key}\b", text, re.MULTILINE)
    return text.count("\n", 0, found.start()) + 1 if found else 1


def _shape(value: Any) -> dict[str, Any]:
    count, columns = value
    if columns not in (2, 3) or not isinstance(count, int) or count < 1:
        raise ValueError(f"kpt_shape must be [K, 2] or [K, 3], got {value}")
    return {"count": count, "columns": columns}


def _names(value: Any) -> dict[str, Any]:
    """A list of names, or one for each class, of which the first's are taken."""
    names = next(iter(value.values())) if isinstance(value, dict) else value
    return {"names": tuple(str(name) for name in names)}


def _flip(value: Any) -> dict[str, Any]:
    return {"flip": tuple(int(i) for i in value)}


def _edges(value: Any) -> dict[str, Any]:
    return {"edges": tuple((int(a), int(b)) for a, b in value)}
