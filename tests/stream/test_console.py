"""What a run says on stderr, read back from a terminal of our own."""

from __future__ import annotations

import io
import time

import pytest
from pieces import PICTURE
from rich.console import Console

from stream.console import PERIOD_S, Dashboard, status, summary
from stream.frame import Count, Frame, Result, SourceInfo
from stream.stats import Stats

CLIP = SourceInfo("clip.mp4", frames=100, fps=30.0)
CAMERA = SourceInfo("camera 0", live=True)


def result(index: int, count: Count | None = None) -> Result:
    frame = Frame(PICTURE, index, index / 30 - 0.040, None, "clip.mp4")
    return Result(frame, "locked", None, count, 1.0, {"engine": 0.0052})


def ran(frames: int, step: int = 1) -> Stats:
    stats = Stats()
    for i in range(frames):
        stats.add(result(i * step), i * step / 30)
    return stats


def terminal(*, is_terminal: bool) -> Console:
    return Console(file=io.StringIO(), force_terminal=is_terminal, width=120, legacy_windows=False)


def said(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_the_summary_names_frames_rate_drops_latency_and_engine():
    line = summary(CLIP, "OpenVINO 1 on CPU", ran(90))
    assert line == (
        "clip.mp4: 90 frames, 30.0 fps, 0 dropped, engine 5.2 ms (p95 5.2 ms), OpenVINO 1 on CPU"
    )


def test_the_summary_of_a_camera_tells_the_age_and_the_drops():
    line = summary(CAMERA, "fake", ran(90, step=2))
    assert "15.0 fps, 89 dropped, capture to shown 40.0 ms (p95 40.0 ms)" in line


def test_the_summary_of_nothing_has_no_numbers_made_up():
    assert "0 frames, – fps" in summary(CLIP, "fake", Stats())


def test_a_result_that_is_old_is_said_to_be(monkeypatch):
    console, now_s = terminal(is_terminal=True), [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now_s[0])
    with Dashboard(CAMERA, lambda: "fake", console) as dashboard:
        dashboard.idle()  # nothing has come yet, which is another matter
        assert "no picture" not in said(console)
        dashboard(result(0), ran(1))
        for now_s[0] in (101.0, 107.0):
            dashboard.idle()
    assert "no picture for 1 s" not in said(console)
    assert "no picture for 7 s" in said(console)


def test_until_there_is_a_result_it_says_what_it_waits_for():
    console = terminal(is_terminal=True)
    with Dashboard(CLIP, lambda: "fake", console, waiting="putting 5,400 frames together"):
        assert "putting 5,400 frames together" in said(console)


def test_the_status_names_the_count_with_its_interval():
    text = status(result(0, Count(36.6, 35, 39)), ran(30))
    assert text == "30.0 fps · locked · 37 cards (35 to 39)"
    assert "dropped" in status(result(0), ran(30, step=2))


def test_no_terminal_gets_one_line_at_last():
    console = terminal(is_terminal=False)
    stats = ran(90)
    with Dashboard(CLIP, lambda: "fake", console) as dashboard:
        dashboard(result(0), stats)
        assert said(console) == ""
    assert said(console) == summary(CLIP, "fake", stats) + "\n"


@pytest.mark.parametrize(("info", "wanted"), [(CLIP, "90/100"), (CAMERA, "fps")])
def test_a_terminal_sees_progress_and_the_engine_that_runs(info, wanted):
    console = terminal(is_terminal=True)
    with Dashboard(info, lambda: "the engine", console) as dashboard:
        dashboard(result(89), ran(90))
        assert wanted in said(console)
        assert "the engine" in said(console)
        assert info.name in said(console)
    assert said(console).rstrip().endswith("the engine")


def test_a_bar_stands_for_a_file_only():
    console = terminal(is_terminal=True)
    with Dashboard(CAMERA, lambda: "fake", console) as dashboard:
        dashboard(result(0), ran(2))
    assert "/100" not in said(console)
    assert "━" not in said(console)


def test_it_draws_ten_times_a_second_at_most():
    console = terminal(is_terminal=True)
    stats = ran(30)
    with Dashboard(CLIP, lambda: "fake", console) as dashboard:
        before = said(console).count("fake")
        started = time.monotonic()
        while time.monotonic() - started < 3.5 * PERIOD_S:
            dashboard(result(0), stats)
        assert 2 <= said(console).count("fake") - before <= 4


@pytest.mark.parametrize(
    ("error", "wanted"), [(ValueError(), False), (KeyboardInterrupt(), True), (None, True)]
)
def test_an_error_gets_no_summary_but_an_interrupt_does(error, wanted):
    console = terminal(is_terminal=False)
    dashboard = Dashboard(CLIP, lambda: "fake", console)
    dashboard(result(0), ran(30))
    dashboard.__exit__(type(error), error, None)
    assert ("30 frames" in said(console)) == wanted
    assert bool(said(console)) == wanted
