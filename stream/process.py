"""What a process owes to whoever started it: its standard streams, and an ear for their signals."""

from __future__ import annotations

import errno
import os
import select
import signal
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO


class Terminated(KeyboardInterrupt):
    """SIGTERM: the end in good order that Ctrl-C asks for, under another number."""


def hold_what_is_closed() -> None:
    """Take the standard descriptors that are free: what is opened next would be written to by them.

    For reading only, so that what is to be written there is an error.
    """
    while (taken := os.open(os.devnull, os.O_RDONLY)) <= 2:
        pass
    os.close(taken)
    if sys.stderr is None:  # `print` would take standard output in its place
        sys.stderr = open(os.devnull, "w")  # noqa: PTH123, SIM115 - it stays open


def is_of_no_reader(error: Exception) -> bool:
    """Whether that is what writing to a pipe raises whose reader has left.

    Windows calls it an invalid argument (CPython's issue 79935).
    """
    if sys.platform == "win32" and isinstance(error, OSError) and error.filename is None:
        return error.errno in {errno.EPIPE, errno.EINVAL}
    return isinstance(error, BrokenPipeError)


def is_unread(stream: TextIO | None) -> bool:
    """Whether the reader of a pipe has left; None is a stream that was closed from the start.

    Windows cannot be asked: there any pipe may be the one that was written to in vain.
    """
    if stream is None:
        return False
    try:
        number = stream.fileno()
    except OSError:  # it is no file of the system's
        return False
    if sys.platform == "win32":
        return stat.S_ISFIFO(os.fstat(number).st_mode)
    watch = select.poll()
    watch.register(number, select.POLLOUT)  # asked for nothing, macOS tells nothing
    return any(event & (select.POLLERR | select.POLLHUP) for _, event in watch.poll(0))


def let_go(stream: TextIO | None) -> None:
    """Throw away what a stream cannot write: Python would try again, and set a code of its own."""
    if stream is None:
        return
    try:
        stream.flush()
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


@contextmanager
def stops_heard() -> Iterator[None]:
    """Ctrl-C and SIGTERM raise, so that both leave every output finished.

    Two within a second are one: a wrapper often tells a process and its group. After one nothing is
    heard any more, for the process is about to end.
    """
    deaf_until_s = 0.0

    def hear(number: int, _: object) -> None:
        nonlocal deaf_until_s
        now_s = time.monotonic()
        if now_s < deaf_until_s:
            return
        deaf_until_s = now_s + 1.0
        raise Terminated if number == signal.SIGTERM else KeyboardInterrupt

    ears = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    ears = {number: ear for number, ear in ears.items() if ear is not signal.SIG_IGN}  # as nohup
    for number in ears:
        signal.signal(number, hear)
    try:
        yield
    finally:
        for number, ear in ears.items():
            signal.signal(number, signal.SIG_IGN if deaf_until_s else ear)
