"""OpenCV kept from printing what a caller says in one line of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from cv2.utils import logging


@contextmanager
def quiet_opencv() -> Iterator[None]:
    """Nothing of OpenCV's on stderr inside; afterwards as loud as before."""
    loudness = logging.getLogLevel()
    logging.setLogLevel(logging.LOG_LEVEL_SILENT)
    try:
        yield
    finally:
        logging.setLogLevel(loudness)
