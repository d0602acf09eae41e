"""What goes into the process that measures, and what comes out of it. Both are pickled."""

from __future__ import annotations

import math
from array import array
from dataclasses import dataclass, field
from pathlib import Path

from stream.frame import SourceInfo


@dataclass(frozen=True, slots=True)
class Job:
    """One run: what to open and when to end."""

    source: str | None  # what `stream.sources.open_source` takes; None = a paced camera …
    pictures: Path | None  # … which shows the pictures of this .npy file (N, H, W, 3) BGR uint8
    fps: float  # of the paced camera
    engine: str
    model: Path
    out: Path | None  # the video to write; None = a display
    show: bool  # the display is a window, not one that only takes the pictures
    seconds: float | None  # since the first frame was shown; None = to the end of the source
    begun_s: float = 0.0  # time.perf_counter() when the process was asked for


def _floats() -> array[float]:
    return array("d")


@dataclass(slots=True)
class Samples:
    """Everything that one run measured, a value for each frame shown; by the clock of frames."""

    job: Job
    info: SourceInfo
    model: str  # its name
    label: str = ""  # what the engine says of itself
    index: array[int] = field(default_factory=lambda: array("q"))
    captured_s: array[float] = field(default_factory=_floats)
    shown_s: array[float] = field(default_factory=_floats)  # when the outputs had taken it
    cpu_s: array[float] = field(default_factory=_floats)  # of the whole process until then
    stages_s: dict[str, array[float]] = field(default_factory=dict)
    resident_bytes: int = 0  # when the last frame was shown
    peak_bytes: int = 0  # since the process began
    others_share: float = math.nan  # what all else took of all cores, from the first frame on
    late_s: array[float] | None = None  # a paced camera's own: each frame it gave, after its moment
    skipped: array[int] | None = None  # … the indices it never gave, because it was later still
    pictures_bytes: int = 0  # … what its pictures take of the memory
