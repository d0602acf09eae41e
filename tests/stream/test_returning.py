"""Live sources that break off, stay away for a while, and are there again."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from stream import returning
from stream.frame import Frame, SourceError, SourceInfo
from stream.returning import Returning

BREAKS, ENDS = "breaks", "ends"


class Cable:
    """A live source of some frames 0.1 s apart, which then breaks off or ends."""

    def __init__(
        self, count: int, then: str, *, timed: bool = True, live: bool = True, number: int = 0
    ) -> None:
        self.info = SourceInfo("cable", live=live)
        self._count, self._then, self._timed = count, then, timed
        self._number = number
        self.closed = 0

    def __iter__(self) -> Iterator[Frame]:
        picture = np.zeros((4, 4, 3), np.uint8)
        for i in range(self._count):
            pts_s = 50.0 + i / 10 if self._timed else None
            index = self._number + i
            yield Frame(picture, index, time.perf_counter(), pts_s, "cable")
        if self._then == BREAKS:
            raise SourceError("cable broke off")

    def close(self) -> None:
        self.closed += 1


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(returning, "PAUSE_S", 0.01)


def opening(*tries: Cable | None) -> Callable[[], Cable]:
    """What is found by one try after the other; None is nothing."""
    left = iter(tries)

    def open_again() -> Cable:
        found = next(left)
        if found is None:
            raise SourceError("cable gives no picture")
        return found

    return open_again


def test_frames_go_on_when_it_is_back(caplog):
    source = Returning(Cable(3, BREAKS), opening(None, None, Cable(2, ENDS)), wait_s=60)
    frames = list(source)
    assert [frame.index for frame in frames] == [0, 1, 2, 3, 4]
    said = [record.message for record in caplog.records]
    assert said[0] == "cable broke off (waiting for it to come back)"
    assert said[1].startswith("cable is back after 0.")
    assert len(said) == 2


def test_time_goes_on_as_the_clock_does():
    source = Returning(Cable(3, BREAKS), opening(*[None] * 20, Cable(2, ENDS)), wait_s=60)
    frames = list(source)
    before, after = frames[2], frames[3]
    away_s = after.captured_s - before.captured_s
    assert away_s >= 0.2
    assert after.pts_s - before.pts_s == pytest.approx(away_s)
    assert frames[4].pts_s - after.pts_s == pytest.approx(0.1)


def test_gaps_stay_gaps_and_a_third_time_follows_the_second():
    again = [Cable(2, BREAKS, number=7), Cable(1, ENDS, number=3)]
    frames = list(Returning(Cable(2, BREAKS, number=4), opening(*again), wait_s=60))
    assert [frame.index for frame in frames] == [4, 5, 6, 7, 8]
    assert [frame.pts_s for frame in frames] == sorted(frame.pts_s for frame in frames)


def test_what_has_no_media_time_has_none_afterwards():
    again = opening(Cable(1, ENDS, timed=True))
    frames = list(Returning(Cable(1, BREAKS, timed=False), again, wait_s=60))
    assert [frame.pts_s for frame in frames] == [None, None]


def test_what_had_media_time_goes_on_by_the_clock_where_none_comes_back():
    again = opening(Cable(2, ENDS, timed=False))
    frames = list(Returning(Cable(1, BREAKS), again, wait_s=60))
    passed_s = [frame.captured_s - frames[0].captured_s for frame in frames]
    assert [frame.pts_s - frames[0].pts_s for frame in frames] == pytest.approx(passed_s)


def test_an_end_in_good_order_is_the_end():
    source = Returning(Cable(3, ENDS), opening(), wait_s=60)
    assert len(list(source)) == 3


@pytest.mark.parametrize(("wait_s", "at_least_s"), [(0, 0), (0.15, 0.15)])
def test_what_stays_away_is_an_error_at_last(wait_s, at_least_s):
    frames = []
    began_s = time.monotonic()
    with pytest.raises(SourceError, match="cable broke off"):
        frames.extend(Returning(Cable(3, BREAKS), opening(*[None] * 100), wait_s=wait_s))
    assert at_least_s <= time.monotonic() - began_s < 1


def test_what_is_read_from_its_beginning_afterwards_was_at_its_end():
    film = Cable(9, ENDS, live=False)
    assert len(list(Returning(Cable(3, BREAKS), opening(film), wait_s=60))) == 3
    assert film.closed


def test_closed_while_it_waits_it_ends_at_once():
    source = Returning(Cable(3, BREAKS), opening(*[None] * 9999), wait_s=60)
    threading.Timer(0.1, source.close).start()
    began_s = time.monotonic()
    assert len(list(source)) == 3
    assert time.monotonic() - began_s < 1


def test_what_breaks_off_because_it_was_closed_is_not_waited_for(caplog):
    source = Returning(Cable(3, BREAKS), opening(), wait_s=60)
    frames = iter(source)
    next(frames)
    source.close()
    assert len(list(frames)) == 2
    assert not caplog.records


def test_what_comes_back_too_late_is_closed():
    late, asked = Cable(1, ENDS), threading.Event()

    def slow() -> Cable:
        asked.set()
        time.sleep(0.2)
        return late

    def leave() -> None:
        asked.wait()
        source.close()

    source = Returning(Cable(3, BREAKS), slow, wait_s=60)
    threading.Thread(target=leave).start()
    assert len(list(source)) == 3
    assert late.closed


def test_closed_while_an_opening_hangs_it_ends_all_the_same(monkeypatch):
    monkeypatch.setattr("stream.flow.LIMIT_S", 0.1)
    asked, let_go = threading.Event(), threading.Event()

    def stuck() -> Cable:
        asked.set()
        let_go.wait(5)
        return Cable(1, ENDS)

    def leave() -> None:
        asked.wait()
        source.close()

    source = Returning(Cable(3, BREAKS), stuck, wait_s=60)
    threading.Thread(target=leave).start()
    assert len(list(source)) == 3
    assert threading.active_count() > 1  # it hangs yet
    let_go.set()


def test_other_errors_of_opening_are_not_waited_out():
    def broken() -> Cable:
        raise MemoryError

    with pytest.raises(MemoryError):
        list(Returning(Cable(3, BREAKS), broken, wait_s=60))
