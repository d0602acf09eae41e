"""The command as a user meets it: words in; files, one line and an exit code out."""

from __future__ import annotations

import json
import os
from pathlib import Path
from urllib.parse import quote

import cv2
import pytest
from commands import fake, frames_in, only_error
from pieces import PICTURE

from engines import names
from stream.cli import COMMANDS, main

pytestmark = pytest.mark.usefixtures("no_display")


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
        (["--camera", "4294967296"], "a camera is a number"),
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


@pytest.mark.parametrize("start", ["file://", "file:", "file://localhost", "FILE://"])
def test_an_input_named_by_an_address_is_not_overwritten(clip, model, tmp_path, capsys, start):
    victim = tmp_path / "Kärtchen 1.mp4"
    victim.write_bytes(clip.read_bytes())
    for path in (quote(str(victim)), str(victim)):
        assert main([start + path, "--out", str(victim), *fake(model)]) == 2
        assert "the input itself" in only_error(capsys)
    assert victim.read_bytes() == clip.read_bytes()


@pytest.mark.parametrize("source", ["", "/*.png", "/**/b.*"])
def test_a_picture_that_is_read_is_not_overwritten(model, tmp_path, capsys, source):
    folder, link = tmp_path / "pictures", tmp_path / "link.mp4"
    folder.mkdir()
    for name in ("a.png", "b.png"):
        cv2.imwrite(str(folder / name), PICTURE)
    link.symlink_to(folder / "b.png")
    before = (folder / "b.png").read_bytes()
    for option, path in (("--json", folder / "b.png"), ("--out", link)):
        assert main([f"{folder}{source}", option, str(path), *fake(model)]) == 2
        assert f"{option} {path} is the input itself" in only_error(capsys)
    assert (folder / "b.png").read_bytes() == before
    assert main([f"{folder}{source}", "--json", str(folder / "c.jsonl"), *fake(model)]) == 0


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
    wanted = "kpstream: error: cannot write /dev/full: No space left on device\n"
    assert only_error(capsys) == wanted


def test_an_unforeseen_error_is_named_and_shown_in_full_on_demand(tmp_path, monkeypatch, capsys):
    (tmp_path / "broken_command.py").write_text("def main(words):\n    raise KeyError(words[0])\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(COMMANDS, "broken", "broken_command")
    assert main(["broken", "lost"]) == 1
    assert "KeyError: 'lost'" in only_error(capsys)
    monkeypatch.setenv("KPSTREAM_TRACEBACK", "1")
    assert main(["broken", "lost"]) == 1
    assert "broken_command.py" in capsys.readouterr().err


def test_a_pipe_that_breaks_elsewhere_is_an_error(tmp_path, monkeypatch, capfd):
    (tmp_path / "cut_off_command.py").write_text(
        "def main(words):\n    raise BrokenPipeError(32, 'Broken pipe')\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(COMMANDS, "cut-off", "cut_off_command")
    assert main(["cut-off"]) == 1
    assert capfd.readouterr().err == "kpstream: error: Broken pipe\n"


def test_a_first_word_that_is_a_command_is_that_command(model, capsys):
    assert set(COMMANDS) == {"bench", "calibrate", "engines"}
    assert main(["engines", "--model", str(model)]) == 0
    lines = capsys.readouterr().out.splitlines()
    said = [line.split()[1] for line in lines if line.startswith(("yes", "no "))]
    assert sorted(said) == names()
    fake_line = next(line for line in lines if line.split()[1] == "fake")
    assert fake_line.startswith("yes")


def test_a_path_of_a_commands_name_is_a_source(capsys, model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["./engines", "--json", "x.jsonl", "--model", str(model)]) == 1
    assert "no such file: ./engines" in only_error(capsys)


def test_the_engines_of_a_file_that_is_no_model(clip, capsys):
    assert main(["engines", "--model", str(clip)]) == 1
    assert "not an ONNX model" in only_error(capsys)
