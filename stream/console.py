"""What a run says on stderr: a progress bar for a file, a live line for a camera, one line at last.

Where stderr is no terminal only the last line is said. Pictures of progress are drawn by the
thread that shows results, ten times a second at most, so they cost the pipeline next to nothing.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import IO, cast, final

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from stream.frame import OLD_S, Result, SourceInfo
from stream.stats import AGE, Stats, telling_stage

PERIOD_S = 0.1

WAITING = "waiting for the first frame"


class Stderr(Console):
    """Falls silent once stderr takes no more: a run does not end for what is said of it.

    Its reader may leave, its terminal be closed, the disk that it is kept on be full. With `still`
    nothing is drawn, as where it is no terminal.
    """

    def __init__(self, *, still: bool = False) -> None:
        super().__init__(stderr=True, force_terminal=False if still else None)
        self.file = cast("IO[str]", _Silenced(self.file))


class _Silenced:
    """A stream that is written to until it cannot be, and no more then."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._silent = False

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)

    def write(self, text: str) -> None:
        """Write at once, or not at all."""
        if self._silent:
            return
        try:
            self._stream.write(text)
            self._stream.flush()
        except OSError:
            self._silent = True

    def flush(self) -> None:
        """Nothing waits."""


class Stdout(Console):
    """Prints names as they are, and tells whoever calls that the reader has left, as `print` does.

    Rich itself takes `clip [x264].mp4` for a style, and `[/x].mp4` for a mistake in one.
    """

    def __init__(self) -> None:
        super().__init__(markup=False, emoji=False)

    def on_broken_pipe(self) -> None:
        """Rich itself would end the process with exit code 1."""
        raise BrokenPipeError


@final
class Dashboard:
    """Results as they are shown → two lines that stay in place, and one when the run is over.

    A context manager. `engine` is asked what the engine says of itself, which may change.
    `console` is where to write, stderr unless given; `waiting` is said until there is a result.
    """

    def __init__(
        self,
        info: SourceInfo,
        engine: Callable[[], str],
        console: Console | None = None,
        *,
        waiting: str = WAITING,
    ) -> None:
        self._console = console or Stderr()
        self._engine = engine
        self._info = info
        self._stats = Stats()
        self._next_s = -math.inf
        self._last_s = math.inf  # when there was a result
        bar = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(compact=True))
        columns = () if info.live else bar
        self._progress = Progress(*columns, TextColumn("{task.description}"))
        self._task = self._progress.add_task(waiting, total=info.frames)
        # auto_refresh would start a thread of its own
        self._live = Live(console=self._console, auto_refresh=False, transient=True)

    def __enter__(self) -> Dashboard:
        if self._console.is_terminal:
            self._live.start()
            self._draw()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.stop()
        if error is None or isinstance(error, KeyboardInterrupt):
            line = summary(self._info, self._engine(), self._stats)
            self._console.print(Text(line), soft_wrap=True)

    def __call__(self, result: Result, stats: Stats) -> None:
        """Show where the run stands, if it is time to."""
        self._stats = stats
        self._last_s = now_s = time.monotonic()
        if now_s < self._next_s or not self._live.is_started:
            return
        self._next_s = now_s + PERIOD_S
        text = status(result, stats)
        self._progress.update(self._task, completed=stats.frames, description=text)
        self._draw()

    def idle(self) -> None:
        """Say for how long there has been no result, once it is `OLD_S`."""
        old_s = time.monotonic() - self._last_s
        if old_s >= OLD_S and self._live.is_started:
            self._progress.update(self._task, description=f"no picture for {old_s:.0f} s")
            self._draw()

    def _draw(self) -> None:
        self._live.update(Group(self._header(), self._progress), refresh=True)

    def _header(self) -> RenderableType:
        return Text.assemble((self._info.name, "bold"), f"  {self._engine()}", overflow="ellipsis")


def building(share: float) -> bool:
    """A line on stderr, where that is a terminal, of how far an engine is built; always go on."""
    if sys.stderr.isatty():
        end = "\r" if share < 1 else "\n"
        print(f"building the engine, once for this machine: {share:4.0%}", end=end, file=sys.stderr)
    return True


def status(result: Result, stats: Stats) -> str:
    """A result → where the run stands: rate, state, count, and for a live source what was lost."""
    parts = [f"{_number(stats.fps_now)} fps", result.state.replace("_", " ")]
    if result.count is not None:
        count = result.count
        parts.append(f"{count.cards} cards ({count.low} to {count.high})")
    if stats.dropped:
        parts.append(f"{stats.dropped} dropped")
    return " · ".join(parts)


def summary(info: SourceInfo, engine: str, stats: Stats) -> str:
    """A run → one line: frames, rate, drops, latency, and the engine that ran."""
    stage = telling_stage(live=info.live)
    p50, p95 = (_number(1000 * stats.latency_s(stage, percent)) for percent in (50, 95))
    what = "capture to shown" if stage == AGE else stage
    frames = "1 frame" if stats.frames == 1 else f"{stats.frames} frames"
    return (
        f"{info.name}: {frames}, {_number(stats.fps)} fps, {stats.dropped} dropped, "
        f"{what} {p50} ms (p95 {p95} ms), {engine}"
    )


def _number(value: float) -> str:
    """One decimal; a dash for what is not known."""
    return "–" if math.isnan(value) else f"{value:.1f}"
