"""What is to be measured → a report: what is needed is rendered, and the engines run in turns."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from importlib import metadata
from pathlib import Path
from tempfile import TemporaryDirectory

from stream.bench.figures import LEAST, measured, one_round
from stream.bench.machine import describe, usable_cores
from stream.bench.process import measure
from stream.bench.report import FORMAT, Model, Report, Settings, SourceFacts
from stream.bench.samples import Job, Samples


@dataclass(frozen=True, slots=True)
class Plan:
    """What the user asked for."""

    source: str | None  # None: our own renderer's
    live: bool
    engines: tuple[str, ...]
    model: Path
    rounds: int
    seconds: float | None
    size_hw: tuple[int, int]
    fps: float
    show: bool


class Bench:
    """A plan → runs, as they come to be. Each is kept, so that a stop costs only the last."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._runs: list[list[Samples]] = [[] for _ in plan.engines]

    def run(self) -> None:
        """Measure everything. Raises OSError, RuntimeError, ValueError; KeyboardInterrupt too."""
        plan, cores = self._plan, usable_cores()
        with TemporaryDirectory(prefix="kpstream-bench-") as folder:
            job = self._prepared(Path(folder))
            for number in range(plan.rounds):
                for at in _order(len(plan.engines), number):
                    engine = plan.engines[at]
                    try:
                        _say(f"round {number + 1} of {plan.rounds}, {engine}: ", end="")
                        measure(replace(job, engine=engine), self._runs[at].append)
                        _say(f"{one_round(self._runs[at][-1], cores).fps:.1f} fps")
                    except BaseException as error:
                        _say("stopped" if isinstance(error, KeyboardInterrupt) else "failed")
                        raise

    def report(self, *, complete: bool = True) -> Report | None:
        """What has been measured so far; None if that is nothing."""
        runs = [found for found in map(_whole, self._runs) if found]
        if not runs:
            return None
        cores, first = usable_cores(), runs[0][0]
        return Report(
            kpstream_bench=FORMAT,
            kpstream=metadata.version("kpstream"),
            measured_at=datetime.now(timezone.utc).isoformat(timespec="seconds"),
            complete=complete,
            machine=describe(),
            model=_model(self._plan.model, first.model),
            source=_source(first, self._plan),
            settings=Settings(self._plan.rounds, self._plan.seconds, _output(first.job)),
            engines=[measured(found, cores) for found in runs],
        )

    def _prepared(self, folder: Path) -> Job:
        """Render what the plan has no source for. An empty job, but for the engine."""
        plan = self._plan
        source, pictures = plan.source, None
        if source is None:
            from stream.bench import rendered  # noqa: PLC0415 - FFmpeg, needed only for this

            _say("rendering what is filmed")
            if plan.live:
                pictures = folder / "pictures.npy"
                rendered.write_pictures(pictures, plan.size_hw, plan.fps)
            else:
                source = str(folder / "rendered.mp4")
                rendered.write_clip(Path(source), plan.size_hw, plan.fps)
        out = None if plan.live else folder / "out.mp4"
        return Job(source, pictures, plan.fps, "", plan.model, out, plan.show, plan.seconds)


def _order(count: int, number: int) -> Iterator[int]:
    """The engines of a round; every other round backwards, so that none is always the first."""
    return iter(range(count) if number % 2 == 0 else reversed(range(count)))


def _whole(runs: Sequence[Samples]) -> list[Samples]:
    """Without a run that was stopped before it showed enough to be measured."""
    return [run for run in runs if len(run.index) >= LEAST]


def _output(job: Job) -> str:
    if job.out is not None:
        return "video"
    return "window" if job.show else "display"


def _model(path: Path, name: str) -> Model:
    return Model(name, str(path), _sha256(path))


def _source(run: Samples, plan: Plan) -> SourceFacts:
    info = run.info
    height, width = info.size_hw or (None, None)
    name, digest = info.name, None
    if plan.source is None and not plan.live:
        name = "rendered clip"
    elif plan.source is not None and Path(plan.source).is_file():
        digest = _sha256(Path(plan.source))
    return SourceFacts(name, info.live, width, height, info.fps, info.frames, digest)


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _say(text: str, end: str = "\n") -> None:
    """Tell on stderr how far it is: stdout is for the figures."""
    print(text, end=end, file=sys.stderr, flush=True)
