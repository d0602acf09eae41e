"""The command on a network camera that goes away and comes back, until it stays away."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise

import cv2
import pytest
from commands import fake, frames_in
from pieces import PICTURE

from stream.cli import main

pytestmark = pytest.mark.usefixtures("no_display")

ONE = cv2.imencode(".jpg", PICTURE)[1].tobytes()


@pytest.fixture
def camera() -> Iterator[str]:
    """Its address: twelve pictures a second for a second, twice, and then nothing any more."""
    left = iter((True, True))

    class Camera(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if (on := next(left, False)) else 503)
            self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=next")
            self.end_headers()
            for _ in range(12 if on else 0):
                head = f"--next\r\nContent-Type: image/jpeg\r\nContent-Length: {len(ONE)}\r\n\r\n"
                self.wfile.write(head.encode() + ONE + b"\r\n")
                time.sleep(1 / 12)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Camera) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/camera"
        server.shutdown()
        thread.join()


def test_what_goes_away_comes_back_in_the_same_recording(camera, model, tmp_path, caplog, capsys):
    out, lines = tmp_path / "out.mp4", tmp_path / "out.jsonl"
    words = [camera, "--out", str(out), "--json", str(lines), "--wait", "1", *fake(model)]
    assert main(words) == 1
    assert f"error: {camera} broke off" in capsys.readouterr().err
    said = [record.message for record in caplog.records]
    assert sum("waiting for it to come back" in line for line in said) == 2
    assert sum(line.startswith(f"{camera} is back after ") for line in said) == 1
    values = [json.loads(line) for line in lines.read_text("utf-8").splitlines()]
    assert frames_in(out) == len(values)
    assert 12 < values[-1]["frame"] < 24
    times_s = [value["time_s"] for value in values]
    away_s = max(b - a for a, b in pairwise(times_s))
    assert 0.5 <= away_s < 5
    assert times_s == sorted(times_s)


def test_who_does_not_want_to_wait_is_told_at_once(camera, model, tmp_path, caplog):
    lines = tmp_path / "out.jsonl"
    assert main([camera, "--json", str(lines), "--wait", "0", *fake(model)]) == 1
    assert not caplog.records


@pytest.mark.parametrize("words", ["-1", "soon", "nan"])
def test_a_length_of_time_is_a_number(words, model, capsys):
    assert main(["--camera", "0", "--wait", words, *fake(model)]) == 2
    assert "a number of seconds is 0 or more" in capsys.readouterr().err
