"""Samples → figures. Pure: no clock, no file, no machine."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from statistics import median

from stream.bench.report import Camera, Growth, Measured, Round, Spread, Times
from stream.bench.samples import Samples

WARM_UP = 30
"""The first frames of a run, which are not counted: caches, the search for the packet and the
encoder's queue fill. Of a short run a fifth."""

LEAST = 10
"""Frames that a run must have shown to be measured at all."""


def warm_up(frames: int) -> int:
    """How many of a run's first frames are not counted."""
    return min(WARM_UP, frames // 5)


def times(seconds: Iterable[float]) -> Times:
    """Measured seconds, one at least → their percentiles, each a time that was measured."""
    ordered = sorted(seconds)
    p50, p95, p99 = (_rank(ordered, percent) * 1000 for percent in (50, 95, 99))
    return Times(len(ordered), p50, p95, p99, ordered[-1] * 1000)


def _rank(ordered: Sequence[float], percent: int) -> float:
    """Nearest rank, in whole numbers: 0.95 · 20 is not quite 19."""
    return ordered[max(1, -(-percent * len(ordered) // 100)) - 1]


def spread(values: Sequence[float]) -> Spread:
    """One value a round → their median and range."""
    return Spread(median(values), min(values), max(values))


def rate(moments_s: Sequence[float]) -> float:
    """Moments that rise → how many a second: n of them span n-1 gaps. NaN for one, or no time."""
    spent_s = moments_s[-1] - moments_s[0]
    return (len(moments_s) - 1) / spent_s if spent_s > 0 else math.nan


def growth(moments_s: Sequence[float], values_s: Sequence[float]) -> Growth:
    """A value at each moment → how it grew from the median of the first fifth to the last's.

    Half of each fifth may be outliers. Five values at least; no growth where no time passed.
    """
    fifth = len(values_s) // 5
    rise_s = median(values_s[-fifth:]) - median(values_s[:fifth])
    apart_s = median(moments_s[-fifth:]) - median(moments_s[:fifth])
    return Growth(rise_s * 1000, rise_s * 60_000 / apart_s if apart_s > 0 else 0.0)


def dropped(indices: Sequence[int], before: int) -> int:
    """Rising indices of the frames shown, the last one before them → how many are missing."""
    return indices[-1] - before - len(indices) if indices else 0


def one_round(samples: Samples, cores: int) -> Round:
    """One run → its figures. Raises ValueError if it showed fewer than `LEAST` frames."""
    shown = len(samples.index)
    if shown < LEAST:
        raise ValueError(
            f"{samples.info.name}: {shown} frames were shown, too few to measure: "
            f"{LEAST} are needed, and a few hundred are better"
        )
    first = warm_up(shown)
    moments_s, ages_s = samples.shown_s[first:], _ages_s(samples, first)
    seconds = moments_s[-1] - moments_s[0]
    spent_s = samples.cpu_s[-1] - samples.cpu_s[first]
    return Round(
        frames=shown - first,
        warm_up_frames=first,
        seconds=seconds,
        fps=rate(moments_s),
        dropped=dropped(samples.index[first:], samples.index[first - 1]),
        dropped_warm_up=dropped(samples.index[:first], -1),
        cpu_ms_per_frame=1000 * spent_s / (shown - first - 1),
        cpu_share=spent_s / seconds / cores if seconds > 0 else math.nan,
        resident_mb=samples.resident_bytes / 1e6,
        peak_mb=samples.peak_bytes / 1e6,
        others_share=samples.others_share,
        first_frame_s=samples.shown_s[0] - samples.job.begun_s,
        age_growth=growth(moments_s, ages_s),
    )


def measured(runs: Sequence[Samples], cores: int) -> Measured:
    """The runs of one engine → its figures. Raises ValueError like `one_round`."""
    rounds = [one_round(run, cores) for run in runs]
    firsts = [found.warm_up_frames for found in rounds]
    counted = list(zip(runs, firsts, strict=True))
    stages = {
        stage: times(t for run, first in counted for t in run.stages_s[stage][first:])
        for stage in runs[0].stages_s
    }
    return Measured(
        engine=runs[0].job.engine,
        label="; ".join(dict.fromkeys(run.label for run in runs)),
        rounds=rounds,
        fps=spread([found.fps for found in rounds]),
        stages=stages,
        age=times(age for run, first in counted for age in _ages_s(run, first)),
        dropped=sum(found.dropped for found in rounds),
        cpu_ms_per_frame=median(found.cpu_ms_per_frame for found in rounds),
        cpu_share=median(found.cpu_share for found in rounds),
        resident_mb=median(found.resident_mb for found in rounds),
        peak_mb=max(found.peak_mb for found in rounds),
        others_share=median(found.others_share for found in rounds),
        first_frame_s=median(found.first_frame_s for found in rounds),
        age_growth=_median_growth([found.age_growth for found in rounds]),
        camera=_camera(counted),
    )


def paired_ratio(values: Sequence[float], others: Sequence[float]) -> float:
    """Two runs of rounds, taken in turns → the median of value / other, round by round."""
    return median(a / b for a, b in zip(values, others, strict=False))


def _ages_s(samples: Samples, first: int) -> list[float]:
    pairs = zip(samples.shown_s[first:], samples.captured_s[first:], strict=True)
    return [shown_s - captured_s for shown_s, captured_s in pairs]


def _median_growth(found: Sequence[Growth]) -> Growth:
    return Growth(median(g.ms for g in found), median(g.ms_per_min for g in found))


def _camera(counted: Sequence[tuple[Samples, int]]) -> Camera | None:
    """What the paced cameras did from the end of the warm-up to the last frame shown."""
    late_s: list[float] = []
    skipped = 0
    for run, first in counted:
        if run.late_s is None or run.skipped is None:
            return None
        low, high = run.index[first - 1], run.index[-1]
        missing = set(run.skipped)
        given = (i for i in range(high + 1) if i not in missing)
        pairs = zip(given, run.late_s, strict=False)  # it may have given more than were shown
        late_s += [late for index, late in pairs if index > low]
        skipped += sum(low < index < high for index in missing)
    return Camera(times(late_s), skipped, counted[0][0].pictures_bytes / 1e6)
