"""One thread between two generators: order, loss, errors, and every way to stop."""

from __future__ import annotations

import contextlib
import gc
import threading
import time
import traceback
import weakref
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.flow import threaded


class Upstream:
    """Counts from 0 and keeps a record of what happened to it and in which thread."""

    def __init__(self, count: int = 1_000_000, pause_s: float = 0.0) -> None:
        self.count = count
        self.pause_s = pause_s
        self.made = 0
        self.closed_in: list[str] = []

    def items(self) -> Iterator[int]:
        try:
            for i in range(self.count):
                time.sleep(self.pause_s)
                self.made += 1
                yield i
        finally:
            self.closed_in.append(threading.current_thread().name)


def fails_after(count: int, error: Exception) -> Iterator[int]:
    yield from range(count)
    raise error


@given(st.lists(st.integers(), max_size=30), st.integers(1, 5))
def test_nothing_is_lost_repeated_or_reordered(items, size):
    assert list(threaded(items, size=size, name="t")) == items


def test_upstream_runs_in_a_thread_of_that_name():
    link = threaded((threading.current_thread().name for _ in range(1)), name="capture")
    assert list(link) == ["capture"]


def test_a_read_to_the_end_leaves_no_thread_and_stays_at_its_end():
    link = threaded(range(3), name="t")
    assert list(link) == [0, 1, 2]
    assert threading.active_count() == 1
    assert list(link) == []


def test_it_works_ahead_by_size_and_then_waits():
    upstream = Upstream()
    link = threaded(upstream.items(), size=3, name="t")
    assert next(link) == 0
    time.sleep(0.1)
    assert upstream.made == 5  # one taken, three ready, one in hand
    link.close()


def test_newest_replaces_what_was_not_taken_in_time():
    upstream = Upstream(50, pause_s=0.002)
    seen = []
    for item in threaded(upstream.items(), newest=True, name="t"):
        seen.append(item)
        time.sleep(0.02)
    assert seen == sorted(set(seen))
    assert seen[-1] == 49  # the last is never dropped
    assert 2 < len(seen) < 25
    assert upstream.made == 50


def test_newest_hands_over_the_latest_not_the_next():
    upstream = Upstream(pause_s=0.001)
    link = threaded(upstream.items(), newest=True, name="t")
    next(link)
    time.sleep(0.1)
    made = upstream.made
    assert next(link) >= made - 1
    link.close()


def test_newest_takes_no_more_memory_however_long_it_runs():
    link = threaded(iter(range(10**9)), newest=True, name="t")
    for _ in range(1000):
        next(link)
    assert link._room.qsize() <= 2
    link.close()


@pytest.mark.parametrize("newest", [False, True])
def test_an_error_comes_out_as_itself_with_cause_and_traceback(newest):
    root = OSError("the cable")
    error = ValueError("no picture")
    error.__cause__ = root
    link = threaded(fails_after(0, error), newest=newest, name="t")
    with pytest.raises(ValueError, match="no picture") as caught:
        list(link)
    assert caught.value is error
    assert caught.value.__cause__ is root
    names = [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)]
    assert "fails_after" in names
    assert threading.active_count() == 1
    assert list(link) == []


def test_what_came_before_an_error_is_not_lost():
    seen = []
    with pytest.raises(ValueError, match="broke"):
        seen.extend(threaded(fails_after(5, ValueError("broke")), name="t"))
    # extend keeps what it took before the error
    assert seen == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(3), GeneratorExit()])
def test_even_an_exit_raised_upstream_does_not_hang_the_consumer(error):
    link = threaded(fails_after(1, error), name="t")
    assert next(link) == 0
    with pytest.raises(type(error)):
        next(link)


@pytest.mark.parametrize("newest", [False, True])
@pytest.mark.parametrize("taken", [1, 3])
def test_close_ends_the_thread_and_closes_upstream_there(newest, taken):
    upstream = Upstream()
    link = threaded(upstream.items(), newest=newest, name="t")
    for _ in range(taken):
        next(link)
    time.sleep(0.02)  # full by now
    link.close()
    assert upstream.closed_in == ["t"]
    assert threading.active_count() == 1
    link.close()
    assert list(link) == []


def test_close_before_the_first_item_closes_upstream():
    upstream = Upstream()
    link = threaded(upstream.items(), name="t")
    link.close()
    assert upstream.closed_in == ["t"]
    assert list(link) == []
    threaded([1, 2], name="t").close()  # what cannot be closed needs no closing


def test_close_wakes_an_upstream_that_is_stuck():
    driver = threading.Event()

    def stuck() -> Iterator[int]:
        yield 0
        driver.wait()

    link = threaded(stuck(), name="t", unblock=driver.set)
    next(link)
    started = time.monotonic()
    link.close()
    assert time.monotonic() - started < 1
    assert threading.active_count() == 1


def test_close_does_not_unblock_an_upstream_that_ends_by_itself():
    called = []
    link = threaded(Upstream().items(), name="t", unblock=lambda: called.append(1))
    next(link)
    link.close()
    assert called == []


def test_an_upstream_stuck_for_good_is_left_behind_with_a_warning(monkeypatch):
    driver = threading.Event()
    monkeypatch.setattr("stream.flow.LIMIT_S", 0.1)
    link = threaded((driver.wait() for _ in range(1)), name="capture")
    waiter = threading.Thread(target=lambda: list(link))
    waiter.start()
    time.sleep(0.02)
    with pytest.warns(ResourceWarning, match="'capture' is stuck"):
        link.close()
    driver.set()
    waiter.join()


def test_an_unblock_that_raises_is_told_but_the_thread_is_joined():
    driver = threading.Event()

    def unblock() -> None:
        driver.set()
        raise OSError("the driver is gone")

    link = threaded((driver.wait() for _ in range(2)), name="t", unblock=unblock)
    waiter = threading.Thread(target=lambda: list(link))
    waiter.start()
    time.sleep(0.02)
    with pytest.raises(OSError, match="driver is gone"):
        link.close()
    waiter.join()


def test_a_chain_stuck_at_its_top_is_closed_from_its_bottom():
    driver = threading.Event()
    events = []

    def source() -> Iterator[int]:
        try:
            yield 0
            driver.wait()
        finally:
            events.append("source")

    def double(items: Iterator[int]) -> Iterator[int]:
        try:
            for item in items:
                yield 2 * item
        finally:
            events.append("double")

    capture = threaded(source(), name="capture", newest=True, unblock=driver.set)
    infer = threaded(double(capture), name="infer", unblock=capture.close)
    assert next(infer) == 0
    started = time.monotonic()
    infer.close()
    capture.close()
    assert time.monotonic() - started < 1
    assert sorted(events) == ["double", "source"]


def test_an_error_of_closing_upstream_is_told():
    def items() -> Iterator[int]:
        try:
            yield 0
        finally:
            raise OSError("cannot finish")

    with pytest.raises(OSError, match="cannot finish"):
        list(threaded(items(), name="t"))


def test_an_error_does_not_keep_pictures_alive():
    class Picture:
        pass

    def items() -> Iterator[Picture]:
        picture = Picture()
        alive.append(weakref.ref(picture))
        yield picture
        raise ValueError("broke")

    alive: list[weakref.ref[Picture]] = []
    gc.collect()
    gc.disable()
    try:
        for _ in range(3):
            with contextlib.suppress(ValueError):  # pytest.raises would hold on to the traceback
                list(threaded(items(), name="t"))
        assert len(alive) == 3
        assert [ref() for ref in alive] == [None, None, None]
    finally:
        gc.enable()


def test_a_size_below_one_is_refused():
    with pytest.raises(ValueError, match="at least 1"):
        threaded([], size=0, name="t")
