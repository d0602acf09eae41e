"""Sources: where frames come from; one file a kind, each with `open_source(target) -> Source`."""

from __future__ import annotations

import importlib
from pathlib import Path

from stream.frame import Source

PICTURES = frozenset(
    {".bmp", ".jfif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"},
)
"""Endings of the files that are read as stills."""

UNREAD = frozenset({".avif", ".heic", ".heif", ".hif"})
"""Endings of pictures that are not: phones and new cameras write them."""


def open_source(target: str) -> Source:
    """What the user named → frames. Raises SourceError if there is nothing to read.

    Cameras are not named this way: `stream.sources.camera.open_source` opens them.
    """
    # Imported when it is used: a folder of pictures should not wait for FFmpeg to load.
    module = importlib.import_module(f"stream.sources.{_kind(target)}")
    source: Source = module.open_source(target)
    return source


def _kind(target: str) -> str:
    """The module that opens a target. What exists is a file, whatever its name looks like."""
    path = Path(target)
    if path.is_dir() or (path.suffix.lower() in PICTURES and "://" not in target):
        return "images"
    if path.exists() or "://" in target:
        return "video"
    if target.startswith("synth:"):
        return "synthetic"
    return "images" if any(mark in target for mark in "*?[") else "video"
