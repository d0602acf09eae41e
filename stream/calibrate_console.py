"""What `kpstream calibrate` says while it looks: how far it is, and what to do with the packet."""

from __future__ import annotations

import math
import time
from types import TracebackType
from typing import final

from rich.console import Console
from rich.live import Live
from rich.progress import BarColumn, Progress, TextColumn
from rich.text import Text

from stream.console import PERIOD_S, WAITING, Stderr
from stream.frame import Finished, Result, SourceInfo
from stream.layings import Look
from stream.measure import Measure
from stream.stats import Stats

LAYINGS = 3
"""How often a camera's packet is to be laid down …"""

LAYING_S = 1.5
"""… and for how long it is looked at each time."""

PATIENCE_S = 30.0
"""Who has not laid it down again by then has had enough."""

BEGIN = "Square the packet up, lay it down where the camera sees its side, and take your hands off."
AGAIN = "Take it out of the picture, square it up, and lay it down again, turned a little."


@final
class Guide:
    """Results as they come → a line that stays in place; it ends a live run that has enough.

    A context manager. `console` is where to write, stderr unless given. `Finished` is raised, as
    from a sink, once a camera has seen LAYINGS layings, or one at least and then PATIENCE_S of
    nothing new. A file is looked at to its end.
    """

    def __init__(self, info: SourceInfo, measure: Measure, console: Console | None = None) -> None:
        self._console = console or Stderr()
        self._info = info
        self._measure = measure
        self._next_s = -math.inf
        self._full_s: float | None = None  # when a laying had last been looked at enough
        self._asked = 0  # for how many layings, also broken off ones, another has been asked for
        self._progress = Progress(BarColumn(), TextColumn("{task.description}"))
        total = LAYINGS * LAYING_S if info.live else info.frames
        self._task = self._progress.add_task(WAITING, total=total)
        # auto_refresh would start a thread of its own
        self._live = Live(self._progress, console=self._console, auto_refresh=False, transient=True)

    def __enter__(self) -> Guide:
        if self._info.live:
            self._say(BEGIN)
        if self._console.is_terminal:
            self._live.start(refresh=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.stop()

    def __call__(self, result: Result, stats: Stats) -> None:
        """Take a result, and say what is to be said. Raises Finished."""
        layings = self._measure.layings
        full = self._info.live and layings.current_s >= LAYING_S
        if full and result.packet is not None:
            layings.there()
            said: Look | str = AGAIN  # hands that come to lift it are not to be measured
        else:
            said = self._measure.add(result)
        if self._info.live:
            self._guide(result.frame.captured_s)
        self._show(said, stats)

    def _guide(self, now_s: float) -> None:
        """Ask for the next laying when one is full; end when there are enough."""
        layings = self._measure.layings
        full = layings.current_s >= LAYING_S
        if full and len(layings.layings()) >= LAYINGS:
            raise Finished
        if full and self._asked < len(layings.counts):
            self._asked = len(layings.counts)
            self._full_s = now_s
            self._say(f"{len(layings.layings())} of {LAYINGS}. {AGAIN}")
        if self._full_s is not None and now_s - self._full_s > PATIENCE_S:
            raise Finished

    def _say(self, text: str) -> None:
        self._console.print(Text(text), soft_wrap=True)

    def _show(self, said: Look | str, stats: Stats) -> None:
        now_s = time.monotonic()
        if now_s < self._next_s or not self._live.is_started:
            return
        self._next_s = now_s + PERIOD_S
        text = said if isinstance(said, str) else f"{said.thickness_mm:.1f} mm"
        done = float(stats.frames)
        if self._info.live:
            layings = self._measure.layings
            now_s = min(layings.current_s, LAYING_S)
            done = LAYING_S * (len(layings.layings()) - (now_s > 0)) + now_s
        self._progress.update(self._task, completed=done, description=text)
        self._live.refresh()
