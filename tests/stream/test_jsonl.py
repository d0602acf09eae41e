"""The JSON line, word for word."""

from __future__ import annotations

import json
import math
import os
import signal
import threading
import time
from collections.abc import Iterator
from io import FileIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pieces import SPEC

from stream.frame import Count, Frame, Packet, Result
from stream.sinks.jsonl import JsonLines, as_line, open_sink

IMAGE = np.zeros((4, 4, 3), np.uint8)


def found(index: int = 12, pts_s: float | None = 0.4, captured_s: float = 7.0) -> Result:
    xy = np.full((8, 2), np.nan)
    xy[0] = 312.404, 120.899
    score = np.linspace(0.91, 0.0, 8)
    packet = Packet(xy, score, np.arange(8) == 0)
    frame = Frame(IMAGE, index, captured_s, pts_s, "Kärtchen.mp4")
    stages = {"prepare": 0.0012345678, "engine": 0.004}
    return Result(frame, "locked", packet, Count(36.8, 35, 39), 0.97, stages)


def nothing(pts_s: float | None = None, captured_s: float = 0.0) -> Result:
    return Result(Frame(IMAGE, 0, captured_s, pts_s, "a.png"), "no_packet", None, None, 0.02)


def test_the_line_of_a_packet():
    line = as_line(found(), SPEC.keypoints, 0.4)
    assert line.startswith(
        '{"source": "Kärtchen.mp4", "frame": 12, "time_s": 0.4, "state": "locked", '
        '"cards": 37, "cards_mean": 36.8, "cards_low": 35, "cards_high": 39, "doubt": null, '
        '"score": 0.97, '
        '"keypoints": [{"name": "upper_left_face", "x": 312.4, "y": 120.9, "score": 0.91, '
        '"visible": true}, {"name": "upper_right_face", "x": null, "y": null, "score": 0.78, '
        '"visible": false}, '
    )
    assert line.endswith('], "latency_ms": {"prepare": 1.235, "engine": 4.0}}')
    assert [p["name"] for p in json.loads(line)["keypoints"]] == list(SPEC.keypoints)


def test_the_line_of_nothing():
    assert as_line(nothing(), SPEC.keypoints, None) == (
        '{"source": "a.png", "frame": 0, "time_s": null, "state": "no_packet", "cards": null, '
        '"cards_mean": null, "cards_low": null, "cards_high": null, "doubt": null, '
        '"score": 0.02, "keypoints": [], "latency_ms": {}}'
    )


@given(
    time_s=st.none() | st.floats(),
    score=st.floats(),
    mean=st.floats(0, 52),
    stage_s=st.floats(),
    name=st.text(),
)
def test_a_line_is_one_line_of_strict_json_whatever_is_in_it(time_s, score, mean, stage_s, name):
    frame = Frame(IMAGE, 0, 0.0, time_s, name)
    result = Result(frame, "settling", None, Count(mean, 0, 52), score, {"engine": stage_s})
    line = as_line(result, SPEC.keypoints, time_s)
    assert "\n" not in line
    values = json.loads(line, parse_constant=pytest.fail)
    assert values["source"] == name
    finite = time_s is not None and math.isfinite(time_s)
    assert values["time_s"] == (pytest.approx(time_s, abs=1e-6) if finite else None)


def test_a_line_is_in_the_file_once_written(tmp_path):
    path = tmp_path / "out.jsonl"
    sink = open_sink(path, SPEC)
    assert not sink.wants_picture
    sink.write(found())
    assert path.read_bytes() == (as_line(found(), SPEC.keypoints, 0.4) + "\n").encode()
    sink.write(nothing())
    sink.close()
    sink.close()
    lines = path.read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["state"] for line in lines] == ["locked", "no_packet"]


def test_a_name_that_is_not_utf_8_comes_back_byte_for_byte(tmp_path):
    name, path = b"K\xe4rtchen \xf0\x9f\x82\xa1.png", tmp_path / "out.jsonl"
    sink = open_sink(path, SPEC)
    frame = Frame(IMAGE, 0, 0.0, None, name.decode("utf-8", "surrogateescape"))
    sink.write(Result(frame, "no_packet", None, None, 0.02))
    sink.close()
    line = path.read_bytes()
    assert b'"K\\udce4rtchen \xf0\x9f\x82\xa1.png"' in line
    assert json.loads(line)["source"].encode("utf-8", "surrogateescape") == name


@pytest.mark.parametrize(("live", "wanted"), [(True, [0.0, 0.25, 1.5]), (False, [None] * 3)])
def test_only_a_camera_is_timed_by_its_clock(tmp_path, live, wanted):
    path = tmp_path / "out.jsonl"
    sink = open_sink(path, SPEC, live=live)
    for captured_s in (100.0, 100.25, 101.5):
        sink.write(nothing(captured_s=captured_s))
    sink.close()
    assert [json.loads(line)["time_s"] for line in path.read_text().splitlines()] == wanted


def test_no_such_folder(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        open_sink(tmp_path / "nowhere" / "out.jsonl", SPEC)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's full disk")
def test_a_full_disk_is_told_with_the_name_of_the_file():
    sink = open_sink(Path("/dev/full"), SPEC)
    with pytest.raises(OSError, match=r"^cannot write /dev/full: No space left on device$"):
        sink.write(nothing())
    sink.close()


@pytest.fixture
def pipe() -> Iterator[tuple[int, FileIO]]:
    """What is written to a pipe can be read from it, if anybody does."""
    reader, writer = os.pipe()
    with FileIO(writer, "wb") as file:
        yield reader, file
    os.close(reader)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="Windows has no timers of this kind")
def test_a_line_that_nobody_took_is_not_waited_for_again(pipe):
    sink = JsonLines(pipe[1], "pipe", SPEC.keypoints, live=False, alone=True)
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.setitimer(signal.ITIMER_REAL, 0.2, 0.5)
    try:
        with pytest.raises(KeyboardInterrupt):
            write_for_ever(sink)
        sink.close()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def write_for_ever(sink: JsonLines) -> None:
    while True:
        sink.write(found())


@pytest.mark.skipif(not hasattr(os, "set_blocking"), reason="Windows has no such pipes")
def test_a_slow_reader_of_a_pipe_that_does_not_wait_loses_nothing(pipe):
    os.set_blocking(pipe[1].fileno(), False)  # so may any process that shares it
    sink = JsonLines(pipe[1], "pipe", SPEC.keypoints, live=False, alone=True)
    read = bytearray()

    def read_slowly() -> None:
        time.sleep(0.1)
        while data := os.read(pipe[0], 10_000):
            read.extend(data)

    thread = threading.Thread(target=read_slowly)
    thread.start()
    for index in range(300):
        sink.write(found(index))
    sink.close()
    thread.join()
    assert [json.loads(line)["frame"] for line in read.splitlines()] == list(range(300))
