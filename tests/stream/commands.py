"""The command, what it is given and what it leaves."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import av
import pytest
from pieces import PICTURE

COMMAND = [sys.executable, "-c", "import sys, stream.cli; sys.exit(stream.cli.main())"]


def make_clip(path: Path, count: int) -> Path:
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=30, options={"preset": "ultrafast"})
        video.height, video.width = PICTURE.shape[:2]
        video.pix_fmt = "yuv420p"
        for _ in range(count):
            container.mux(video.encode(av.VideoFrame.from_ndarray(PICTURE, format="bgr24")))
        container.mux(video.encode())
    return path


def frames_in(path: Path) -> int:
    with av.open(str(path)) as container:
        return sum(1 for _ in container.decode(video=0))


def fake(model: Path) -> list[str]:
    return ["--engine", "fake", "--model", str(model)]


def only_error(capsys: pytest.CaptureFixture[str]) -> str:
    """What was said: one line on stderr, in the command's own form."""
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("kpstream: error: ")
    assert err.count("\n") == 1
    return err


def command(words: list[str]) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([*COMMAND, *words], capture_output=True, check=False)


def wait_for_lines(path: Path, count: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        assert process.poll() is None, "the run ended before it could be stopped"
        if path.exists() and path.read_bytes().count(b"\n") >= count:
            return
        time.sleep(0.01)
    raise AssertionError("nothing was written within 30 s")
