"""The command as a process: how fast it starts, what it loads, how it is stopped."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from commands import COMMAND, command, fake, frames_in, make_clip, wait_for_lines

from stream.cli import COMMANDS, main
from stream.process import is_unread

pytestmark = pytest.mark.usefixtures("no_display")


@pytest.fixture(scope="session")
def long_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """More than a run can be through within seconds."""
    return make_clip(tmp_path_factory.mktemp("long") / "long.mp4", 5000)


@contextmanager
def nobody_reads() -> Iterator[int]:
    """A pipe to write to, which its reader has left."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        yield writer
    finally:
        os.close(writer)


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_help_and_version_are_answered_within_a_second(option):
    started = time.monotonic()
    done = command([option])
    assert time.monotonic() - started < 1
    assert done.returncode == 0
    assert done.stdout.startswith(b"usage: kpstream" if option == "--help" else b"kpstream 0.")


def test_the_command_loads_nothing_heavy_before_it_must():
    heavy = ["torch", "timm", "numpy", "cv2", "av", "openvino", "onnxruntime", "rich"]
    code = f"import stream.cli, sys; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert done.stdout.strip() == b"[]"


def test_a_whole_run_leaves_torch_unloaded(clip, model, tmp_path):
    words = [str(clip), "--json", str(tmp_path / "out.jsonl"), *fake(model)]
    code = f"import sys, stream.cli; stream.cli.main({words}); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert done.stdout.strip() == b"False"


def test_lines_go_to_standard_output_and_nothing_else_does(clip, model):
    done = command([str(clip), "--json", "-", *fake(model)])
    assert done.returncode == 0
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["frame"] for line in lines] == list(range(frames_in(clip)))
    assert b"frames, " in done.stderr


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such terminals")
def test_lines_on_a_screen_are_not_drawn_over(clip, model):
    main_end, screen = os.openpty()
    words = [*COMMAND, str(clip), "--json", "-", *fake(model)]
    environment = {**os.environ, "TERM": "xterm"}
    with subprocess.Popen(words, stdout=screen, stderr=screen, env=environment) as process:
        os.close(screen)
        shown = b""
        with suppress(OSError):  # what Linux calls the end of it
            while part := os.read(main_end, 100_000):
                shown += part
    os.close(main_end)
    assert process.returncode == 0
    *lines, last = shown.decode().splitlines()
    assert [json.loads(line)["frame"] for line in lines] == list(range(frames_in(clip)))
    assert "12 frames" in last


def test_a_reader_who_has_had_enough_ends_the_run_in_good_order(long_clip, model):
    words = [str(long_clip), "--json", "-", *fake(model)]
    with subprocess.Popen(
        [*COMMAND, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert json.loads(process.stdout.readline())["frame"] == 0
        process.stdout.close()
        said = process.stderr.read().decode()
    assert process.returncode == 0
    assert "error" not in said
    assert 0 < int(said.split(": ")[1].split()[0]) < 5000


def test_a_reader_who_leaves_does_not_cut_the_video_short(clip, model, tmp_path):
    out = tmp_path / "out.mp4"
    words = [str(clip), "--json", "-", "--out", str(out), *fake(model)]
    with nobody_reads() as pipe:
        done = subprocess.run([*COMMAND, *words], stdout=pipe, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 0
    assert b"error" not in done.stderr
    assert frames_in(out) == frames_in(clip)


@pytest.mark.parametrize("option", ["--no-show", "--second-pass"])
def test_a_reader_of_stderr_who_leaves_takes_nothing_along(clip, model, option):
    words = [str(clip), "--json", "-", option, *fake(model)]
    with nobody_reads() as pipe:
        done = subprocess.run([*COMMAND, *words], stdout=subprocess.PIPE, stderr=pipe, check=False)
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == frames_in(clip)


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("word", ["engines", "--version", "--help"])
def test_a_reader_who_leaves_what_a_command_says_is_no_failure(word, unbuffered, model):
    environment = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
    words = [*COMMAND, word, *(["--model", str(model)] if word == "engines" else [])]
    with nobody_reads() as pipe:
        done = subprocess.run(
            words, stdout=pipe, stderr=subprocess.PIPE, env=environment, check=False
        )
    assert done.returncode == 0
    assert b"Broken" not in done.stderr


def test_a_reader_who_leaves_the_bench_loses_no_figures(clip, model, tmp_path):
    path = tmp_path / "found.json"
    words = ["bench", str(clip), "--rounds", "1", "--json", str(path), *fake(model)]
    with nobody_reads() as pipe:
        done = subprocess.run([*COMMAND, *words], stdout=pipe, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 0
    assert b"Broken" not in done.stderr
    assert json.loads(path.read_text("utf-8"))["complete"]


@pytest.mark.parametrize("word", ["missing.mp4", "--frobnicate"])
def test_a_failure_keeps_its_exit_code_where_nobody_reads_of_it(word, model):
    with nobody_reads() as pipe:
        words = [*COMMAND, word, "--json", "-", *fake(model)]
        done = subprocess.run(words, stdout=pipe, stderr=pipe, check=False)
    assert done.returncode == (2 if word == "--frobnicate" else 1)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's full disk")
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("words", [["--version"], ["--help"], ["engines", "--help"]])
def test_what_standard_output_cannot_take_is_told_in_one_line(words, unbuffered):
    environment = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
    with Path("/dev/full").open("wb") as full:
        words = [*COMMAND, *words]
        done = subprocess.run(
            words, stdout=full, stderr=subprocess.PIPE, env=environment, check=False
        )
    assert done.returncode == 1
    assert done.stderr == b"kpstream: error: No space left on device\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's full disk")
def test_a_failure_keeps_its_exit_code_where_it_cannot_be_written():
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run([*COMMAND, "--frobnicate"], stderr=full, check=False)
    assert done.returncode == 2


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's full disk")
def test_a_full_stderr_is_no_failure_of_a_run(clip, model, tmp_path):
    lines = tmp_path / "out.jsonl"
    words = [*COMMAND, str(clip), "--json", str(lines), *fake(model)]
    with Path("/dev/full").open("wb") as full:
        assert subprocess.run(words, stderr=full, check=False).returncode == 0
    assert lines.read_bytes().count(b"\n") == frames_in(clip)


@pytest.mark.skipif(os.name == "nt", reason="needs a POSIX shell")
def test_streams_that_are_closed_from_the_start_are_nobody_elses():
    code = (
        "import os, stream.cli\n"
        "stream.cli.main(['missing.mp4', '--json', '-'])\n"
        "os._exit(os.open(os.devnull, os.O_RDONLY))"
    )
    words = ["sh", "-c", '"$0" -c "$1" 2>&- <&-', sys.executable, code]
    done = subprocess.run(words, stdout=subprocess.PIPE, check=False)
    assert done.stdout == b""  # where an error is told is closed
    assert done.returncode > 2  # what is opened next


@pytest.mark.skipif(not hasattr(select, "poll"), reason="Windows has no poll")
def test_a_reader_who_left_is_noticed_where_a_poll_for_nothing_tells_nothing(monkeypatch):
    class MacPoll:
        def __init__(self) -> None:
            self._poll = poll()

        def register(self, descriptor: int, events: int) -> None:
            if events:
                self._poll.register(descriptor, events)

        def poll(self, wait_ms: float) -> list[tuple[int, int]]:
            return self._poll.poll(wait_ms)

    poll = select.poll
    monkeypatch.setattr(select, "poll", MacPoll)
    with nobody_reads() as pipe, os.fdopen(pipe, "w", closefd=False) as unread:
        assert is_unread(unread)
    reader, writer = os.pipe()
    with os.fdopen(reader), os.fdopen(writer, "w") as read:
        assert not is_unread(read)


@pytest.mark.parametrize(("number", "code"), [("SIGINT", 130), ("SIGTERM", 143)])
def test_two_stops_at_once_are_one(tmp_path, monkeypatch, number, code):
    (tmp_path / "stopped_command.py").write_text(
        "import signal\n"
        "def main(words):\n"
        "    try:\n"
        "        signal.raise_signal(signal.Signals[words[0]])\n"
        "    finally:\n"
        "        signal.raise_signal(signal.SIGINT)\n"
        "        signal.raise_signal(signal.SIGTERM)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(COMMANDS, "stopped", "stopped_command")
    assert main(["stopped", number]) == code
    # none is heard until the process has ended, or it would end with another code
    assert [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)] == [
        signal.SIG_IGN
    ] * 2


def test_a_run_that_nobody_stopped_gives_the_signals_back(model):
    ears = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]
    main(["engines", "--model", str(model)])
    assert [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)] == ears


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)]
)
def test_stopped_from_outside_it_leaves_files_that_play(long_clip, model, tmp_path, number, code):
    out, lines = tmp_path / "out.mp4", tmp_path / "out.jsonl"
    words = [str(long_clip), "--out", str(out), "--json", str(lines), *fake(model)]
    with subprocess.Popen([*COMMAND, *words], stderr=subprocess.PIPE) as process:
        wait_for_lines(lines, 120, process)
        process.send_signal(number)
        started = time.monotonic()
        if number == signal.SIGINT:
            process.send_signal(number)  # an impatient second one
        assert process.wait(10) == code
        assert time.monotonic() - started < 3
        assert process.stderr is not None
        said = process.stderr.read().decode()
    assert "Traceback" not in said
    written = lines.read_text("utf-8").count("\n")
    assert 120 <= written < 5000
    if number == signal.SIGKILL:  # what was not yet in a fragment is lost
        assert 30 <= frames_in(out) <= written
    else:
        assert frames_in(out) == written
        assert f"{written} frames" in said
