"""A folder, a glob or one file → stills, each judged alone, in sorted order."""

from __future__ import annotations

import glob
import logging
import os
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from stream.exif import focal_35mm
from stream.frame import Frame, SourceError, SourceInfo
from stream.picture_file import decoded
from stream.sources import PICTURES, UNREAD

_log = logging.getLogger("kpstream")


def open_source(target: str) -> ImageSource:
    """Path or pattern → its pictures. Raises SourceError if there are none."""
    names = _names(target)
    paths = _pictures(names)
    if unread := _of_kind(names, UNREAD):
        text = "left out %d pictures of a kind that is not read here, from %s on: save them as JPEG"
        _log.warning(text, len(unread), unread[0])
    if not paths:
        raise SourceError(_nothing(target, names))
    return ImageSource(target, paths)


def pictures(target: str) -> list[str]:
    """Path or pattern → the pictures that would be read, sorted; none where it names none."""
    return _pictures(_names(target))


def _names(target: str) -> list[str]:
    """All that a folder shows, that is a file, or that matches a pattern."""
    if Path(target).is_dir():
        # a hidden ._a.jpg, which macOS lays beside a.jpg, is no picture
        shown = (name for name in os.listdir(target) if not name.startswith("."))  # noqa: PTH208 - as the user spelt it
        return [os.path.join(target, name) for name in shown]  # noqa: PTH118 - as above
    if Path(target).exists():
        return [target]
    return glob.glob(target, recursive=True)  # noqa: PTH207 - as the user spelt it


def _pictures(names: list[str]) -> list[str]:
    return _of_kind(names, PICTURES)


def _of_kind(names: list[str], endings: frozenset[str]) -> list[str]:
    return sorted(name for name in names if Path(name).suffix.lower() in endings)


def _nothing(target: str, names: list[str]) -> str:
    kinds = ", ".join(sorted(PICTURES))
    if Path(target).is_dir():
        return f"the folder {target} holds no picture ({kinds})"
    if names:
        return f"{target} matches {len(names)} files but no picture ({kinds})"
    if glob.has_magic(target):
        return f"no file matches {target}; is the path right?"
    return f"no such file: {target}"


class ImageSource:
    """Picture files → frames. Reads one at a time; one that cannot be read is named and skipped."""

    def __init__(self, target: str, paths: list[str]) -> None:
        self._paths = paths
        self._closed = False
        self.info = SourceInfo(name=target, stills=True, frames=len(paths))

    def __iter__(self) -> Iterator[Frame]:
        """Frames in the order of their paths. Raises SourceError if not one could be read."""
        index = 0
        for path in self._paths:
            if self._closed:
                return
            image = _read(path)
            if image is None:
                if len(self._paths) > 1:
                    _log.warning("skipped %s: it is not a picture that can be read", path)
                continue
            yield Frame(image, index, time.perf_counter(), None, path, focal_35mm(Path(path)))
            index += 1
        if index == 0 and not self._closed:
            raise SourceError(_all_broken(self._paths))

    def close(self) -> None:
        """End before the next picture."""
        self._closed = True


def _all_broken(paths: list[str]) -> str:
    if len(paths) == 1:
        return f"{paths[0]} is not a picture that can be read"
    return f"none of {len(paths)} pictures can be read, from {paths[0]} on"


def _read(path: str) -> NDArray[np.uint8] | None:
    """A picture file → (H, W, 3) BGR, turned as its EXIF says; None if it cannot be read."""
    try:
        return decoded(path)
    except OSError:
        return None
