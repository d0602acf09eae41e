"""A camera → the newest frames that it gives."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from threading import Lock
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from stream.frame import Frame, SourceError, SourceInfo
from stream.quiet import quiet_opencv

READ_TIMEOUT_S = 2
"""A read cannot be broken off, only time out: `close` has to wait this long for a dead camera."""

_REMEDY = "is one plugged in, free, and allowed to be seen (a Mac asks: say yes, and run it again)?"


def open_source(target: str) -> CameraSource:
    """Index or device path → an open camera. Raises SourceError if none gives a picture."""
    os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", str(READ_TIMEOUT_S))
    with quiet_opencv():  # it has a line for each backend that it tries
        device = cv2.VideoCapture(int(target) if target.isdecimal() else target)
        return CameraSource(device, target)


class CameraSource:
    """An opened camera → frames. `close` may come from another thread."""

    def __init__(self, device: cv2.VideoCapture, target: str) -> None:
        self._device = device
        self._name = f"camera {target}" if target.isdecimal() else target
        self._closed = False
        self._reading = Lock()
        device.set(cv2.CAP_PROP_BUFFERSIZE, 1)  # an older picture is never wanted
        self._first = self._read(0) if device.isOpened() else None
        if self._first is None:
            device.release()
            raise SourceError(f"{self._name} gives no picture: {_REMEDY}")
        height, width = self._first.hw
        fps = device.get(cv2.CAP_PROP_FPS)
        self.info = SourceInfo(
            name=self._name, live=True, size_hw=(height, width), fps=fps if fps > 0 else None
        )

    def __iter__(self) -> Iterator[Frame]:
        """Frames until closed. Raises SourceError when the camera stops giving them."""
        try:
            frame, self._first, index = self._first, None, 0
            while frame is not None:
                yield frame
                index += 1
                with self._reading:
                    frame = None if self._closed else self._read(index)
            if not self._closed:
                raise SourceError(f"{self._name} stopped after {index} frames: was it unplugged?")
        finally:
            self.close()

    def close(self) -> None:
        """Give the camera back, or have the reading thread do so: OpenCV must not do both."""
        self._closed = True
        if self._reading.acquire(blocking=False):
            try:
                self._device.release()
            finally:
                self._reading.release()

    def _read(self, index: int) -> Frame | None:
        if not self._device.grab():
            return None
        captured_s = time.perf_counter()
        got, image = self._device.retrieve()
        if not got:
            return None
        return Frame(cast("NDArray[np.uint8]", image), index, captured_s, None, self._name)
