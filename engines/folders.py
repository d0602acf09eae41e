"""This program's own folders among the user's: what it may build again, and what it was told."""

from __future__ import annotations

import os
import sys
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
