"""What a user with a camera is told to do, and when it is enough."""

from __future__ import annotations

import io

import pytest
from counted import corners, result
from rich.console import Console

from stream.calibrate_console import AGAIN, BEGIN, LAYING_S, LAYINGS, PATIENCE_S, Guide
from stream.decks import DECKS
from stream.frame import Finished, SourceInfo
from stream.measure import Measure
from stream.stats import Stats

CAMERA = SourceInfo("camera 0", live=True, fps=30.0)
CLIP = SourceInfo("clip.mp4", frames=100, fps=30.0)
FULL = int(LAYING_S * 30) + 2


def guide(info: SourceInfo, *, terminal: bool = False) -> tuple[Guide, Measure, io.StringIO]:
    out = io.StringIO()
    measure = Measure(DECKS["poker"], stills=False)
    return Guide(info, measure, Console(file=out, force_terminal=terminal, width=200)), measure, out


def laid(guided: Guide, start: int, count: int, thickness_mm: float | None) -> None:
    xy = None if thickness_mm is None else corners(thickness_mm)
    for i in range(start, start + count):
        guided(result(i, xy), Stats())


def test_a_camera_ends_after_three_layings_that_were_asked_for():
    guided, measure, out = guide(CAMERA)
    with guided:
        assert BEGIN in out.getvalue()
        for number in range(1, LAYINGS):
            laid(guided, number * 300, FULL, 12.0 + number)
            assert out.getvalue().count(AGAIN) == number
            laid(guided, number * 300 + 100, 30, None)
        with pytest.raises(Finished):
            laid(guided, 1500, FULL, 15.0)
    assert len(measure.layings.layings()) == LAYINGS
    assert out.getvalue().count(AGAIN) == LAYINGS - 1


def test_hands_that_come_for_the_packet_are_not_measured():
    guided, measure, _ = guide(CAMERA)
    laid(guided, 0, FULL, 12.0)
    laid(guided, FULL, 60, 5.0)
    assert measure.layings.layings()[0].thickness_mm == pytest.approx(12.0, rel=0.03)
    assert measure.layings.counts[0] <= FULL


def test_single_frames_that_miss_a_packet_which_lies_there_are_no_new_laying():
    guided, measure, _ = guide(CAMERA)
    laid(guided, 0, FULL, 12.0)
    for start in (FULL, FULL + 40):
        laid(guided, start, 1, None)
        laid(guided, start + 1, 39, 12.0)
    assert len(measure.layings.counts) == 1
    assert measure.layings.current_s >= LAYING_S


def test_who_does_not_lay_it_down_again_is_not_waited_for_for_ever():
    guided, measure, _ = guide(CAMERA)
    laid(guided, 0, FULL, 12.0)
    with pytest.raises(Finished):
        laid(guided, FULL, int(PATIENCE_S * 30) + 2, 12.0)
    assert len(measure.layings.layings()) == 1


def test_without_a_packet_it_waits():
    guided, measure, _ = guide(CAMERA)
    laid(guided, 0, int(2 * PATIENCE_S * 30), None)
    assert measure.layings.layings() == []


def test_a_file_is_looked_at_to_its_end_without_a_word():
    guided, measure, out = guide(CLIP)
    with guided:
        laid(guided, 0, 4 * FULL, 12.0)
    assert measure.layings.counts == [4 * FULL]
    assert out.getvalue() == ""


def test_a_terminal_is_told_the_thickness_or_what_is_in_its_way(monkeypatch):
    monkeypatch.setattr("stream.calibrate_console.PERIOD_S", 0.0)
    guided, _, out = guide(CLIP, terminal=True)
    with guided:
        laid(guided, 0, 2, None)
        assert "no packet in the picture" in out.getvalue()
        laid(guided, 2, 2, 12.0)
        assert "mm" in out.getvalue()
