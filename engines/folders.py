"""This program's own folders among the user's: what it may build again, and what it was told."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

_PLACES = {
    "cache": {
        "win32": ("LOCALAPPDATA", "AppData/Local"),
        "darwin": ("", "Library/Caches"),
        "": ("XDG_CACHE_HOME", ".cache"),
    },
    "config": {
        "win32": ("APPDATA", "AppData/Roaming"),
        "darwin": ("", "Library/Application Support"),
        "": ("XDG_CONFIG_HOME", ".config"),
    },
}
"""By platform the variable that names the user's folder, and where it is in a home otherwise."""


def own_folder(kind: Literal["cache", "config"]) -> Path:
    """The program's folder of a kind, which need not exist yet.

    Raises OSError where the user has no home.
    """
    places = _PLACES[kind]
    variable, usual = places.get(sys.platform, places[""])
    named = Path(os.environ.get(variable, ""))
    # a relative path would be another folder in every working directory
    if named.is_absolute():
        return named / "kpstream"
    try:
        return Path.home() / usual / "kpstream"
    except RuntimeError as error:
        remedy = f"Set XDG_{kind.upper()}_HOME or HOME"
        raise OSError(f"no {kind} folder: {error} {remedy}") from error


def put(path: Path, pieces: Iterable[bytes]) -> None:
    """Bytes → a file of its owner's alone: it is there whole, or as it was before. Raises OSError.

    It is written beside its place and then put there; a link that stands there is replaced.
    """
    number, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    part = Path(name)
    try:
        with os.fdopen(number, "wb") as file:
            file.writelines(pieces)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
