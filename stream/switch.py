"""Two engines in place of one: the next best runs until the better one is built."""

from __future__ import annotations

import logging
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from engines.spec import Engine, EngineUnavailable, ModelSpec, Prediction, Progress
from stream.flow import Later

_log = logging.getLogger("kpstream")


class SwitchingEngine:
    """An engine that becomes another one between two calls, once that is built.

    `build` is called in a thread of its own; what it makes is used from the thread that calls this
    engine. If it raises EngineUnavailable, a warning says why and all stays as it was.
    """

    def __init__(self, now: Engine, name: str, build: Callable[[Progress], Engine]) -> None:
        self.spec: ModelSpec = now.spec
        self._now = now
        self._name = name
        self._share = 0.0
        self._stopped = False
        self._next: Later[Engine] | None = Later(lambda: build(self._progress), name="build")

    def __str__(self) -> str:
        if self._next is None:
            return str(self._now)
        return f"{self._now} (building {self._name}, {self._share:.0%})"

    def __call__(self, images: NDArray[np.uint8]) -> Prediction:
        """(B, H, W, 3) BGR uint8 pictures of `spec.input_hw` → Prediction."""
        if self._next is not None and self._next.ready and not self._stopped:
            self._switch(self._next)
        return self._now(images)

    def close(self) -> None:
        """Break a build off, and give back both engines. May be called twice."""
        self._stopped = True
        try:
            if self._next is not None:
                unused = self._next.close()
                if unused is not None:
                    unused.close()
        finally:
            self._now.close()

    def _switch(self, built: Later[Engine]) -> None:
        self._next = None
        try:
            better = built.take()
        except EngineUnavailable as error:
            _log.warning("%s stays: %s", self._now, error)
            return
        before, self._now = self._now, better
        before.close()

    def _progress(self, share: float) -> bool:
        self._share = share
        return not self._stopped
