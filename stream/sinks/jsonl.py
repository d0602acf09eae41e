"""Results → JSON lines, one a frame, UTF-8, as the README documents them: a file, or stdout."""

from __future__ import annotations

import json
import math
import select
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from engines.spec import ModelSpec
from stream.frame import STDOUT, Finished, Result, checked_output
from stream.process import is_of_no_reader

if TYPE_CHECKING:
    from stream.planes import Planes


_UNTEXT = "backslashreplace"
"""A name's bytes that are not UTF-8 are lone surrogates, which JSON writes as \\udcXX."""


def open_sink(path: Path, spec: ModelSpec, *, live: bool = False, alone: bool = True) -> JsonLines:
    """A path, or `STDOUT` → a sink that writes there. Raises OSError if it cannot be written.

    With `live`, a frame without media time is given the seconds since the first. `alone`: nothing
    else is written, so the run may end once nobody reads on.
    """
    to = 1 if path == STDOUT else checked_output(path)
    # without a buffer, which would be written again, and waited for, when it is closed
    file = open(to, "wb", buffering=0, closefd=path != STDOUT)  # noqa: SIM115 - the sink closes it
    name = "standard output" if path == STDOUT else str(path)
    return JsonLines(file, name, spec.keypoints, live=live, alone=alone)


class JsonLines:
    """Each result → a line, whole in the file once `write` returns."""

    wants_picture = False

    def __init__(
        self, file: FileIO, name: str, keypoints: tuple[str, ...], *, live: bool, alone: bool
    ) -> None:
        self._name = name
        self._keypoints = keypoints
        self._live = live
        self._alone = alone
        self._unread = False
        self._begin_s: float | None = None
        self._file = file

    def write(self, result: Result, picture: NDArray[np.uint8] | Planes | None = None) -> None:
        """Write one line; the picture is not looked at.

        Once nobody reads on it writes no more, and alone it raises Finished. Raises OSError with
        the file's name where a line cannot be kept.
        """
        del picture
        if self._unread:
            return
        line = as_line(result, self._keypoints, self._time_s(result)) + "\n"
        try:
            self._put(line.encode("utf-8", _UNTEXT))
        except OSError as error:
            if not is_of_no_reader(error):
                raise self._cannot(error) from error
            self._unread = True  # as by `head` once it has its lines
            if self._alone:
                raise Finished from error

    def close(self) -> None:
        """Close the file. Raises OSError with its name if what is left cannot be written."""
        try:
            self._file.close()
        except OSError as error:
            raise self._cannot(error) from error

    def _put(self, line: bytes) -> None:
        """Write all of it: a pipe may take a part, or nothing if a process beside made it so."""
        left = memoryview(line)
        while left:
            taken = self._file.write(left)
            if taken is None:
                select.select([], [self._file], [])
            left = left[taken or 0 :]

    def _cannot(self, error: OSError) -> OSError:
        """What the system says, with the file that it does not name."""
        return OSError(f"cannot write {self._name}: {error.strerror or error}")

    def _time_s(self, result: Result) -> float | None:
        frame = result.frame
        if frame.pts_s is not None or not self._live:
            return frame.pts_s
        if self._begin_s is None:
            self._begin_s = frame.captured_s
        return frame.captured_s - self._begin_s


def as_line(result: Result, keypoints: tuple[str, ...], time_s: float | None) -> str:
    """A result → its JSON, without the line's end. What is NaN is null."""
    count, frame = result.count, result.frame
    values = {
        "source": frame.source,
        "frame": frame.index,
        "time_s": _rounded(time_s, 6),
        "state": result.state,
        "cards": None if count is None else count.cards,
        "cards_mean": None if count is None else _rounded(count.median, 2),
        "cards_low": None if count is None else count.low,
        "cards_high": None if count is None else count.high,
        "doubt": result.doubt,
        "score": _rounded(result.score, 4),
        "keypoints": _points(result, keypoints),
        "latency_ms": {stage: _rounded(s * 1e3, 3) for stage, s in result.stages_s.items()},
    }
    return json.dumps(values, ensure_ascii=False, allow_nan=False)


def _points(result: Result, keypoints: tuple[str, ...]) -> list[dict[str, Any]]:
    """The packet's keypoints by name, in the model's order; empty without a packet."""
    packet = result.packet
    if packet is None:
        return []
    return [
        {
            "name": name,
            "x": _rounded(float(x), 2),
            "y": _rounded(float(y), 2),
            "score": _rounded(float(score), 4),
            "visible": bool(visible),
        }
        for name, (x, y), score, visible in zip(
            keypoints, packet.xy, packet.score, packet.visible, strict=True
        )
    ]


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None or not math.isfinite(value) else round(float(value), digits)
