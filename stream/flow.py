"""Threads: between two stages of a chain of generators, and for one call. No other file starts one.

    for result in threaded(estimate(threaded(source, name="capture")), name="infer"): …

Whatever is upstream of a `threaded` runs in its thread. What always holds:

- items come out in order, and none is lost unless `newest` asks for it;
- what upstream raises comes out as itself, traceback and all, behind the items before it;
- after `close` the thread has ended and has closed upstream, whichever side was waiting.

It is a line, not a tree: one consumer, and nothing is given back but by `close`.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Generic, TypeVar

T = TypeVar("T")

GRACE_S = 0.2  # for upstream to end by itself, before it is unblocked
LIMIT_S = 3.0  # for its thread to end, all in all


class _End:
    """The last thing handed over: upstream ended, or raised `error`."""

    def __init__(self) -> None:
        self.error: BaseException | None = None


class threaded(Iterator[T]):  # noqa: N801 - reads as a word in a chain, like enumerate
    """Items → the same items, made in a thread called `name` that starts at once.

    The thread works ahead by `size` items and then waits; with `newest` it never waits, and an
    item that was not taken in time is replaced by the next. Owns `items`: `close` closes it too.
    `unblock` is called by `close`, from its caller's thread, if upstream is stuck in a wait of its
    own; it must make that wait end.
    """

    def __init__(
        self,
        items: Iterable[T],
        *,
        name: str,
        newest: bool = False,
        size: int = 2,
        unblock: Callable[[], None] | None = None,
    ) -> None:
        if size < 1:
            raise ValueError(f"size must be at least 1 item, got {size}")
        self._items = items
        self._newest = newest
        self._unblock = unblock
        self._stopped = False
        self._roomy = False  # room was made for an item that was not there in time
        # SimpleQueue is one step of C: Ctrl-C cannot leave it half locked, as it can a Condition.
        self._ready: SimpleQueue[T | _End] = SimpleQueue()
        self._room: SimpleQueue[None] = SimpleQueue()
        for _ in range(size):
            self._room.put(None)
        self._thread = Thread(target=self._produce, name=name, daemon=True)
        self._thread.start()

    def __next__(self) -> T:
        return self.within(None)

    def within(self, seconds: float | None) -> T:
        """The next item, or TimeoutError if none is there in time, which loses none."""
        if self._stopped:
            raise StopIteration
        # Room is made before the item is taken: an interrupt between the two then leaves a place
        # too many, where the other order would leave one too few, and in the end a deadlock.
        if not self._newest and not self._roomy:
            self._room.put(None)
        self._roomy = False
        try:
            item = self._ready.get(timeout=seconds)
        except Empty:
            self._roomy = True
            raise TimeoutError from None
        if not isinstance(item, _End):
            return item
        self._stopped = True
        self._thread.join(LIMIT_S)
        error, item.error = item.error, None
        try:
            raise StopIteration if error is None else error
        finally:
            del error  # its traceback holds this frame: a circle would keep pictures alive

    def close(self) -> None:
        """Stop the thread, close what is upstream, join. From any thread; may be called twice."""
        self._stopped = True
        self._room.put(None)  # wakes the thread if it waits for room
        self._ready.put(_End())  # wakes a consumer that waits in another thread
        deadline = time.monotonic() + LIMIT_S
        self._thread.join(GRACE_S)
        try:
            if self._unblock is not None and self._thread.is_alive():
                self._unblock()
        finally:
            self._thread.join(max(GRACE_S, deadline - time.monotonic()))
            if self._thread.is_alive():
                text = f"the thread {self._thread.name!r} is stuck and was left behind"
                warnings.warn(text, ResourceWarning, stacklevel=2)

    def _produce(self) -> None:
        end = _End()
        try:
            items = iter(self._items)
            try:
                for item in items:
                    self._hand_over(item)
                    if self._stopped:
                        break
            finally:
                _close(items)
        except BaseException as error:  # noqa: BLE001 - the consumer raises it
            end.error = error
        self._ready.put(end)

    def _hand_over(self, item: T) -> None:
        if self._newest:
            with suppress(Empty):
                self._ready.get_nowait()
        else:
            self._room.get()
        self._ready.put(item)


def _close(items: object) -> None:
    """Close a generator, started or not; what cannot be closed needs no closing."""
    close = getattr(items, "close", None)
    if close is not None:
        close()


class Later(Generic[T]):
    """A call made in a thread called `name` that starts at once; its answer is taken when ready.

    One that is never taken comes out of `close`, for it may have to be closed itself.
    """

    def __init__(self, call: Callable[[], T], *, name: str) -> None:
        self._call = call
        self._answer: SimpleQueue[T] = SimpleQueue()
        self._error: BaseException | None = None
        self._thread = Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    @property
    def ready(self) -> bool:
        """Whether the call has ended, one way or the other."""
        return not self._thread.is_alive()

    def take(self) -> T:
        """Wait for the call, if need be, and hand over its answer, once. Raises what it raised."""
        self._thread.join()
        if self._error is not None:
            error, self._error = self._error, None
            raise error
        return self._answer.get_nowait()

    def close(self) -> T | None:
        """Wait for the call to end, `LIMIT_S` at most, and hand over what nobody took."""
        self._thread.join(LIMIT_S)
        with suppress(Empty):
            return self._answer.get_nowait()
        return None

    def _run(self) -> None:
        try:
            self._answer.put(self._call())
        except BaseException as error:  # noqa: BLE001 - whoever takes it raises it
            self._error = error
