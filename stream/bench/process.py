"""A job → its samples, measured in a process of its own."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from multiprocessing import get_context
from multiprocessing.connection import Connection

from stream.bench.samples import Job, Samples

GRACE_S = 5.0
"""For a run that was told to stop to finish its outputs and hand over what it has."""


def measure(job: Job, keep: Callable[[Samples], object]) -> None:
    """Run a job and hand what it measured to `keep`; after Ctrl-C, what it measured until then.

    Raises RuntimeError with what went wrong in that process, in one line.
    """
    context = get_context("spawn")  # a fork would begin with all that is loaded here
    ours, theirs = context.Pipe()
    process = context.Process(
        target=_serve,
        args=(replace(job, begun_s=time.perf_counter()), theirs),
        name="kpstream bench",
    )
    try:
        with _unheard():
            process.start()
        theirs.close()
        try:
            answer = _answer(ours, keep)
        except EOFError:
            process.join(GRACE_S)
            raise RuntimeError(
                f"the process that measures {job.engine} broke off (exit code {process.exitcode})"
            ) from None
        if isinstance(answer, str):
            raise RuntimeError(answer)  # noqa: TRY004 - the answer is the error
        keep(answer)
    finally:
        ours.close()
        if process.pid is not None:
            process.join(GRACE_S)
            process.kill()
            process.join()


def _answer(ours: Connection, keep: Callable[[Samples], object]) -> Samples | str:
    """What the other process sends; of one stopped by Ctrl-C, `keep` gets what it has until then.

    Raises EOFError if it ends without a word.
    """
    try:
        ours.poll(None)  # takes nothing, so that Ctrl-C cannot tear it
    except KeyboardInterrupt:
        with suppress(OSError, EOFError):
            ours.send("stop")
            late = ours.recv() if ours.poll(GRACE_S) else None
            if isinstance(late, Samples):
                keep(late)
        raise
    answer: Samples | str = ours.recv()
    return answer


@contextmanager
def _unheard() -> Iterator[None]:
    """A process started meanwhile hears no stop but that of the one who started it."""
    if sys.platform == "win32":  # it turns its own ear away
        yield
        return
    from multiprocessing import resource_tracker  # noqa: PLC0415 - Windows has none

    resource_tracker.ensure_running()  # comes with the first process, and would open its ears again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _serve(job: Job, orders: Connection) -> None:
    """The other process: run a job, answer with its samples or with one line that says why not."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answer: Samples | str
    try:
        from stream.bench.record import record  # noqa: PLC0415 - once nothing can interrupt it

        answer = record(job, orders.poll)  # also true once the other side has gone
    except (OSError, ValueError, RuntimeError, ImportError) as error:
        if os.environ.get("KPSTREAM_TRACEBACK") == "1":
            raise
        from stream.arguments import one_line  # noqa: PLC0415

        answer = one_line(error)
    with suppress(OSError):
        orders.send(answer)
