"""`kpstream engines`: which engines open the model here, how fast, and why the others do not."""

from __future__ import annotations

import logging
import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import engines
from engines import parity
from stream.arguments import Parser

CALLS = 50
"""Calls that a latency is the median of, after a tenth as many to warm up."""


class _Row(NamedTuple):
    """What is said of one engine."""

    works: bool
    ms: float | None  # median of CALLS
    text: str  # what it says of itself, or why it does not work
    notes: list[str]  # what was refused on the way


def main(words: Sequence[str]) -> int:
    """Words → a line on stdout for each engine. Exit code 0 if any opens the model, else 1."""
    parser = Parser(prog="kpstream engines", description="Say which engines work here.")
    add = parser.add_argument
    add("--model", type=Path, metavar="FILE", default=engines.DEFAULT_MODEL, help="as kpstream")
    model = parser.parse_args(words).model
    order = engines.candidates(model)
    rows = {name: _tried(model, name) for name in (*order, *_others(order))}
    for name, row in rows.items():
        latency = "" if row.ms is None else f"{row.ms:.2f} ms"
        print(f"{'yes' if row.works else 'no ':3}  {name:8}  {latency:>9}  {row.text}")
        for note in row.notes:
            print(f"{'':27}{note}")
    first = next((name for name in order if rows[name].works), None)
    if first:
        print(f"auto takes {first}; latencies are medians of {CALLS} calls, one picture each")
    return 0 if any(row.works for row in rows.values()) else 1


def _others(order: Sequence[str]) -> list[str]:
    return [name for name in engines.names() if name not in order]


def _tried(model: Path, name: str) -> _Row:
    """Open an engine and time it, or find out why not."""
    with _Heard() as notes:
        try:
            engine = engines.open_engine(model, name)
        except engines.EngineUnavailable as error:
            return _Row(works=False, ms=None, text=_flat(error), notes=notes)
    try:
        return _Row(works=True, ms=_median_ms(engine), text=str(engine), notes=notes)
    finally:
        engine.close()


def _median_ms(engine: engines.Engine) -> float:
    images = parity.pictures(engine.spec.input_hw)[:1]
    spent = []
    for _ in range(CALLS + CALLS // 10):
        began = time.perf_counter()
        engine(images)
        spent.append(time.perf_counter() - began)
    return 1000 * statistics.median(spent[-CALLS:])


def _flat(error: object) -> str:
    return " ".join(str(error).split())


class _Heard(logging.Handler):
    """Keeps what is logged inside of it, as lines."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self._lines: list[str] = []
        self._log = logging.getLogger("kpstream")
        self._before = (self._log.level, self._log.propagate)

    def __enter__(self) -> list[str]:
        self._log.addHandler(self)
        self._log.setLevel(logging.INFO)
        self._log.propagate = False
        return self._lines

    def __exit__(self, *_: object) -> None:
        self._log.removeHandler(self)
        self._log.level, self._log.propagate = self._before

    def emit(self, record: logging.LogRecord) -> None:
        """One record → one line."""
        self._lines.append(_flat(record.getMessage()))
