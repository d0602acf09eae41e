"""`kpstream calibrate` as a user meets it, and `--deck` with what it learnt."""

from __future__ import annotations

import json
import re
import signal
from dataclasses import replace
from pathlib import Path

import pytest
from commands import only_error
from counted import FINE, pictures
from pieces import write_spec

from stream.calibration import Calibration, Record
from stream.cli import main
from stream.deck_file import config_file, keep_decks, read_decks

pytestmark = pytest.mark.usefixtures("no_display")


@pytest.fixture(autouse=True)
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("HOME", "USERPROFILE", "APPDATA", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    return config_file()


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    model = write_spec(tmp_path_factory.mktemp("model") / "fine.onnx", FINE)
    return ["--engine", "fake", "--model", str(model)]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(pictures(tmp_path_factory.mktemp("a") / "whole", 15.1))


@pytest.fixture(scope="module")
def half(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(pictures(tmp_path_factory.mktemp("b") / "half", 7.6))


def calibrated(source: str, cards: int, engine: list[str], *more: str) -> int:
    return main(["calibrate", source, "--cards", str(cards), *engine, *more])


def test_a_deck_is_learnt_and_then_used(whole, half, engine, capsys, tmp_path):
    assert calibrated(whole, 52, engine, "--deck", "bee") == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert "52 cards, laid down once: 15." in out
    assert "bee: a card of this deck is 0.29" in out
    assert "nine times in ten" in out
    once = read_decks()["bee"].deck()
    assert once.card_mm == pytest.approx(15.1 / 52, rel=0.03)
    assert calibrated(half, 26, engine, "--deck", "bee") == 0
    twice = read_decks()["bee"].deck()
    assert twice.card_sd_mm < once.card_sd_mm
    assert twice.network_ratio == pytest.approx(1.0, abs=1e-3)  # the fake engine says 26
    lines = tmp_path / "found.jsonl"
    assert main([half, "--deck", "bee", "--json", str(lines), *engine]) == 0
    assert json.loads(lines.read_text("utf-8").splitlines()[0])["cards"] == 26


@pytest.mark.parametrize(
    ("cards", "told"), [(30, "mm a card: no card is that thick"), (104, "that thin")]
)
def test_a_wrong_count_is_refused_and_not_kept(  # noqa: PLR0917
    whole, engine, file, capsys, cards, told
):
    assert calibrated(whole, cards, engine) == 1
    error = only_error(capsys)
    assert told in error
    card_mm = float(re.search(r"([\d.]+) mm a card", error)[1])
    assert card_mm == pytest.approx(15.1 / cards, rel=0.04)
    assert f"cards, not {cards}" in error
    assert not file.exists()
    assert calibrated(whole, cards, engine, "--force") == 0
    assert read_decks()["mine"].records[0].cards == cards


def test_a_packet_that_contradicts_the_first_is_refused(whole, engine, file, capsys, tmp_path):
    assert calibrated(whole, 52, engine) == 0
    before = file.read_bytes()
    capsys.readouterr()
    assert calibrated(str(pictures(tmp_path / "thick", 9.6)), 26, engine) == 1
    assert "by what was learnt from 52 cards" in only_error(capsys)
    assert file.read_bytes() == before


def test_too_few_pictures_and_another_kind_are_refused(engine, capsys, tmp_path, whole):
    few = str(pictures(tmp_path / "few", 15.1, 3))
    assert calibrated(few, 52, engine) == 1
    assert "3 of 3 frames tell a thickness" in only_error(capsys)
    assert calibrated(whole, 52, engine, "--kind", "jumbo") == 1
    assert "mm a card" in only_error(capsys)
    assert read_decks() == {}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["clip.mp4"], "add --cards N"),
        (["--cards", "52"], "name one source"),
        (["clip.mp4", "--camera", "0", "--cards", "52"], "got both"),
        (["clip.mp4", "--cards", "0"], "1 or more"),
        (["clip.mp4", "--cards", "-4"], "--cards"),
        (["clip.mp4", "--cards", "many"], "1 or more"),
        (["clip.mp4", "--cards", "52", "--kind", "whist"], "--kind is one of poker"),
        (["clip.mp4", "--cards", "52", "--deck", "../x"], "a deck's name"),
        (["clip.mp4", "--cards", "52", "--deck", "poker"], "kind of deck"),
        (["clip.mp4", "--cards", "52", "--deck", ""], "a deck's name"),
        (["--forget"], "no deck 'mine'"),
        (["--list", "--deck", "bee"], "no deck 'bee'"),
    ],
)
def test_wrong_usage_is_told_in_one_line(words, told, capsys):
    assert main(["calibrate", *words]) == 2
    assert told in only_error(capsys)


def test_a_deck_stays_of_its_kind(whole, engine, capsys):
    assert calibrated(whole, 52, engine) == 0
    capsys.readouterr()
    assert calibrated(whole, 52, engine, "--kind", "bridge") == 2
    assert "mine is known as a poker deck" in only_error(capsys)


def test_records_are_listed_and_taken_back(whole, half, engine, capsys):
    assert main(["calibrate", "--list"]) == 0
    assert "no deck is known yet" in capsys.readouterr().out
    assert calibrated(whole, 52, engine) == 0
    alone = read_decks()["mine"]
    assert calibrated(half, 26, engine) == 0
    capsys.readouterr()
    assert main(["calibrate", "--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("mine: poker, a card 0.29")
    assert "52 cards" in lines[1]
    assert "26 cards" in lines[2]
    assert main(["calibrate", "--forget", "3"]) == 2
    assert "rests on 2 packets" in only_error(capsys)
    assert main(["calibrate", "--forget"]) == 0
    assert "26 cards" in capsys.readouterr().out
    assert read_decks()["mine"] == alone
    assert main(["calibrate", "--forget", "1", "--deck", "mine"]) == 0
    assert read_decks() == {}


def test_a_broken_file_is_told_before_anything_is_measured_and_left(file, engine, capsys):
    file.parent.mkdir(parents=True)
    file.write_text("{", "utf-8")
    for words in (["calibrate", "nowhere.mp4", "--cards", "52", *engine], ["calibrate", "--list"]):
        assert main(words) == 1
        assert "mend it, or move it away" in only_error(capsys)
    assert main(["nowhere.mp4", "--deck", "mine", "--json", "x.jsonl", *engine]) == 1
    assert "mend it" in only_error(capsys)
    assert main(["nowhere.mp4", "--deck", "poker", "--json", "x.jsonl", *engine]) == 1
    assert "nowhere.mp4" in only_error(capsys)  # what is not asked of it cannot hurt
    assert file.read_text("utf-8") == "{"


def test_ctrl_c_keeps_nothing(whole, engine, file, monkeypatch):
    def interrupted(*_: object) -> None:
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr("stream.calibrate_console.Guide._show", interrupted)
    assert calibrated(whole, 52, engine) == 130
    assert not file.exists()


def test_what_was_forgotten_meanwhile_stays_so(whole, engine, monkeypatch):
    assert calibrated(whole, 52, engine) == 0

    def forget(*_: object) -> None:
        if read_decks():
            assert main(["calibrate", "--forget"]) == 0

    monkeypatch.setattr("stream.calibrate_console.Guide._show", forget)
    assert calibrated(whole, 52, engine) == 0
    assert len(read_decks()["mine"].records) == 1


@pytest.mark.parametrize("count", [2, 8, 17])
def test_a_model_of_other_keypoints_is_refused(whole, capsys, tmp_path, count):
    names, order = tuple(f"point_{i}" for i in range(count)), tuple(range(count))
    spec = replace(FINE, keypoints=names, edges=(), flip=order, max_cards=None)
    model = write_spec(tmp_path / "parts.onnx", spec)
    assert calibrated(whole, 52, ["--engine", "fake", "--model", str(model)]) == 2
    assert f"{model} is no model of packets" in only_error(capsys)


def test_a_source_whose_name_is_no_text_is_listed(capsys):
    one = Record(52, (15.0,), 0.1, None, "2026-01-02", "a\udcff.mp4", (480, 640), "nano", 900.0)
    keep_decks({"mine": Calibration("poker", (one,))})
    assert main(["calibrate", "--list"]) == 0
    assert "a\\udcff.mp4  640x480" in capsys.readouterr().out


def test_an_unknown_deck_is_told_with_the_known_ones(whole, engine, capsys):
    assert calibrated(whole, 52, engine, "--deck", "bee") == 0
    capsys.readouterr()
    assert main(["synth:", "--deck", "bees", "--json", "x.jsonl"]) == 2
    error = only_error(capsys)
    assert "did you mean bee?" in error
    assert "poker, bridge, jumbo, tarot, mini, bee" in error


def test_a_deck_without_a_name_is_not_another(whole, engine, capsys):
    assert calibrated(whole, 52, engine) == 0
    capsys.readouterr()
    assert main(["calibrate", "--forget", "--deck", ""]) == 2
    assert "no deck ''" in only_error(capsys)
    assert main(["synth:", "--deck", "", "--json", "x.jsonl"]) == 2
    assert "no deck ''" in only_error(capsys)


def test_another_camera_is_mentioned(whole, half, engine, caplog, tmp_path):
    assert calibrated(whole, 52, engine) == 0
    words = ["--deck", "mine", "--json", str(tmp_path / "x.jsonl"), *engine]
    assert main([half, *words]) == 0
    assert caplog.messages == []
    assert main(["synth:frames=2&size=320x240", *words]) == 0
    assert "mine was learnt at 640x480 with the model fine-" in caplog.text
    assert "this is 320x240" in caplog.text


def test_another_model_of_the_same_name_is_mentioned(whole, half, engine, caplog, tmp_path):
    assert calibrated(whole, 52, engine) == 0
    model = write_spec(tmp_path / "fine.onnx", replace(FINE, sigma_px=5.0))
    words = ["--engine", "fake", "--model", str(model), "--json", str(tmp_path / "x.jsonl")]
    assert main([half, "--deck", "mine", *words]) == 0
    assert "calibrate again here" in caplog.text


def test_no_count_is_above_the_deck(half, engine, tmp_path, capsys):
    lines = tmp_path / "x.jsonl"
    for most, said in (("24", 24), ("26", 26), ("300", 26)):
        words = ["--cards-in-deck", most, "--json", str(lines), *engine]
        assert main([half, *words]) == 0
        found = json.loads(lines.read_text("utf-8").splitlines()[0])
        assert found["cards"] == said
        assert found["cards_high"] <= int(most)
    assert main([half, "--cards-in-deck", "0", "--json", str(lines)]) == 2
    capsys.readouterr()
