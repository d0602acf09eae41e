"""The command as a user meets it: words in; files, one line and an exit code out."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import av
import cv2
import pytest
from pieces import PICTURE, write_spec

from engines import names
from stream.cli import COMMANDS, main

DISPLAYS = ("DISPLAY", "WAYLAND_DISPLAY")


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_spec(tmp_path_factory.mktemp("model") / "markers.onnx")


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clip(tmp_path_factory.mktemp("clip") / "clip.mp4", 12)


@pytest.fixture(scope="session")
def long_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """More than a run can be through within seconds."""
    return make_clip(tmp_path_factory.mktemp("long") / "long.mp4", 5000)


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


@pytest.fixture(autouse=True)
def _no_display(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in DISPLAYS:
        monkeypatch.delenv(name, raising=False)


def test_a_clip_becomes_an_annotated_one_with_a_line_per_frame(clip, model, tmp_path, capsys):
    out, lines = tmp_path / "out.mp4", tmp_path / "out.jsonl"
    words = [str(clip), "--out", str(out), "--json", str(lines), "--names", *fake(model)]
    assert main(words) == 0
    assert frames_in(out) == 12
    values = [json.loads(line) for line in lines.read_text("utf-8").splitlines()]
    assert [value["frame"] for value in values] == list(range(12))
    assert {value["source"] for value in values} == {str(clip)}
    stdout, stderr = capsys.readouterr()
    assert stdout == ""
    assert stderr.count("\n") == 1
    assert "12 frames" in stderr
    assert "fake engine" in stderr


def test_pictures_are_judged_alone(model, tmp_path):
    for name in ("b.png", "a.png"):
        cv2.imwrite(str(tmp_path / name), PICTURE)
    lines = tmp_path / "out.jsonl"
    assert main([str(tmp_path), "--json", str(lines), *fake(model)]) == 0
    values = [json.loads(line) for line in lines.read_text("utf-8").splitlines()]
    assert [Path(value["source"]).name for value in values] == ["a.png", "b.png"]
    assert [value["state"] for value in values] == ["locked", "locked"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "name one source"),
        (["clip.mp4", "--camera", "0"], "got both"),
        (["--camera", "first"], "a camera is a number"),
        (["clip.mp4", "--engine", "abacus"], "abacus"),
        (["clip.mp4", "--frobnicate"], "--frobnicate"),
        (["engines", "--frobnicate"], "--frobnicate"),
    ],
)
def test_wrong_usage_is_told_in_one_line(words, told, model, capsys):
    if words and words[0] != "engines":
        words = [*words, "--model", str(model)]
    assert main([*words, *([] if words else ["--model", str(model)])]) == 2
    assert told in only_error(capsys)


def test_nowhere_to_put_the_result_says_what_to_add(clip, model, capsys):
    assert main([str(clip), *fake(model)]) == 2
    error = only_error(capsys)
    assert all(option in error for option in ("--out", "--json", "--show"))


def test_what_a_file_needs_no_window_for_opens_none(clip, model, monkeypatch, capsys):
    monkeypatch.setenv("DISPLAY", ":7")  # a display that may well not exist
    assert main([str(clip), *fake(model)]) == 2
    assert "nowhere to put" in only_error(capsys)


def test_a_window_without_a_display_is_told(clip, model, capsys):
    assert main([str(clip), "--show", *fake(model)]) == 1
    assert "display" in only_error(capsys)


@pytest.mark.parametrize("link", [None, os.link, os.symlink])
def test_an_output_equal_to_the_input_is_refused(clip, model, tmp_path, capsys, link):
    before = clip.read_bytes()
    path = clip
    if link is not None:
        path = tmp_path / "other.mp4"
        link(clip, path)
    for option in ("--out", "--json"):
        assert main([str(clip), option, str(path), *fake(model)]) == 2
        assert "the input itself" in only_error(capsys)
    assert clip.read_bytes() == before


def test_the_model_is_not_overwritten(clip, model, capsys):
    assert main([str(clip), "--json", str(model), *fake(model)]) == 2
    assert "the model itself" in only_error(capsys)


def test_one_file_cannot_be_both_outputs(clip, model, tmp_path, capsys):
    (tmp_path / "link").symlink_to(tmp_path)
    words = ["--out", str(tmp_path / "x.mp4"), "--json", str(tmp_path / "link" / "x.mp4")]
    assert main([str(clip), *words, *fake(model)]) == 2
    assert "--json" in only_error(capsys)
    assert not (tmp_path / "x.mp4").exists()


def test_bad_input_is_told_in_one_line(model, clip, tmp_path, capsys):
    out = ["--out", str(tmp_path / "out.mp4")]
    text = tmp_path / "text.mp4"
    text.write_text("this is no video")
    for words, told in (
        ([str(tmp_path / "missing.mp4"), *out, *fake(model)], "missing.mp4"),
        ([str(text), *out, *fake(model)], "text.mp4"),
        (["--camera", "97", *out, *fake(model)], "camera 97"),
        ([str(clip), "--out", str(tmp_path / "no" / "out.mp4"), *fake(model)], "no folder"),
        ([str(clip), "--out", str(tmp_path), *fake(model)], "folder"),
        ([str(clip), *out, "--model", str(tmp_path / "no.onnx")], "--model"),
        ([str(clip), *out, "--model", str(text)], "not an ONNX model"),
    ):
        assert main(words) == 1, words
        assert told in only_error(capsys)
    assert not (tmp_path / "out.mp4").exists()


@pytest.mark.parametrize("words", [["--show"], ["--out", "out.what"], ["--model", __file__]])
def test_a_failed_start_leaves_older_outputs_alone(model, clip, tmp_path, capsys, words):
    files = [tmp_path / "out.mp4", tmp_path / "out.jsonl"]
    for file in files:
        file.write_text("precious")
    outputs = ["--out", str(files[0]), "--json", str(files[1])]
    assert main([str(clip), *outputs, *fake(model), *words]) == 1
    only_error(capsys)
    assert [file.read_text() for file in files] == ["precious", "precious"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's full disk")
def test_a_full_disk_is_told_in_plain_words(clip, model, capsys):
    assert main([str(clip), "--json", "/dev/full", *fake(model)]) == 1
    assert only_error(capsys) == "kpstream: error: No space left on device\n"


def test_an_unforeseen_error_is_named_and_shown_in_full_on_demand(tmp_path, monkeypatch, capsys):
    (tmp_path / "broken_command.py").write_text("def main(words):\n    raise KeyError(words[0])\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(COMMANDS, "broken", "broken_command")
    assert main(["broken", "lost"]) == 1
    assert "KeyError: 'lost'" in only_error(capsys)
    monkeypatch.setenv("KPSTREAM_TRACEBACK", "1")
    assert main(["broken", "lost"]) == 1
    assert "broken_command.py" in capsys.readouterr().err


def test_a_first_word_that_is_a_command_is_that_command(model, capsys):
    assert set(COMMANDS) == {"engines"}
    assert main(["engines", "--model", str(model)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[1] for line in lines] == names()
    fake_line = next(line for line in lines if line.split()[1] == "fake")
    assert fake_line.startswith("yes")


def test_a_path_of_a_commands_name_is_a_source(capsys, model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["./engines", "--json", "x.jsonl", "--model", str(model)]) == 1
    assert "no such file: ./engines" in only_error(capsys)


def test_the_engines_of_a_file_that_is_no_model(clip, capsys):
    assert main(["engines", "--model", str(clip)]) == 1
    assert "not an ONNX model" in only_error(capsys)


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
    ears = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        assert main(["stopped", number]) == code
        # none is heard until the process has ended, or it would end with another code
        assert {signal.getsignal(each) for each in ears} == {signal.SIG_IGN}
    finally:
        for each, ear in ears.items():
            signal.signal(each, ear)


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


COMMAND = [sys.executable, "-c", "import sys, stream.cli; sys.exit(stream.cli.main())"]


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
