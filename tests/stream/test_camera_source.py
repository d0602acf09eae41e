"""OpenCV reads a file through the same door as a camera: a device that ends."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import time

import pytest
from clips import flat, index_of, write_clip

from stream.frame import SourceError
from stream.sources.camera import open_source


@pytest.fixture
def device(tmp_path) -> str:
    write_clip(tmp_path / "device.mp4", [flat(i) for i in range(5)])
    return str(tmp_path / "device.mp4")


def test_frames_come_until_the_device_stops_and_that_is_an_error(device):
    source = open_source(device)
    assert (source.info.live, source.info.size_hw, source.info.fps) == (True, (96, 128), 30.0)
    frames = []
    with pytest.raises(SourceError, match="stopped after 5 frames"):
        read_into(frames, source)
    assert [index_of(f.image) for f in frames] == list(range(5))
    assert [f.index for f in frames] == list(range(5))
    assert [f.pts_s for f in frames] == [None] * 5
    assert [f.captured_s for f in frames] == sorted(f.captured_s for f in frames)
    assert frames[-1].captured_s <= time.perf_counter()


def test_each_frame_has_a_time_of_its_own_where_the_clock_steps_64_times_a_second(
    device, monkeypatch
):
    fine = time.monotonic
    # as that of Windows does before Python 3.13
    monkeypatch.setattr("time.monotonic", lambda: math.floor(fine() * 64) / 64)
    frames = []
    with pytest.raises(SourceError, match="stopped after 5 frames"):
        read_into(frames, open_source(device))
    assert len({f.captured_s for f in frames}) == 5


def read_into(frames, source):
    for frame in source:
        frames.append(frame)


def test_close_is_no_error(device):
    source = open_source(device)
    frames = iter(source)
    next(frames)
    source.close()
    source.close()
    assert list(frames) == []


def test_opencv_is_told_before_it_is_imported_to_open_windows_cameras_quickly():
    code = (
        "import os, stream, sys; "
        "print('cv2' in sys.modules, os.environ['OPENCV_VIDEOIO_MSMF_ENABLE_HW_TRANSFORMS'])"
    )
    for set_by_the_user, wanted in ((None, "False 0"), ("1", "False 1")):
        environment = dict(os.environ)
        environment.pop("OPENCV_VIDEOIO_MSMF_ENABLE_HW_TRANSFORMS", None)
        if set_by_the_user is not None:
            environment["OPENCV_VIDEOIO_MSMF_ENABLE_HW_TRANSFORMS"] = set_by_the_user
        words = [sys.executable, "-c", code]
        done = subprocess.run(words, env=environment, capture_output=True, text=True, check=True)
        assert done.stdout.strip() == wanted


@pytest.mark.parametrize("target", ["97", "/dev/nothing"])
def test_no_camera_is_one_line(target, capfd):
    with pytest.raises(SourceError, match="gives no picture: is one plugged in") as caught:
        open_source(target)
    assert target in str(caught.value)
    assert "a Mac asks" in str(caught.value)  # the first try of all fails there
    assert capfd.readouterr().err == ""
