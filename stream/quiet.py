"""OpenCV kept from printing what a caller says in one line of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import cv2

_SILENT = 0


@contextmanager
def quiet_opencv() -> Iterator[None]:
    """Nothing of OpenCV's on stderr inside; afterwards as loud as before."""
    log: Any = getattr(cv2.utils, "logging", cv2)  # there in OpenCV 5, here in 4
    loudness = log.getLogLevel()
    log.setLogLevel(_SILENT)
    try:
        yield
    finally:
        log.setLogLevel(loudness)
