"""What a bench found, as it is printed, written and compared. Plain values only: JSON holds them.

Milliseconds, megabytes of 10^6 bytes, seconds. docs/bench-json.md says what each means.
"""

from __future__ import annotations

from dataclasses import dataclass

FORMAT = 1
"""Raised when what a key means changes; a key may be added without."""


@dataclass(frozen=True, slots=True)
class Times:
    """Nearest-rank percentiles of n measured times."""

    n: int
    p50_ms: float
    p95_ms: float
    p99_ms: float
    max_ms: float


@dataclass(frozen=True, slots=True)
class Spread:
    """The median of the rounds, the lowest and the highest."""

    median: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Growth:
    """How a time changed from the first fifth of a run to the last, by their medians."""

    ms: float
    ms_per_min: float


@dataclass(frozen=True, slots=True)
class Round:
    """One run in a process of its own, its warm-up left out but where it is named."""

    frames: int
    warm_up_frames: int
    seconds: float
    fps: float
    dropped: int
    dropped_warm_up: int
    cpu_ms_per_frame: float
    cpu_share: float  # of all usable cores, 0 … 1
    resident_mb: float
    peak_mb: float  # since the process began
    others_share: float  # of the machine's cores, what everything else took meanwhile
    first_frame_s: float  # from the start of the process until the first frame was shown
    age_growth: Growth


@dataclass(frozen=True, slots=True)
class Camera:
    """What the paced camera itself was to blame for."""

    late: Times  # how long after its moment it gave a frame
    skipped: int  # frames that it never gave, because it was later than the next
    pictures_mb: float  # of the resident memory


@dataclass(frozen=True, slots=True)
class Measured:
    """One engine; times are of all rounds together."""

    engine: str  # as it was asked for
    label: str  # what it says of itself
    rounds: list[Round]
    fps: Spread
    stages: dict[str, Times]
    age: Times  # from capture until shown or written
    dropped: int
    cpu_ms_per_frame: float
    cpu_share: float
    resident_mb: float
    peak_mb: float
    others_share: float
    first_frame_s: float
    age_growth: Growth
    camera: Camera | None = None


@dataclass(frozen=True, slots=True)
class Machine:
    """What it ran on."""

    cpu: str
    cores: int  # usable by this process
    memory_mb: float
    gpus: list[str]
    system: str
    python: str
    packages: dict[str, str]  # name → version, of those installed


@dataclass(frozen=True, slots=True)
class Model:
    """The model file."""

    name: str
    file: str
    sha256: str


@dataclass(frozen=True, slots=True)
class SourceFacts:
    """What was streamed."""

    name: str
    live: bool
    width: int | None
    height: int | None
    fps: float | None
    frames: int | None
    sha256: str | None  # of a file


@dataclass(frozen=True, slots=True)
class Settings:
    """How it was measured."""

    rounds: int
    seconds: float | None  # a round; None = to the end of the source
    output: str  # "video", "display" or "window"


@dataclass(frozen=True, slots=True)
class Report:
    """One call of `kpstream bench`."""

    kpstream_bench: int
    kpstream: str
    measured_at: str  # ISO 8601, UTC
    complete: bool  # false after Ctrl-C
    machine: Machine
    model: Model
    source: SourceFacts
    settings: Settings
    engines: list[Measured]
