"""A photograph's file → the focal length that its camera wrote into it.

JPEG files only: a chain of segments, of which the one called Exif holds a small TIFF file, whose
first directory points at the directory of the exposure (EXIF 2.3, section 4.5 and 4.6).
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import BinaryIO

_EXPOSURE = 0x8769  # the tag of the pointer
_FOCAL_35MM = 0xA405  # FocalLengthIn35mmFilm
_SHORT, _LONG = 3, 4  # how a value is stored
_APP1, _SCAN = 0xE1, 0xDA


def focal_35mm(path: Path) -> float | None:
    """A picture's file → focal length in mm, as if on 35 mm film; None where it does not say.

    Raises OSError for a file that cannot be read.
    """
    with path.open("rb") as file:
        tiff = _exif(file)
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None:
        return None
    try:
        (first,) = struct.unpack_from(order + "I", tiff, 4)
        exposure = _entry(tiff, order, first, _EXPOSURE)
        focal = _entry(tiff, order, exposure, _FOCAL_35MM) if exposure else None
    except struct.error:  # it points beyond its own end
        return None
    return float(focal) if focal else None  # 0 stands for unknown


def _exif(file: BinaryIO) -> bytes:
    """A JPEG file → the TIFF file within; empty where there is none."""
    if file.read(2) != b"\xff\xd8":
        return b""
    while len(head := file.read(4)) == 4 and head[0] == 0xFF and head[1] != _SCAN:
        segment = file.read(max(0, int.from_bytes(head[2:], "big") - 2))
        if head[1] == _APP1 and segment[:6] == b"Exif\0\0":
            return segment[6:]
    return b""


def _entry(tiff: bytes, order: str, directory: int, wanted: int) -> int | None:
    """The number that a directory holds under a tag; struct.error where it is cut off."""
    (count,) = struct.unpack_from(order + "H", tiff, directory)
    for at in range(directory + 2, directory + 2 + 12 * count, 12):
        tag, kind, _ = struct.unpack_from(order + "HHI", tiff, at)
        if tag == wanted and kind in {_SHORT, _LONG}:
            form = "H" if kind == _SHORT else "I"
            return int(struct.unpack_from(order + form, tiff, at + 8)[0])
    return None
