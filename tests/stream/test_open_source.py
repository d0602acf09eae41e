"""What the user named → the module that opens it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from clips import flat, save_picture, write_clip

from stream.frame import SourceError
from stream.sources import open_source


def test_each_kind_is_opened_by_its_module(tmp_path):
    save_picture(tmp_path / "a.png", flat(1))
    save_picture(tmp_path / "a.jpg", flat(1))
    (tmp_path / "a.jpg").rename(tmp_path / "a.JFIF")  # as browsers save photographs
    write_clip(tmp_path / "a.mp4", [flat(1)] * 2)
    write_clip(tmp_path / "a[1].mp4", [flat(1)] * 2)
    for target, module in {
        str(tmp_path): "images",
        f"{tmp_path}/*.png": "images",
        f"{tmp_path}/a.png": "images",
        f"{tmp_path}/a.JFIF": "images",
        f"{tmp_path}/a.mp4": "video",
        f"{tmp_path}/a[1].mp4": "video",
        "synth:": "synthetic",
    }.items():
        source = open_source(target)
        assert type(source).__module__ == f"stream.sources.{module}"
        source.close()


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("nothing.mp4", "no such file"),
        ("nothing.png", "no such file"),
        ("nothing*.png", "no file matches"),
        ("nothing", "no such file: nothing$"),
        ("97", "no such file: 97; a camera is --camera 97$"),
        ("tcp://127.0.0.1:1", "cannot open tcp"),
        ("http://127.0.0.1:1/a.png", "cannot open http"),
    ],
)
def test_what_is_not_there_is_said_by_the_right_module(target, reason):
    with pytest.raises(SourceError, match=reason):
        open_source(target)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no named pipes")
def test_a_pipe_is_not_said_to_be_missing(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(SourceError, match="pipe is a device or a pipe, which cannot be read"):
        open_source(str(tmp_path / "pipe"))


def test_pictures_do_not_wait_for_ffmpeg(tmp_path):
    save_picture(tmp_path / "a.png", flat(1))
    program = (
        "import sys; from stream.sources import open_source;"
        f"list(open_source({str(tmp_path)!r})); print('av' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert done.stdout.strip() == b"False"
