"""Picture files → their pixels, or only their size."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from stream.picture_file import decoded

SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"}

_ORIENTATION = 0x0112
_ON_ITS_SIDE = {5, 6, 7, 8}
_TIFF = {".tif", ".tiff"}
"""What Pillow calls the size of one that is turned depends on Pillow's version."""


def read(path: Path) -> NDArray[np.uint8]:
    """(H, W, 3) BGR, turned as its EXIF says. Raises ValueError if it is missing or no picture."""
    if not path.is_file():
        raise ValueError(f"there is no picture {path}")
    image: NDArray[np.uint8] | None = decoded(path)
    if image is None:
        raise ValueError(f"{path} is not a picture that can be read")
    return image


def size_hw(path: Path) -> tuple[int, int]:
    """Height and width of what `read` would give, from the file's header alone.

    Raises ValueError if it is missing or no picture.
    """
    if not path.is_file():
        raise ValueError(f"there is no picture {path}")
    if path.suffix.lower() in _TIFF:
        return read(path).shape[:2]
    try:
        with Image.open(path) as image:
            width, height = image.size
            turned = image.getexif().get(_ORIENTATION) in _ON_ITS_SIDE
    except (OSError, SyntaxError) as error:  # what Pillow says of a broken PNG is a SyntaxError
        raise ValueError(f"{path} is not a picture that can be read") from error
    return (width, height) if turned else (height, width)
