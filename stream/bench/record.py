"""A job → one run of the real pipeline, and what every frame of it cost."""

from __future__ import annotations

import time
from array import array
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

import engines
from stream.bench.paced import PacedCamera
from stream.bench.samples import Job, Samples
from stream.bench.usage import Others, peak_bytes, resident_bytes
from stream.choice import opening
from stream.frame import Finished, Frame, Result, Sink, Source
from stream.pipeline import run
from stream.sources import open_source
from stream.stats import Stats

if TYPE_CHECKING:
    from stream.planes import Planes


def record(job: Job, stopped: Callable[[], bool]) -> Samples:
    """Run a job to its end, or until `stopped` says so; it is asked at every frame.

    Raises what opening and running raise: OSError, ValueError, RuntimeError.
    """
    with ExitStack() as opened:
        source = opened.enter_context(closing(_open_source(job)))
        how = opening(live=source.info.live)
        engine = opened.enter_context(closing(engines.open_engine(job.model, job.engine, how)))
        sink = opened.enter_context(closing(_open_sink(job, source)))
        samples = Samples(job, source.info, engine.spec.name)
        timed = _Timed(source)
        opened.pop_all()  # from here on the run closes them
        labels = [str(engine)]
        recorder = _Recorder(samples, timed, stopped)
        run(timed, engine, [sink], on_result=recorder)
        labels.append(str(engine))  # one that had to do without a graph meanwhile says so
    samples.label = ", then ".join(dict.fromkeys(labels))
    # the kernel counts in batches, so the peak alone may be a little below
    samples.peak_bytes = max(peak_bytes(), samples.resident_bytes)
    if recorder.others is not None:
        samples.others_share = recorder.others.share()
    if isinstance(source, PacedCamera):
        samples.late_s, samples.skipped = source.late_s, source.skipped
        samples.pictures_bytes = source.pictures_bytes
    return samples


def _open_source(job: Job) -> Source:
    if job.source is not None:
        source = open_source(job.source)
        if source.info.live and job.seconds is None:
            source.close()
            raise ValueError(f"{job.source} is live and has no end: say how long with --seconds")
        return source
    if job.pictures is None:
        raise ValueError("a job needs a source or pictures, got neither")
    pictures: NDArray[np.uint8] = np.load(job.pictures)
    pictures.flags.writeable = False
    return PacedCamera(pictures, job.fps)


def _open_sink(job: Job, source: Source) -> Sink:
    if job.out is not None:
        from stream.sinks import video  # noqa: PLC0415

        return video.open_sink(job.out, source.info)
    if job.show:
        from stream.sinks import window  # noqa: PLC0415

        return window.open_sink(f"kpstream bench {source.info.name}")
    return _Display()


class _Display:
    """A display without a screen: what is drawn has been shown as soon as it is handed over."""

    wants_picture = True

    def write(self, result: Result, picture: NDArray[np.uint8] | Planes | None) -> None:
        """Take the picture."""

    def close(self) -> None:
        """Nothing was begun."""


class _Timed:
    """A source → the same, and the seconds that each of its frames took to come."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.info = source.info
        self.close = source.close
        self.spent_s: array[float] = array("d")

    def __iter__(self) -> Iterator[Frame]:
        frames = iter(self._source)
        try:
            while True:
                began = time.perf_counter()
                frame = next(frames, None)
                if frame is None:
                    return
                self.spent_s.append(time.perf_counter() - began)
                yield frame
        finally:
            close = getattr(frames, "close", None)
            if close is not None:
                close()


class _Recorder:
    """Each result as it is shown → its place in the samples. Raises Finished when it is time."""

    def __init__(self, samples: Samples, source: _Timed, stopped: Callable[[], bool]) -> None:
        self._samples = samples
        self._source = source
        self._stopped = stopped
        self.others: Others | None = None

    def __call__(self, result: Result, stats: Stats) -> None:
        del stats
        self.others = self.others or Others()
        samples, now_s = self._samples, time.perf_counter()
        stages_s = dict(result.stages_s)
        if not samples.info.live:  # a live source is waited for, which costs nothing
            stages_s = {"read": self._source.spent_s[len(samples.index)], **stages_s}
        samples.index.append(result.frame.index)
        samples.captured_s.append(result.frame.captured_s)
        samples.shown_s.append(now_s)
        samples.cpu_s.append(time.process_time())
        for stage, spent_s in stages_s.items():
            samples.stages_s.setdefault(stage, array("d")).append(spent_s)
        samples.resident_bytes = resident_bytes()
        seconds = samples.job.seconds
        if self._stopped() or (seconds is not None and now_s - samples.shown_s[0] >= seconds):
            raise Finished
