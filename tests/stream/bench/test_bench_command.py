"""`kpstream bench` as a user meets it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from commands import COMMAND, fake, only_error
from runs import wait_until_it_runs

from engines import names
from stream.bench.command import _parser
from stream.cli import main

pytestmark = pytest.mark.usefixtures("no_display")
ENDLESS = "synth:size=64x48&frames=1000000"
README = Path(__file__).parents[3] / "README.md"


def test_engines_are_measured_in_turns_and_the_figures_written(clip, model, tmp_path, capsys):
    path = tmp_path / "found.json"
    words = [str(clip), "--rounds", "2", "--json", str(path), *fake(model), "--engine", "fake"]
    assert main(["bench", *words]) == 0
    out, err = capsys.readouterr()
    assert err.count("\n") == 4
    assert "round 2 of 2, fake" in err
    assert "fake (2)" in out
    value = json.loads(path.read_text("utf-8"))
    assert value["complete"]
    assert value["settings"] == {"rounds": 2, "seconds": None, "output": "video"}
    assert value["model"]["name"] == "markers"
    assert value["source"]["name"] == str(clip)
    assert len(value["source"]["sha256"]) == 64
    for engine in value["engines"]:
        assert engine["engine"] == "fake"
        assert [r["frames"] for r in engine["rounds"]] == [10, 10]
        assert [r["warm_up_frames"] for r in engine["rounds"]] == [2, 2]
        assert engine["stages"]["engine"]["n"] == engine["age"]["n"] == 20
        assert engine["dropped"] == 0
        assert engine["camera"] is None
    assert main(["bench", "--compare", str(path), str(path)]) == 0
    out, err = capsys.readouterr()
    assert "Not comparable" not in out
    assert err == ""


def test_without_a_source_it_films_a_rendered_packet(model, tmp_path, capsys):
    path = tmp_path / "found.json"
    words = ["--rounds", "1", "--size", "640x480", "--json", str(path), *fake(model)]
    assert main(["bench", *words]) == 0
    assert "rendered clip, 640x480" in capsys.readouterr().out
    value = json.loads(path.read_text("utf-8"))
    source = value["source"]
    assert (source["width"], source["height"], source["fps"], source["frames"]) == (
        640,
        480,
        30,
        300,
    )
    assert value["engines"][0]["rounds"][0]["frames"] == 270
    assert value["engines"][0]["stages"]["read"]["p50_ms"] > 0.05


def test_live_tells_the_age_of_what_is_shown(model, tmp_path, capsys):
    path = tmp_path / "found.json"
    words = ["--live", "--seconds", "2", "--size", "640x480", "--json", str(path), *fake(model)]
    assert main(["bench", *words]) == 0
    assert "paced camera 640x480 at 30 fps" in capsys.readouterr().out
    value = json.loads(path.read_text("utf-8"))
    assert value["source"]["live"]
    assert value["settings"] == {"rounds": 1, "seconds": 2.0, "output": "display"}
    (engine,) = value["engines"]
    assert 0 < engine["age"]["p50_ms"] <= engine["age"]["max_ms"]
    assert engine["camera"]["late"]["n"] >= engine["age"]["n"] - engine["camera"]["skipped"]
    assert engine["dropped"] >= engine["camera"]["skipped"]
    assert "read" not in engine["stages"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--engine", "abacus"], "abacus"),
        (["--rounds", "0"], "rounds are 1 to 1000"),
        (["--seconds", "soon"], "seconds are 1 to 86400"),
        (["--seconds", "nan"], "seconds are 1 to 86400"),
        (["--size", "1x1"], "1x1"),
        (["--fps", "29"], "29"),
        (["clip.mp4", "--live"], "--live is for what is rendered"),
        (["clip.mp4", "--fps", "60"], "--fps is for what is rendered"),
        (["--show"], "--show goes with --live"),
        (["--compare", "a.json"], "2 arguments"),
        (["--compare", "a.json", "b.json", "--live"], "give nothing else"),
        (["clip.mp4", "--compare", "a.json", "b.json"], "give nothing else"),
    ],
)
def test_wrong_usage_is_told_in_one_line(words, told, capsys):
    assert main(["bench", *words]) == 2
    assert told in only_error(capsys)


def test_bad_input_is_told_before_anything_is_measured(clip, tmp_path, capsys):
    text = tmp_path / "text.json"
    text.write_text("this is no report")
    for words, told in (
        (["--model", str(tmp_path / "no.onnx")], "there is no model file"),
        (["--json", str(tmp_path / "no" / "found.json")], "no folder"),
        (["--live", "--show"], "leave out --show"),
        (["--compare", str(text), str(text)], "text.json is not JSON"),
        (["--compare", str(clip), str(clip)], "is not JSON"),
        (["--compare", str(tmp_path / "no.json"), str(text)], "no.json: No such file"),
    ):
        assert main(["bench", *words]) == 1, words
        assert told in only_error(capsys)


def test_the_figures_are_not_written_over_an_input(clip, model, capsys):
    picture = clip.parent / "pictures" / "one.png"
    picture.parent.mkdir()
    picture.write_bytes(b"a picture")
    for source, path, what in (
        (str(clip), clip, "the input"),
        (clip.as_uri(), clip, "the input"),
        (str(picture.parent), picture, "the input"),
        (str(clip), model, "the model"),
    ):
        before = path.read_bytes()
        assert main(["bench", source, "--json", str(path), *fake(model)]) == 2
        assert f"is {what} itself" in only_error(capsys)
        assert path.read_bytes() == before


def test_a_source_that_is_none_is_told(model, tmp_path, capsys):
    assert main(["bench", str(tmp_path / "missing.mp4"), *fake(model)]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "failed\nkpstream: error: no such file" in err
    assert "Traceback" not in err


@pytest.mark.skipif(sys.platform == "win32", reason="needs process groups")
def test_ctrl_c_at_a_terminal_prints_the_figures_so_far(model, tmp_path):
    path = tmp_path / "found.json"
    words = ["bench", ENDLESS, "--json", str(path), *fake(model)]
    process = subprocess.Popen(
        [*COMMAND, *words],
        start_new_session=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        wait_until_it_runs(tmp_path)
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=20)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 128 + signal.SIGINT
    assert "stopped before the end" in out
    assert err == "round 1 of 3, fake: stopped\n"
    assert json.loads(path.read_text("utf-8"))["complete"] is False


@pytest.mark.skipif(sys.platform == "win32", reason="needs process groups")
@pytest.mark.parametrize("after_s", [0.0, 0.03, 0.1, 0.3])
def test_ctrl_c_as_a_run_starts_says_nothing_else(model, after_s):
    words = ["bench", ENDLESS, *fake(model)]
    with subprocess.Popen(
        [*COMMAND, *words],
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stderr is not None
        said = process.stderr.read(len("round 1 of 3, fake: "))
        time.sleep(after_s)
        os.killpg(process.pid, signal.SIGINT)
        said += process.stderr.read()
    assert process.returncode == 128 + signal.SIGINT
    assert said == b"round 1 of 3, fake: stopped\n"


def test_help_names_the_engines_and_loads_nothing_heavy():
    program = (
        "import sys, stream.cli\n"
        "try: stream.cli.main(['bench', '--help'])\n"
        "finally: print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert "--compare" in done.stdout
    assert all(name in done.stdout for name in names())
    loaded = set(done.stdout.splitlines()[-1].split())
    assert not loaded & {"numpy", "cv2", "av", "rich", "psutil", "multiprocessing"}


def test_the_readme_names_every_option():
    text = README.read_text("utf-8")
    section = text[text.index("## Bench") :]
    section = section[: section.index("\n## ")]
    options = {word for action in _parser()._actions for word in action.option_strings}
    missing = [option for option in options - {"-h", "--help"} if option not in section]
    assert missing == []
