"""Source to sinks: what arrives, in which order, with which times; and what is closed."""

from __future__ import annotations

import threading

import cv2
import numpy as np
import pytest
from pieces import CORNERS, PICTURE, SPEC, Dots, Taker

from engines.fake import FakeEngine
from stream.frame import Finished
from stream.pipeline import run
from stream.stats import AGE


@pytest.mark.parametrize("delay_s", [0.0, 0.005])
def test_a_file_loses_repeats_and_reorders_nothing(delay_s):
    source, first, second = Dots(60), Taker(), Taker(pause_s=0.001)
    stats = run(source, FakeEngine(SPEC, delay_s=delay_s), [first, second])
    assert first.indices == list(range(60))
    assert second.indices == list(range(60))
    assert (stats.frames, stats.dropped) == (60, 0)


def test_what_is_found_is_what_was_painted():
    taker = Taker()
    run(Dots(3), FakeEngine(SPEC, cards=31), [taker])
    assert len(taker.results) == 3
    for result in taker.results:
        assert result.packet is not None
        assert result.count is not None
        np.testing.assert_allclose(result.packet.xy, CORNERS, atol=1.0)
        assert result.count.cards == 31


def test_a_live_source_loses_frames_and_counts_them():
    source, taker = Dots(60, live=True, pause_s=0.005), Taker()
    stats = run(source, FakeEngine(SPEC, delay_s=0.04), [taker])
    assert 2 < stats.frames < 40
    assert taker.indices == sorted(set(taker.indices))
    assert stats.frames + stats.dropped == taker.indices[-1] + 1 == 60


def test_a_live_result_is_of_a_frame_that_was_new():
    taker = Taker()
    stats = run(Dots(60, live=True, pause_s=0.005), FakeEngine(SPEC, delay_s=0.04), [taker])
    # waiting for all 60, half of them would be 1.2 s old
    assert stats.latency_s(AGE, 50) < 0.6


class Watchful(Taker):
    """Counts how often nothing came after two results, and has had enough after some."""

    def __init__(self, enough: int) -> None:
        super().__init__()
        self.idled, self._enough = 0, enough

    def idle(self) -> None:
        self.idled += len(self.results) == 2
        if self.idled == self._enough:
            raise Finished


def test_a_sink_is_asked_while_no_result_comes_and_may_end_the_run():
    source, sink = Dots(2, stuck=True), Watchful(enough=3)
    run(source, FakeEngine(SPEC), [Taker(), sink])
    assert (len(sink.results), sink.idled, sink.closed) == (2, 3, 1)
    assert source.closed


def test_only_who_wants_the_picture_gets_it_and_it_is_a_drawn_copy():
    draws, plain = Taker(wants_picture=True), Taker()
    run(Dots(2), FakeEngine(SPEC), [plain, draws])
    assert plain.pictures == [None, None]
    assert len(draws.pictures) == 2
    for picture in draws.pictures:
        assert picture is not None
        assert picture.shape == PICTURE.shape
        assert (picture != PICTURE).any()
    assert "draw" in draws.results[0].stages_s


def test_nothing_is_drawn_for_nobody():
    taker = Taker()
    stats = run(Dots(2), FakeEngine(SPEC), [taker])
    assert "draw" not in taker.results[0].stages_s
    assert "draw" not in stats.stages


def test_the_picture_tells_the_rate():
    taker = Taker(wants_picture=True)
    run(Dots(3), FakeEngine(SPEC), [taker])
    first, last = taker.pictures[0], taker.pictures[-1]
    assert first is not None
    assert last is not None
    top_right = np.s_[:12, 80:]  # where nothing else is drawn
    assert (first[top_right] == PICTURE[top_right]).all()  # no rate before the second frame
    assert (last[top_right] != PICTURE[top_right]).any()


def test_names_are_written_into_the_picture_if_wanted():
    plain, named = Taker(wants_picture=True), Taker(wants_picture=True)
    run(Dots(1), FakeEngine(SPEC), [plain])
    run(Dots(1), FakeEngine(SPEC), [named], names=True)
    assert plain.pictures[0] is not None
    assert named.pictures[0] is not None
    assert (plain.pictures[0] != named.pictures[0]).any()


def test_every_stage_is_timed_and_the_watcher_told():
    seen = []
    stats = run(
        Dots(4),
        FakeEngine(SPEC, delay_s=0.01),
        [Taker(wants_picture=True, pause_s=0.002)],
        on_result=lambda result, stats: seen.append((result.frame.index, stats.frames)),
    )
    assert seen == [(0, 1), (1, 2), (2, 3), (3, 4)]
    found = {"prepare", "engine", "decode", "track", "count"}
    assert found | {"draw", "write", AGE} == set(stats.stages)
    assert stats.latency_s("engine", 1) >= 0.01
    assert stats.latency_s("write", 1) >= 0.002
    assert stats.latency_s(AGE, 1) >= 0.012


def test_sinks_are_called_from_the_callers_thread():
    class Where(Taker):
        def write(self, result, picture):
            super().write(result, picture)
            threads.append(threading.current_thread())

    threads: list[threading.Thread] = []
    run(Dots(2), FakeEngine(SPEC), [Where()])
    assert threads == [threading.current_thread()] * 2


def test_a_sink_that_has_had_enough_ends_the_run_in_good_order():
    source, first = Dots(1000), Taker()
    engine, second = FakeEngine(SPEC), Taker(error=Finished(), after=5)
    stats = run(source, engine, [first, second])
    assert second.indices == [0, 1, 2, 3, 4]
    assert stats.frames == 5
    assert source.closed
    assert first.closed == second.closed == 1
    assert source.read < 20


def test_everything_is_closed_even_if_every_close_raises():
    source = Dots(2)
    engine = FakeEngine(SPEC)
    sinks = [Taker(close_error=OSError("full")), Taker(close_error=OSError("gone"))]
    with pytest.raises(OSError, match=r"full|gone"):
        run(source, engine, sinks)
    assert [sink.closed for sink in sinks] == [1, 1]
    assert source.closed
    assert_closed(engine)


def test_the_first_error_is_the_one_that_is_raised():
    sink = Taker(error=ValueError("the cause"), close_error=OSError("its echo"))
    with pytest.raises(ValueError, match="the cause"):
        run(Dots(5), FakeEngine(SPEC), [sink])
    assert sink.closed == 1


def test_all_is_closed_when_not_even_the_beginning_works():
    class Speechless(Dots):
        @property
        def info(self):
            raise OSError("nothing is known")

        @info.setter
        def info(self, value):
            pass

    source, engine, sink = Speechless(1), FakeEngine(SPEC), Taker()
    with pytest.raises(OSError, match="nothing is known"):
        run(source, engine, [sink])
    assert source.closed
    assert sink.closed == 1
    assert_closed(engine)


def test_a_run_from_another_thread_works_as_well():
    taker = Taker()
    thread = threading.Thread(target=run, args=(Dots(3), FakeEngine(SPEC), [taker]))
    thread.start()
    thread.join(5)
    assert taker.indices == [0, 1, 2]
    assert taker.closed == 1


def assert_closed(engine: FakeEngine) -> None:
    with pytest.raises(RuntimeError, match="closed"):
        engine(np.zeros((1, *SPEC.input_hw, 3), np.uint8))


@pytest.mark.parametrize(("live", "during"), [(False, 1), (True, 2)])
def test_opencv_keeps_to_one_thread_beside_a_file_and_has_them_back(live, during):
    before = cv2.getNumThreads()
    cv2.setNumThreads(2)
    seen = []
    try:
        source = Dots(2, live=live)
        run(source, FakeEngine(SPEC), [], on_result=lambda *_: seen.append(cv2.getNumThreads()))
        assert set(seen) == {during}
        assert cv2.getNumThreads() == 2
    finally:
        cv2.setNumThreads(before)
