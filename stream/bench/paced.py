"""A camera without a camera: pictures that are ready, each given at its moment."""

from __future__ import annotations

import time
from array import array
from collections.abc import Callable, Iterator
from threading import Event

import numpy as np
from numpy.typing import NDArray

from stream.frame import Frame, SourceInfo


def to_and_fro(index: int, count: int) -> int:
    """Frame number → which of `count` pictures: forwards and backwards without end, no jump."""
    if count == 1:
        return 0
    step = index % (2 * count - 2)
    return min(step, 2 * count - 2 - step)


class PacedCamera:
    """Pictures (N, H, W, 3) BGR uint8 → frames of a live source, frame i at start + i / fps.

    That moment is its `captured_s`, so the age of a frame holds all that came late. Like a camera
    it waits for nobody: frames whose successor is due too are never given (their indices are
    missing). It says what it was itself to blame for: `late_s`, of each frame given how long after
    its moment, and `skipped`, the indices never given. `clock` and `wait` are that of frames and a
    sleep of so many seconds, which says whether the camera was closed meanwhile.
    """

    def __init__(
        self,
        pictures: NDArray[np.uint8],
        fps: float,
        *,
        clock: Callable[[], float] = time.perf_counter,
        wait: Callable[[float], bool] | None = None,
    ) -> None:
        self._pictures = pictures
        self._fps = fps
        self._closed = Event()
        self._clock = clock
        self._wait = wait or self._closed.wait
        self.pictures_bytes = pictures.nbytes
        height, width = pictures.shape[1:3]
        self.late_s: array[float] = array("d")
        self.skipped: array[int] = array("q")
        self.info = SourceInfo(
            f"paced camera {width}x{height} at {fps:g} fps",
            live=True,
            size_hw=(height, width),
            fps=fps,
        )

    def __iter__(self) -> Iterator[Frame]:
        """Frames until closed."""
        start_s, index = self._clock(), 0
        while not self._closed.is_set():
            ahead_s = start_s + index / self._fps - self._clock()
            if ahead_s > 0 and self._wait(ahead_s):
                return
            now_s = self._clock()
            newest = max(index, int((now_s - start_s) * self._fps))
            self.skipped.extend(range(index, newest))
            due_s = start_s + newest / self._fps
            self.late_s.append(now_s - due_s)
            picture = self._pictures[to_and_fro(newest, len(self._pictures))]
            yield Frame(picture, newest, due_s, None, self.info.name)
            index = newest + 1

    def close(self) -> None:
        """End before the next frame; a wait for its moment ends at once."""
        self._closed.set()
