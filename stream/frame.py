"""The values that travel through the pipeline. Frozen; numpy only.

Pixels are BGR uint8. `xy` is (x right, y down) in pixels of the frame as it is shown, and integers
are pixel centres. What is absent is NaN, never (0, 0). The clock is `time.perf_counter`: that of
`time.monotonic` steps 64 times a second on Windows before Python 3.13, and recordings stutter.

Errors of kpstream's own, beside Python's:

    OSError      ← SourceError         nothing to read, or it broke off while being read
    ValueError   ← SpecError           a model file that is not ours (engines.spec)
    RuntimeError ← EngineUnavailable   a runtime that does not work here (engines.spec)
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from stream.planes import Planes

State = Literal["no_packet", "settling", "locked"]


class SourceError(OSError):
    """A source that cannot be opened or read; the message says what was wanted instead."""


class Finished(Exception):  # noqa: N818 - a wish, not a mistake
    """A sink has had enough: the run ends in good order, exit code 0."""


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One picture with its identity and its clock."""

    pixels: NDArray[np.uint8] | Planes  # (H, W, 3) BGR, or as decoded; never written to
    index: int  # capture counter from 0; a gap is a dropped frame
    captured_s: float  # time.perf_counter() when the driver or decoder returned it
    pts_s: float | None  # media time; None for a camera, for stills, and where nothing tells it
    source: str  # what the user named: the clip, the camera, the picture's path
    focal_35mm: float | None = None  # focal length in mm as if on 35 mm film, if the file says it

    @property
    def time_s(self) -> float:
        """Media time, or the clock where there is none."""
        return self.captured_s if self.pts_s is None else self.pts_s

    @property
    def image(self) -> NDArray[np.uint8]:
        """All of it (H, W, 3) in BGR; of planes, converted anew each time."""
        return self.pixels if isinstance(self.pixels, np.ndarray) else self.pixels.bgr()

    @property
    def hw(self) -> tuple[int, int]:
        """Height and width in pixels."""
        if isinstance(self.pixels, np.ndarray):
            return self.pixels.shape[0], self.pixels.shape[1]
        return self.pixels.hw

    def __repr__(self) -> str:
        return f"Frame({self.source!r}, {self.index=}, {self.pts_s=}, {self.hw=})"


@dataclass(frozen=True, slots=True)
class SourceInfo:
    """What can be said of a source before its first frame."""

    name: str
    live: bool = False  # the newest frame wins; otherwise not one may be lost
    stills: bool = False  # every frame is judged alone
    size_hw: tuple[int, int] | None = None  # as shown (rotation applied, square pixels)
    fps: float | None = None  # average rate
    frames: int | None = None  # how many are expected
    media: str | None = None  # the file or address whose sound a recording copies


class Source(Protocol):
    """Frames in order. Iterated once, from one thread; `close` may come from another."""

    @property
    def info(self) -> SourceInfo:
        """What can be said before the first frame."""

    def __iter__(self) -> Iterator[Frame]:
        """Frames as they come. Raises SourceError if reading breaks."""

    def close(self) -> None:
        """Give the device or file back and unblock a read that is stuck. May be called twice."""


@dataclass(frozen=True, slots=True, eq=False)
class Packet:
    """The keypoints of one packet in one frame."""

    xy: NDArray[np.float64]  # (K, 2) frame px; NaN = not found
    score: NDArray[np.float64]  # (K,) in [0, 1]: how sure the place is
    visible: NDArray[np.bool_]  # (K,) seen, not hidden behind the packet or a hand
    covariance: NDArray[np.float64] | None = None  # (K, 2, 2) px² of the place; None = by the score


@dataclass(frozen=True, slots=True)
class Count:
    """How many cards, with the doubt: the interval is meant to hold the truth 9 times in 10."""

    median: float
    low: int
    high: int

    @property
    def cards(self) -> int:
        """The nearest whole count."""
        return round(self.median)


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """What was found in one frame."""

    frame: Frame
    state: State
    packet: Packet | None  # None exactly when state is "no_packet"
    count: Count | None  # None without a packet, or when the model counts nothing
    score: float  # in [0, 1]: how sure it is that the packet is there
    stages_s: dict[str, float] = field(default_factory=dict)  # seconds spent, by stage
    doubt: str | None = None  # why the count is poor or missing, in one line


class Sink(Protocol):
    """Where results go. Called from one thread, in frame order."""

    wants_picture: bool  # whether `write` is handed the drawn picture

    def write(self, result: Result, picture: NDArray[np.uint8] | Planes | None) -> None:
        """Take one result; `picture` is the drawn frame, (H, W, 3) BGR or planes, if wanted."""

    def close(self) -> None:
        """Finish what was begun; afterwards the output is whole. May be called twice."""


OLD_S = 2.0
"""For so long there may be no result before the last one is said to be old."""


@runtime_checkable
class Attentive(Protocol):
    """What has something to do while no result comes, as a window has keys to heed."""

    def idle(self) -> None:
        """Called several times a second then. May raise Finished."""


STDOUT = Path("-")
"""What stands for standard output among files, as it does elsewhere."""


def checked_output(path: Path) -> Path:
    """The path of a file about to be written, perhaps in hours. Raises OSError if it cannot be."""
    if not path.parent.is_dir():
        raise FileNotFoundError(f"cannot write {path}: there is no folder {path.parent}; create it")
    if path.is_dir():
        raise IsADirectoryError(f"cannot write {path}: it is a folder; name a file in it")
    try:
        _try(path)
    except OSError as error:
        why = f"{error.strerror}; may files be written there?"
        raise OSError(f"cannot write {path}: {why}") from error
    return path


def _try(path: Path) -> None:
    """Open a file for writing and leave all as it was; pipes, devices and links are left out."""
    if path.is_file():
        os.close(os.open(path, os.O_WRONLY))
    elif not os.path.lexists(path):
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL))
        path.unlink()
