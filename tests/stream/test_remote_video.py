"""Files that are named by an address, and their sound."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import IO

import av
import pytest
from clips import copy, decoded, flat, nothing_found, sound_packets, write_clip

from stream.frame import SourceError
from stream.sinks.video import open_sink
from stream.sources import video

PICTURES = [flat(i % 20) for i in range(30)]


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


class Cut(Quiet):
    """Hangs up after the half of what it said it would send."""

    def copyfile(self, source: IO[bytes], outputfile: IO[bytes]) -> None:
        data = source.read()
        outputfile.write(data[: len(data) // 2])


@contextmanager
def served(folder: Path, how: type[Quiet]) -> Iterator[str]:
    """A folder → the address where its files are served."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(how, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://me:secret@127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """Where the files of `tmp_path` are served."""
    with served(tmp_path, Quiet) as where:
        yield where


def test_the_sound_of_a_served_file_is_copied(tmp_path, address):
    write_clip(tmp_path / "clip.mkv", PICTURES, sound="aac")
    out = copy(tmp_path / "out.mp4", f"{address}/clip.mkv")
    assert len(decoded(out)) == 30
    assert sound_packets(out)[2] == sound_packets(tmp_path / "clip.mkv")[2]


def test_the_sound_of_a_files_url_is_copied(tmp_path):
    clip = tmp_path / "clip.mp4"
    write_clip(clip, PICTURES, sound="aac")
    out = copy(tmp_path / "out.mp4", clip.as_uri())
    assert sound_packets(out)[2] == sound_packets(clip)[2]


def test_a_files_url_is_not_live_though_nothing_tells_its_length(tmp_path):
    clip = tmp_path / "clip.h264"
    write_clip(clip, PICTURES)
    source = video.open_source(clip.as_uri())
    assert not source.info.live
    assert len(list(source)) == 30


def test_no_such_file_of_an_address(tmp_path):
    with pytest.raises(OSError, match=r"cannot open file://.*no\.mp4: No such file"):
        video.open_source((tmp_path / "no.mp4").as_uri())


def test_live_sound_is_not_recorded_and_that_is_said(tmp_path, address, caplog):
    write_clip(tmp_path / "clip.ts", PICTURES, sound="aac")  # nobody can seek in it for its end
    out = copy(tmp_path / "out.mp4", f"{address}/clip.ts")
    assert len(decoded(out)) == 30
    with av.open(str(out)) as container:
        assert not container.streams.audio
    name = address.replace("me:secret@", "") + "/clip.ts"
    said = [record.message for record in caplog.records]
    assert said == [f"the sound of {name} is not recorded, for it is live"]


def test_sound_that_is_not_served_again_costs_no_picture(tmp_path, address, caplog):
    clip = tmp_path / "clip.mkv"
    write_clip(clip, PICTURES, sound="aac")
    source = video.open_source(f"{address}/clip.mkv")
    clip.unlink()
    sink = open_sink(tmp_path / "out.mp4", source.info)
    for frame in source:
        sink.write(nothing_found(frame.image, frame.index, frame.pts_s), frame.image)
    sink.close()
    assert len(decoded(tmp_path / "out.mp4")) == 30
    assert "clip.mkv cannot be read: " in caplog.text
    assert "secret" not in caplog.text


def test_a_password_that_holds_an_at_sign_is_not_said_either(tmp_path, address):
    write_clip(tmp_path / "clip.mkv", PICTURES[:2])
    source = video.open_source(f"{address.replace('secret', 'se@cret')}/clip.mkv?at=@")
    assert source.info.name == f"{address.replace('me:secret@', '')}/clip.mkv?at=@"
    source.close()


def test_a_served_file_that_breaks_off_is_an_error_and_no_password_is_said(tmp_path):
    write_clip(tmp_path / "clip.mkv", PICTURES * 20)
    frames = []
    with served(tmp_path, Cut) as where:
        source = video.open_source(f"{where}/clip.mkv")
        assert not source.info.live
        with pytest.raises(SourceError, match="broke off: Input/output error") as caught:
            frames.extend(source)
    assert "secret" not in str(caught.value)
    assert 100 < len(frames) < 500
