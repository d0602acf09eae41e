"""A file read twice: nothing lags, the count is there at once, and both passes see the same."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from commands import fake, frames_in, make_clip, only_error
from pieces import CORNERS, SPEC, Dots, Taker, write_spec
from test_steady import CORNERS as STEADY
from test_steady import film

from engines.fake import FakeEngine, paint
from stream import cli
from stream.estimate import estimate
from stream.frame import Frame, SourceError
from stream.pipeline import run
from stream.second_pass import SecondPass
from stream.steady import Steady, steady_both_ways

EMPTY = np.full((96, 128, 3), 90, np.uint8)


def frames_of(positions, fps=30.0):
    for i, xy in enumerate(positions):
        image = EMPTY if xy is None else paint(EMPTY, xy, 4.0)
        yield Frame(image, i, 1000.0 + i, i / fps, "film")


def twice(positions, spec=SPEC):
    """Corners (8, 2) or None, frame by frame → the results of both passes."""
    passes, frames = SecondPass(), list(frames_of(positions))
    engine = FakeEngine(spec, cards=20)
    first = list(passes.first(iter(frames), engine))
    return first, list(passes.second(iter(frames), engine))


def test_a_packet_at_rest_stays_as_it_is_and_is_locked_from_its_first_frame():
    first, second = twice([CORNERS] * 25)
    assert [result.state for result in second] == ["locked"] * 25
    for result in second:
        assert result.packet is not None
        assert result.count is not None
        assert np.abs(result.packet.xy - CORNERS).max() < 0.6
        assert result.packet.visible.all()
        assert result.count == second[0].count
        assert result.count.cards == 20
    assert list(second[3].stages_s) == list(first[3].stages_s)
    assert second[3].stages_s["engine"] == pytest.approx(first[3].stages_s["engine"], rel=1e-6)


def test_a_packet_in_motion_is_where_it_is_and_not_behind():
    path = [CORNERS - (30, 0) + (0.05 * i * i, 0) for i in range(30)]
    _, second = twice(path)
    steady = list(estimate(frames_of(path), FakeEngine(SPEC)))
    behind = [
        np.mean(
            [(xy - r.packet.xy)[:, 0].mean() for xy, r in zip(path, results, strict=True)][8:-8]
        )
        for results in (second, steady)
    ]
    assert np.abs(behind).max() < 0.1


def test_where_there_is_no_packet_nothing_is_told():
    _, second = twice([None] * 3 + [CORNERS] * 5 + [None] * 8 + [CORNERS] * 20)
    states = [result.state for result in second]
    # one that comes is there in the second frame that shows it
    assert states == ["no_packet"] * 4 + ["settling"] * 4 + ["no_packet"] * 9 + ["locked"] * 19
    for result in second:
        assert (result.packet is None) == (result.count is None) == (result.state == "no_packet")


def test_a_model_that_counts_nothing_has_nothing_to_settle():
    _, second = twice([CORNERS] * 3, replace(SPEC, max_cards=None))
    assert [(result.state, result.count) for result in second] == [("locked", None)] * 3


def test_a_packet_too_far_to_be_counted_settles_in_neither_pass():
    far = [CORNERS / 4 + 20] * 20
    _, second = twice(far)
    once = list(estimate(frames_of(far), FakeEngine(SPEC, cards=20)))
    for result, single in zip(second[2:], once[2:], strict=True):
        assert (result.state, result.count, result.doubt) == (single.state, None, single.doubt)
        assert result.state == "settling"
        assert result.doubt.startswith("too far")


def test_an_empty_film_makes_no_result():
    assert twice([]) == ([], [])


@pytest.mark.parametrize("spoil", [lambda f: f[:-1], lambda f: [*f, f[-1]], lambda f: f[1:]])
def test_a_file_that_is_not_the_same_in_both_passes_is_an_error(spoil):
    passes, engine, frames = SecondPass(), FakeEngine(SPEC), list(frames_of([CORNERS] * 6))
    list(passes.first(iter(frames), engine))
    with pytest.raises(SourceError, match="is the file being written"):
        list(passes.second(iter(spoil(frames)), engine))


def test_the_second_pass_works_with_a_closed_engine():
    passes, engine, taker = SecondPass(), FakeEngine(SPEC), Taker(wants_picture=True)
    run(Dots(20), engine, [], find=passes.first)
    stats = run(Dots(20), engine, [taker], find=passes.second)
    assert taker.indices == list(range(20))
    assert stats.latency_s("engine", 50) > 0
    assert taker.pictures[5] is not None


def test_both_ways_what_does_not_change_stays_and_a_jump_is_sharp():
    ones, times = np.ones((40, 8)), np.arange(40) / 30
    xy = np.array([STEADY] * 20 + [STEADY + 300] * 20)
    at, visible = steady_both_ways(xy, ones, ones, times)
    assert np.allclose(at, xy)
    assert visible.all()


def test_both_ways_noise_is_smoothed_more_and_motion_does_not_lag():
    rng, times = np.random.default_rng(0), np.arange(120) / 30
    noise = rng.normal(0, 0.5, (120, 8, 2))
    path = 60 * np.sin(2 * np.pi * 0.5 * times)[:, None, None]
    at, _ = steady_both_ways(STEADY + noise, np.ones((120, 8)), np.ones((120, 8)), times)
    assert at[30:-30].std(axis=0).mean() < film(Steady(), STEADY + noise)[30:].std(axis=0).mean()
    moved, _ = steady_both_ways(STEADY + path, np.ones((120, 8)), np.ones((120, 8)), times)
    online = film(Steady(), STEADY + path)
    off = [np.abs(way - STEADY - path)[20:-20].mean() for way in (moved, online)]
    assert off[0] < off[1] / 2


def test_both_ways_a_corner_unknown_one_way_is_told_by_the_other():
    xy = np.array([STEADY] * 30)
    xy[:15, 4] = np.nan
    at, visible = steady_both_ways(xy, np.ones((30, 8)), np.ones((30, 8)), np.arange(30) / 30)
    assert np.isnan(at[:10, 4]).all()
    assert not visible[:10, 4].any()
    assert np.allclose(at[15:], STEADY)
    assert np.allclose(at[11:15, 4], STEADY[4])


def test_the_command_writes_every_frame_and_tells_of_both_passes(tmp_path, capsys):
    clip, out = make_clip(tmp_path / "clip.mp4", 12), tmp_path / "out.mp4"
    model = write_spec(tmp_path / "model.onnx")
    assert cli.main([str(clip), "--second-pass", "--out", str(out), *fake(model)]) == 0
    assert frames_in(out) == 12
    told = capsys.readouterr().err.splitlines()
    assert ["first pass: 12 frames" in line for line in told] == [True, False]


UNWRITABLE = [["--out", "out.avi"], ["--show"]]
if Path("/proc/self").exists():  # where nobody may create a file
    UNWRITABLE += [["--out", "/proc/out.mp4"], ["--json", "/proc/out.jsonl"]]


@pytest.mark.parametrize("words", UNWRITABLE)
@pytest.mark.usefixtures("no_display")
def test_what_cannot_be_written_is_told_before_the_first_pass(words, clip, model, capsys):
    assert cli.main([str(clip), "--second-pass", *words, *fake(model)]) == 1
    only_error(capsys)


@pytest.mark.parametrize(
    "words", [["--camera", "0"], ["rtsp://host/stream"], ["synth:"], ["no.mp4"], ["shot.png"]]
)
def test_what_cannot_be_read_twice_is_wrong_usage(words, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cv2.imwrite("shot.png", EMPTY)
    model = write_spec(tmp_path / "model.onnx")
    assert cli.main([*words, "--second-pass", "--json", "out.jsonl", *fake(model)]) == 2
    assert "wants a video file, got" in only_error(capsys)
    assert not (tmp_path / "out.jsonl").exists()
