"""Runs that were never made, so that their figures can be counted by hand."""

from __future__ import annotations

import time
from array import array
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from stream.bench.figures import measured
from stream.bench.report import (
    FORMAT,
    Machine,
    Measured,
    Model,
    Report,
    Settings,
    SourceFacts,
)
from stream.bench.samples import Job, Samples
from stream.frame import SourceInfo

JOB = Job(None, None, 30.0, "ov", Path("m.onnx"), None, show=False, seconds=None, begun_s=99.0)


def run(
    indices: Sequence[int],
    *,
    age_s: float = 0.04,
    cpu_s: float = 0.02,
    fps: float = 30.0,
    engine: str = "ov",
    late_s: Sequence[float] | None = None,
    skipped: Sequence[int] = (),
) -> Samples:
    """Frame i taken at second 100 + i / fps, shown `age_s` later; n-th frame's engine time n ms."""
    count = len(indices)
    return Samples(
        job=replace(JOB, engine=engine),
        info=SourceInfo("camera", live=True),
        model="packet",
        label=f"{engine} on CPU",
        index=array("q", indices),
        captured_s=array("d", (100 + i / fps for i in indices)),
        shown_s=array("d", (100 + i / fps + age_s for i in indices)),
        cpu_s=array("d", (5 + n * cpu_s for n in range(count))),
        stages_s={"engine": array("d", (n / 1000 for n in range(count)))},
        resident_bytes=300_000_000,
        peak_bytes=400_000_000,
        others_share=0.25,
        late_s=None if late_s is None else array("d", late_s),
        skipped=None if late_s is None else array("q", skipped),
        pictures_bytes=2_000_000,
    )


def engine(name: str = "ov", fps: Sequence[float] = (30.0, 31.0, 32.0)) -> Measured:
    return measured([run(range(100), fps=rate, engine=name) for rate in fps], cores=2)


def wait_until_it_runs(folder: Path) -> None:
    """Until a run has begun to write its video into the folder, or below, and a second more."""
    deadline = time.monotonic() + 30
    while not list(folder.rglob("out.mp4")):
        assert time.monotonic() < deadline, "nothing was written within 30 s"
        time.sleep(0.05)
    time.sleep(1)


def report(*engines: Measured, live: bool = False) -> Report:
    return Report(
        kpstream_bench=FORMAT,
        kpstream="0.1.0",
        measured_at="2026-11-21T12:00:00+00:00",
        complete=True,
        machine=Machine(
            "AMD EPYC", 2, 25_000.0, [], "Linux-6.1", "CPython 3.11.7", {"numpy": "2.0"}
        ),
        model=Model("packet", "packet.onnx", "ab" * 32),
        source=SourceFacts("rendered clip", live, 1280, 720, 30.0, 300, None),
        settings=Settings(3, None, "display" if live else "video"),
        engines=list(engines) or [engine()],
    )
