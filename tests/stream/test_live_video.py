"""Streams that a camera or a station serves: bare pictures, and files one after the other."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import cv2
import pytest
from clips import copy, decoded, flat, index_of, write_clip

from stream import media
from stream.frame import SourceError
from stream.pace import FAR_S, Pace
from stream.sources import video

Answer = Callable[[BaseHTTPRequestHandler], None]


@pytest.fixture
def serve() -> Iterator[Callable[[Answer], str]]:
    """What answers each request → the address where it is done."""
    with ExitStack() as stopping:

        def begin(answer: Answer) -> str:
            class Handler(BaseHTTPRequestHandler):
                def do_GET(self) -> None:
                    answer(self)

                def log_message(self, *_: object) -> None:
                    pass

            server = stopping.enter_context(ThreadingHTTPServer(("127.0.0.1", 0), Handler))
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            stopping.callback(thread.join)
            stopping.callback(server.shutdown)
            return f"http://127.0.0.1:{server.server_port}"

        yield begin


def webcam(request: BaseHTTPRequestHandler) -> None:
    """Eight pictures in a second, as network cameras send them."""
    request.send_response(200)
    request.send_header("Content-Type", "multipart/x-mixed-replace; boundary=next")
    request.end_headers()
    for index in range(8):
        picture = cv2.imencode(".jpg", flat(index))[1].tobytes()
        head = f"--next\r\nContent-Type: image/jpeg\r\nContent-Length: {len(picture)}\r\n\r\n"
        request.wfile.write(head.encode() + picture + b"\r\n")
        time.sleep(1 / 8)


def test_pictures_without_times_are_recorded_when_they_came(serve, tmp_path):
    address = serve(webcam)
    out = copy(tmp_path / "out.mp4", f"{address}/camera", 7)  # its end is an error
    times_s = [time_s for time_s, _ in decoded(out)]
    assert times_s[0] == 0
    assert times_s[-1] > 0.4  # made up they would be 0.04 apart


def test_a_sound_that_is_announced_and_never_comes_is_not_waited_for(serve, tmp_path, monkeypatch):
    monkeypatch.setattr(media, "OPEN_TIMEOUT_S", 0.5)
    write_clip(tmp_path / "a.ts", [flat(1)] * 45, [i / 10 for i in range(45)], "aac", sound_s=0)
    data = (tmp_path / "a.ts").read_bytes()
    begin = len(data) * 4 // 5 // 188 * 188  # of packets

    def station(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.end_headers()
        request.wfile.write(data[:begin])
        time.sleep(0.8)
        request.wfile.write(data[begin:])

    frames = []
    with suppress(SourceError):  # where an answer without a length ends is an error to FFmpeg
        frames.extend(video.open_source(f"{serve(station)}/stream"))
    assert len(frames) > 40


def test_sound_that_goes_on_without_pictures_is_not_followed_for_ever(serve, tmp_path, monkeypatch):
    monkeypatch.setattr(video, "DARK_S", 0.3)
    write_clip(tmp_path / "a.ts", [flat(1)] * 30, None, "aac", sound_s=20)
    data = (tmp_path / "a.ts").read_bytes()

    def station(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.end_headers()
        for begin in range(0, len(data), 3760):
            request.wfile.write(data[begin : begin + 3760])
            time.sleep(0.02)

    source = video.open_source(f"{serve(station)}/stream")
    frames = []
    with pytest.raises(SourceError, match=r"shows nothing: nothing of what came for 0\.3 s"):
        frames.extend(source)
    assert len(frames) > 20


class Station:
    """Four files of half a second each, in a list that says, if `ends`, that no other follows."""

    def __init__(self, folder: Path, *, ends: bool) -> None:
        times_s = [i / 20 for i in range(40)]  # fewer are not enough for FFmpeg to tell the rate
        self._files = {}
        for number in range(4):
            path = folder / f"{number}.ts"
            part = slice(10 * number, 10 * number + 10)
            write_clip(path, [flat(i // 2) for i in range(40)[part]], times_s[part])
            self._files[f"/{number}.ts"] = path.read_bytes()
        self._end = "#EXT-X-ENDLIST\n" if ends else ""
        self._asked = 0

    def __call__(self, request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        if request.path in self._files:
            body = self._files[request.path]
        else:
            self._asked += 1
            end = self._end if self._asked > 1 else ""  # only what may go on is live
            files = "".join(f"#EXTINF:0.5,\n{name[1:]}\n" for name in self._files)
            body = f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n{files}{end}".encode()
            request.send_header("Content-Type", "application/vnd.apple.mpegurl")
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)


def test_a_stream_of_files_is_shown_at_its_own_pace(serve, tmp_path):
    address = serve(Station(tmp_path, ends=True))
    source = video.open_source(f"{address}/live.m3u8")
    assert source.info.live
    frames = list(source)
    assert index_of(frames[-1].image) == 19
    assert len(frames) >= 25  # it begins three files before the end
    assert frames[-1].captured_s - frames[0].captured_s > 1


def test_a_stream_of_files_that_falls_silent_breaks_off(serve, tmp_path, monkeypatch):
    monkeypatch.setattr(media, "READ_TIMEOUT_S", 0.3)
    address = serve(Station(tmp_path, ends=False))
    with pytest.raises(SourceError, match=r"broke off: nothing came for 0\.3 s"):
        list(video.open_source(f"{address}/live.m3u8"))


def test_closed_from_another_thread_it_does_not_wait_for_the_frames_that_it_has(serve, tmp_path):
    address = serve(Station(tmp_path, ends=True))
    source = video.open_source(f"{address}/live.m3u8")
    threading.Timer(0.15, source.close).start()
    began = time.monotonic()
    assert 1 <= len(list(source)) < 20
    assert time.monotonic() - began < 1.2  # it would be 1.5


def test_frames_wait_as_long_as_they_are_apart():
    pace = Pace()
    assert pace.wait_s(7.0, 100.0) == 0
    assert pace.wait_s(7.5, 100.0) == pytest.approx(0.5)
    assert pace.wait_s(7.5, 100.6) == 0


def test_after_a_stall_or_a_leap_nothing_is_hurried_or_waited_for():
    for time_s, now_s in ((1.0, 102.0), (FAR_S + 1.0, 100.0), (-FAR_S, 100.0)):
        pace = Pace()
        pace.wait_s(0.0, 100.0)
        assert pace.wait_s(time_s, now_s) == 0
        assert pace.wait_s(time_s + 0.2, now_s) == pytest.approx(0.2)
