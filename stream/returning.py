"""A live source that breaks off → the same one, opened anew until it gives pictures again."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from threading import Event, Lock

from stream.flow import Later
from stream.frame import Frame, Source, SourceError, SourceInfo

PAUSE_S = 0.5
"""From one try to the next: a camera that is plugged in again takes a second to show itself."""

_ASK_S = 0.05  # how often it is asked whether a try has ended

_log = logging.getLogger("kpstream")


class Returning:
    """A live source → its frames, and those that come once it has broken off and is back.

    Frames are counted on, and time goes on: it was away for as long as the clock says. `open_again`
    opens it anew, and raises SourceError as long as it is away; after `wait_s` of that the error
    with which it broke off is raised. An end in good order ends it. What was live and can then be
    read from its beginning to its end has ended too.
    """

    def __init__(self, first: Source, open_again: Callable[[], Source], *, wait_s: float) -> None:
        self.info: SourceInfo = first.info
        self._source = first
        self._open_again = open_again
        self._wait_s = wait_s
        self._closed = Event()
        self._changing = Lock()

    def __iter__(self) -> Iterator[Frame]:
        """Frames until it ends or is closed. Raises SourceError if it stays away."""
        before: Frame | None = None
        source: Source | None = self._source
        try:
            while source is not None:
                joined = None if before is None else _Joined(before)
                try:
                    for frame in source:
                        before = frame if joined is None else joined.placed(frame)
                        yield before
                except SourceError as error:
                    source = self._back(error)
                else:
                    source = None
        finally:
            self.close()

    def close(self) -> None:
        """Close the source, or stop waiting for it."""
        self._closed.set()
        with self._changing:
            self._source.close()

    def _back(self, error: SourceError) -> Source | None:
        """The source once it is there again; None if there is nothing more to come."""
        if self._closed.is_set():  # which may be what broke it off
            return None
        if self._wait_s <= 0:
            raise error
        _log.warning("%s (waiting for it to come back)", error)
        left_s = time.monotonic()
        while time.monotonic() - left_s < self._wait_s:
            if self._closed.wait(PAUSE_S):
                return None
            source = self._opened()
            if source is None:
                continue
            with self._changing:
                self._source = source
            if self._closed.is_set() or not source.info.live:
                source.close()
                return None
            away_s = time.monotonic() - left_s
            _log.warning("%s is back after %.1f s", self.info.name, away_s)
            return source
        raise error

    def _opened(self) -> Source | None:
        """What one try gives. It is made aside, for it may take longer than `close` can wait."""
        opening = Later(self._open_again, name="open again")
        while not opening.ready:
            if self._closed.wait(_ASK_S):
                if (late := opening.close()) is not None:
                    late.close()
                return None
        try:
            return opening.take()
        except SourceError:
            return None


class _Joined:
    """Frames of a source that is back → the same, so that they follow the last one before."""

    def __init__(self, before: Frame) -> None:
        self._before = before
        self._first: Frame | None = None

    def placed(self, frame: Frame) -> Frame:
        """The frame with its number and time behind those of before."""
        before = self._before
        first = self._first = self._first or frame
        index = before.index + 1 + frame.index - first.index
        if before.pts_s is None:
            return replace(frame, index=index, pts_s=None)
        away_s = first.captured_s - before.captured_s
        pts_s = before.pts_s + away_s + frame.time_s - first.time_s
        return replace(frame, index=index, pts_s=pts_s)
