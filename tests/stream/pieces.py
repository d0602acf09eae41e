"""A source and a sink of a few lines each, real ones, and a model file without a model."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engines.fake import paint
from engines.spec import METADATA_KEY, ModelSpec
from stream.frame import Frame, Result, SourceInfo
from stream.packet import EDGES, FLIP, KEYPOINTS, MAX_CARDS

SPEC = ModelSpec("markers", KEYPOINTS, EDGES, FLIP, (64, 64), 4, 3.0, MAX_CARDS)

CORNERS = np.array(
    [(40, 20), (93, 20), (30, 30), (83, 30), (40, 70), (93, 70), (30, 80), (83, 80)], float
)
"""Where the dots are in the picture of `Dots`, (x, y) px."""

PICTURE = paint(np.full((96, 128, 3), 90, np.uint8), CORNERS, 4.0)
PICTURE.flags.writeable = False


class Dots:
    """A picture with eight dots, `count` times, one every `pause_s`; raises `error` at the end."""

    def __init__(
        self,
        count: int,
        *,
        live: bool = False,
        pause_s: float = 0.0,
        error: BaseException | None = None,
        stuck: bool = False,
    ) -> None:
        size = (PICTURE.shape[0], PICTURE.shape[1])
        self.info = SourceInfo("dots", live=live, size_hw=size, fps=30.0, frames=count)
        self._count = count
        self._pause_s = pause_s
        self._error = error
        self._stuck = stuck
        self._closing = threading.Event()
        self.read = 0
        self.closed = 0

    def __iter__(self) -> Iterator[Frame]:
        for index in range(self._count):
            time.sleep(self._pause_s)
            self.read += 1
            yield Frame(PICTURE, index, time.perf_counter(), index / 30, "dots")
        if self._error is not None:
            raise self._error
        if self._stuck:
            self._closing.wait()

    def close(self) -> None:
        self.closed += 1
        self._closing.set()


class Taker:
    """Keeps what it is given; slow, failing or satisfied after some, as asked."""

    def __init__(
        self,
        *,
        wants_picture: bool = False,
        pause_s: float = 0.0,
        error: BaseException | None = None,
        after: int = 0,
        close_error: Exception | None = None,
    ) -> None:
        self.wants_picture = wants_picture
        self.results: list[Result] = []
        self.pictures: list[NDArray[np.uint8] | None] = []
        self.closed = 0
        self._pause_s = pause_s
        self._error = error
        self._after = after
        self._close_error = close_error

    def write(self, result: Result, picture: NDArray[np.uint8] | None) -> None:
        if self._error is not None and len(self.results) == self._after:
            raise self._error
        time.sleep(self._pause_s)
        self.results.append(result)
        self.pictures.append(picture)

    def close(self) -> None:
        self.closed += 1
        if self._close_error is not None:
            raise self._close_error

    @property
    def indices(self) -> list[int]:
        return [result.frame.index for result in self.results]


def write_spec(path: Path, spec: ModelSpec = SPEC) -> Path:
    """An ONNX file with an empty graph that describes itself: enough for the fake engine."""
    entry = _field(1, METADATA_KEY.encode()) + _field(2, spec.to_json().encode())
    path.write_bytes(_field(7, b"") + _field(14, entry))
    return path


def _field(number: int, payload: bytes) -> bytes:
    """A length-delimited protobuf field."""
    size = len(payload)
    length = bytes([size]) if size < 128 else bytes([size & 127 | 128, size >> 7])
    return bytes([number << 3 | 2]) + length + payload
