"""A link that is asked for an item and is not waited for as long as it takes."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from stream.flow import threaded


@pytest.mark.parametrize("newest", [False, True])
def test_what_is_late_is_waited_for_again_and_not_lost(newest):
    go = threading.Event()

    def late() -> Iterator[int]:
        go.wait()
        yield 1
        go.clear()
        go.wait()
        yield 2

    link = threaded(late(), name="t", size=1, newest=newest)
    for item in (1, 2):
        for _ in range(3):
            with pytest.raises(TimeoutError):
                link.within(0.01)
        go.set()
        assert link.within(5) == item
    with pytest.raises(StopIteration):
        link.within(5)


def test_waiting_makes_no_more_room():
    made, go = [], threading.Event()

    def items() -> Iterator[int]:
        go.wait()
        for i in range(1_000_000):
            made.append(i)
            yield i

    link = threaded(items(), name="t", size=1)
    for _ in range(20):
        with pytest.raises(TimeoutError):
            link.within(0.001)
    go.set()
    assert link.within(5) == 0
    time.sleep(0.1)
    assert len(made) <= 3
    link.close()
