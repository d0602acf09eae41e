"""Files and streams that PyAV made, read by the source."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
from clips import (
    COLOURS,
    copy,
    decoded,
    flat,
    index_of,
    write_clip,
    write_sound,
)

from stream import media
from stream.frame import SourceError
from stream.sources import video


@pytest.fixture(scope="module")
def plain(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("clips") / "plain.mp4"
    write_clip(path, [flat(i) for i in range(20)])
    return path


def test_every_frame_comes_once_in_order_with_its_time(plain):
    source = video.open_source(str(plain))
    before = time.perf_counter()
    frames = list(source)
    assert [index_of(f.image) for f in frames] == list(range(20))
    assert [f.index for f in frames] == list(range(20))
    assert [f.pts_s for f in frames] == pytest.approx([i / 30 for i in range(20)])
    assert all(f.source == str(plain) for f in frames)
    captured = [f.captured_s for f in frames]
    assert captured == sorted(captured)
    assert before - 5 < captured[0] <= captured[-1] <= time.perf_counter()


def test_a_frame_is_not_written_to_again(plain):
    frames = list(video.open_source(str(plain)))
    assert len({f.pixels.y.__array_interface__["data"][0] for f in frames}) == 20
    assert [index_of(f.image) for f in frames] == list(range(20))  # what came first is still there


def test_a_file_says_what_it_is_before_its_first_frame(plain):
    info = video.open_source(str(plain)).info
    assert info.name == str(plain)
    assert (info.size_hw, info.fps, info.frames) == ((96, 128), 30.0, 20)
    assert (info.live, info.stills, info.media) == (False, False, None)


@pytest.mark.parametrize("kind", [".mp4", ".mkv", ".ts"])
@pytest.mark.parametrize("sound_s", [None, 6.0])
def test_the_length_of_the_sound_is_not_counted_in_frames(tmp_path, kind, sound_s):
    path = tmp_path / f"clip{kind}"
    sound = "aac" if sound_s else None
    write_clip(path, [flat(0)] * 30, sound=sound, sound_s=sound_s)
    assert video.open_source(str(path)).info.frames == 30


def test_a_length_that_is_no_time_is_passed_over(tmp_path):
    path = tmp_path / "clip.mkv"
    write_clip(path, [flat(0)] * 30)
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b"00:00:01.000000000", b"00:00:01.2.3000000"))
    assert path.read_bytes() != whole
    assert video.open_source(str(path)).info.frames == 30


def test_variable_frame_rate_keeps_its_times(tmp_path):
    times = [0.0, 0.02, 0.5, 0.51, 1.7]
    write_clip(tmp_path / "vfr.mp4", [flat(i) for i in range(5)], times)
    frames = list(video.open_source(str(tmp_path / "vfr.mp4")))
    assert [f.pts_s for f in frames] == pytest.approx(times, abs=1e-4)


def test_a_clock_that_starts_late_is_counted_from_the_container_start(tmp_path):
    times = [i / 30 for i in range(10)]
    write_clip(tmp_path / "late.ts", [flat(i) for i in range(10)], times, "aac")
    source = video.open_source(str(tmp_path / "late.ts"))
    got = [f.pts_s for f in source]
    assert 0 <= got[0] < 0.1
    assert np.diff(got) == pytest.approx(np.diff(times), abs=1e-4)


def test_no_picture_is_lost_where_the_sound_comes_first(tmp_path):
    path = tmp_path / "clip.mp4"
    write_clip(path, [flat(i) for i in range(20)], sound="aac", sound_first=True)
    assert len(list(video.open_source(str(path)))) == 20


def test_sound_is_named_for_the_recording(tmp_path):
    path = tmp_path / "sound.mp4"
    write_clip(path, [flat(0)] * 5, sound="aac")
    assert video.open_source(str(path)).info.media == str(path)


@pytest.mark.parametrize("matrix", [1, 2, 6])
@pytest.mark.parametrize("colour", COLOURS)
def test_colours_come_out_as_they_went_in(tmp_path, matrix, colour):
    path = tmp_path / "colour.mp4"
    write_clip(path, [np.full((64, 64, 3), colour, np.uint8)] * 2, matrix=matrix)
    frame = next(iter(video.open_source(str(path))))
    assert np.abs(frame.image.astype(int) - colour).max() <= 4


def test_no_such_file(tmp_path):
    with pytest.raises(SourceError, match=r"no such file: .*nothing\.mp4"):
        video.open_source(str(tmp_path / "nothing.mp4"))


@pytest.mark.parametrize("content", [b"", b"This is a letter, not a film.\n" * 50, bytes(5000)])
def test_what_is_no_video_is_said_in_one_line(tmp_path, content):
    path = tmp_path / "letter.mp4"
    path.write_bytes(content)
    with pytest.raises(SourceError, match=r"letter\.mp4 is not a video") as caught:
        video.open_source(str(path))
    assert "\n" not in str(caught.value)


def test_sound_only(tmp_path):
    write_sound(tmp_path / "song.mp4")
    with pytest.raises(SourceError, match=r"song\.mp4 is not a video: it holds only sound"):
        video.open_source(str(tmp_path / "song.mp4"))


def test_a_name_with_a_colon_is_a_file(tmp_path, plain):
    path = tmp_path / "udp:10.mp4"
    path.write_bytes(plain.read_bytes())
    assert len(list(video.open_source(str(path)))) == 20


@pytest.mark.parametrize("kind", [".mp4", ".mkv", ".avi"])
def test_a_title_that_is_not_utf8_is_no_hindrance(tmp_path, kind):
    clip = tmp_path / f"title{kind}"
    write_clip(clip, [flat(i) for i in range(5)], sound="aac", title="Caf_")
    clip.write_bytes(clip.read_bytes().replace(b"Caf_", "Café".encode("latin-1")))
    assert len(decoded(copy(tmp_path / "out.mp4", clip))) == 5


def test_close_ends_the_frames_and_may_come_twice(plain):
    source = video.open_source(str(plain))
    frames = iter(source)
    next(frames)
    source.close()
    source.close()
    assert list(frames) == []


def test_close_without_a_frame_taken(plain):
    video.open_source(str(plain)).close()


class Server(threading.Thread):
    """Serves `data` on TCP once and then says nothing, until `stop`."""

    def __init__(self, data: bytes, *, hang_up: bool) -> None:
        super().__init__(daemon=True)
        self._data = data
        self._hang_up = hang_up
        self._done = threading.Event()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"tcp://127.0.0.1:{self._socket.getsockname()[1]}"
        self.start()

    def run(self) -> None:
        with self._socket, self._socket.accept()[0] as client:
            client.sendall(self._data)
            if not self._hang_up:
                self._done.wait(20)

    def stop(self) -> None:
        self._done.set()
        self.join(5)


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    with ExitStack() as stopping:

        def begin(data: bytes, *, hang_up: bool) -> Server:
            server = Server(data, hang_up=hang_up)
            stopping.callback(server.stop)
            return server

        yield begin


@pytest.fixture(scope="module")
def transport(tmp_path_factory) -> bytes:
    path = tmp_path_factory.mktemp("clips") / "stream.ts"
    rng = np.random.default_rng(0)
    write_clip(path, list(rng.integers(0, 255, (100, 48, 64, 3), np.uint8)))
    return path.read_bytes()


def test_a_stream_is_live_and_ends_when_the_other_side_hangs_up(serve, transport):
    server = serve(transport, hang_up=True)
    source = video.open_source(server.url)
    assert source.info.live
    assert source.info.media is None
    assert len(list(source)) == 100


def test_a_sender_that_begins_anew_goes_on(serve, transport):
    server = serve(transport + transport, hang_up=True)
    times_s = [f.pts_s for f in video.open_source(server.url)]
    assert len(times_s) >= 199
    assert np.diff(times_s) == pytest.approx(1 / 30, abs=0.04)
    assert min(np.diff(times_s)) > 0


def test_a_stream_that_falls_silent_breaks_off(serve, transport, monkeypatch):
    monkeypatch.setattr(media, "READ_TIMEOUT_S", 0.3)
    server = serve(transport, hang_up=False)
    source = video.open_source(server.url)
    began = time.monotonic()
    with pytest.raises(SourceError, match=r"broke off: nothing came for 0\.3 s"):
        list(source)
    assert time.monotonic() - began < 5


def test_close_from_another_thread_ends_a_stuck_read(serve, transport):
    server = serve(transport, hang_up=False)
    source = video.open_source(server.url)
    ended = threading.Event()

    def read() -> None:
        try:
            for _ in source:
                pass
        except SourceError:
            pass
        ended.set()

    reader = threading.Thread(target=read)
    reader.start()
    time.sleep(0.3)
    source.close()
    assert ended.wait(media.READ_TIMEOUT_S + 2)
    reader.join()


def test_nobody_there_is_said_without_the_password():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(SourceError, match="cannot open tcp://127") as caught:
        video.open_source(f"tcp://me:secret@127.0.0.1:{port}")
    assert "secret" not in str(caught.value)
