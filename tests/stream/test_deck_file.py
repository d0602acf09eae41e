"""The user's decks on disk: there again bit for bit, whole or untouched, the owner's alone."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stream import deck_file
from stream.calibration import Calibration, Record
from stream.deck_file import check_name, config_file, keep_decks, read_decks
from stream.decks import DECKS

RECORD = Record(
    52, (15.9, 16.1), 0.1, 47.5, "2026-01-02T03:04+00:00", "camera 0", (720, 1280), "nano", 900.0
)
DECK = Calibration("poker", (RECORD,))

positive = st.floats(1e-3, 1e3)
records = st.builds(
    Record,
    cards=st.integers(1, 500),
    layings_mm=st.lists(positive, min_size=1, max_size=4).map(tuple),
    frame_sd_mm=st.floats(0, 10),
    network_cards=st.none() | positive,
    when=st.text(),
    source=st.text(),
    frame_hw=st.tuples(st.integers(1, 9999), st.integers(1, 9999)),
    model=st.text(),
    focal_px=positive,
)
decks = st.dictionaries(
    st.from_regex(deck_file.NAME, fullmatch=True),
    st.builds(
        Calibration, st.sampled_from(sorted(DECKS)), st.lists(records, min_size=1).map(tuple)
    ),
    max_size=3,
)


@pytest.fixture(autouse=True)
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("HOME", "USERPROFILE", "APPDATA", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "new"))
    return config_file()


def test_nothing_was_ever_kept(file):
    assert read_decks() == {}
    assert not file.parent.exists()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(decks)
def test_what_is_kept_is_there_again(decks):
    keep_decks(decks)
    assert read_decks() == decks


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX modes")
def test_file_and_folder_are_the_owners_alone(file):
    old = os.umask(0)
    try:
        keep_decks({"mine": DECK})
    finally:
        os.umask(old)
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700


def test_a_write_that_fails_leaves_what_was_there_and_nothing_else(file, monkeypatch):
    keep_decks({"mine": DECK})
    before = file.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        keep_decks({"other": DECK})
    assert file.read_bytes() == before
    assert list(file.parent.iterdir()) == [file]


def test_a_link_into_a_folder_of_settings_stays_one(file, tmp_path):
    keep_decks({"mine": DECK})
    place = tmp_path / "settings.json"
    file.rename(place)
    try:
        file.symlink_to(place)
    except OSError as error:
        pytest.skip(f"needs links: {error}")
    keep_decks({"other": DECK})
    assert file.is_symlink()
    assert set(json.loads(place.read_text("utf-8"))["decks"]) == {"other"}


def broken(**changes: object) -> str:
    one = {
        "cards": 52, "layings_mm": [16.0], "frame_sd_mm": 0.1, "network_cards": None, "when": "",
        "source": "", "frame_hw": [1, 1], "model": "", "focal_px": 1.0,
    }  # fmt: skip
    kind = changes.pop("kind", "poker")
    decks = {"mine": {"kind": kind, "records": [one | changes]}}
    return json.dumps({"version": 1, "decks": decks})


def test_what_the_broken_ones_are_made_from_is_whole(file):
    file.parent.mkdir(parents=True)
    file.write_text(broken(), "utf-8")
    assert read_decks()["mine"].records[0].cards == 52


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "line 1"),
        ("", "line 1"),
        ("[]", "indices"),
        ("[" * 100_000, "nested"),
        ('{"decks": {}}', "'version' is missing"),
        ('{"version": 1, "decks": []}', "no attribute 'items'"),
        ('{"version": 2, "decks": {}}', "version 2, this program reads 1"),
        ('{"version": 1, "decks": {"mine": {"kind": "poker", "records": []}}}', "no records"),
        ('{"version": 1, "decks": {"mine": {"kind": "poker", "records": [1]}}}', "no object"),
        (broken(kind="whist"), "unknown kind 'whist'"),
        (broken(cards=0), "cards = 0"),
        (broken(cards=True), "cards = True"),
        (broken(layings_mm=[]), "layings_mm = ()"),
        (broken(layings_mm=[float("nan")]), "layings_mm = (nan,)"),
        (broken(layings_mm=3), "not iterable"),
        (broken(frame_hw=[720]), "frame_hw = (720,)"),
        (broken(focal_px="far"), "focal_px = 'far'"),
    ],
)
def test_a_broken_file_is_one_line_and_stays_as_it_is(file, text, told):
    file.parent.mkdir(parents=True)
    file.write_text(text, "utf-8")
    with pytest.raises(ValueError, match="not a file of decks") as raised:
        read_decks()
    assert told in str(raised.value)
    assert str(file) in str(raised.value)
    assert file.read_text("utf-8") == text


def test_a_file_that_is_no_text_is_told(file):
    file.parent.mkdir(parents=True)
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValueError, match="it is no text"):
        read_decks()


@pytest.mark.parametrize("name", ["", "my deck", "../mine", "-x", "a" * 41, "poker"])
def test_what_no_deck_can_be_called(name):
    with pytest.raises(ValueError, match="name"):
        check_name(name)


@pytest.mark.skipif(sys.platform in {"win32", "darwin"}, reason="XDG is for the others")
def test_a_relative_config_folder_is_not_believed(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CONFIG_HOME", "here")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert config_file() == tmp_path / ".config" / "kpstream" / "decks.json"


@pytest.mark.skipif(sys.platform in {"win32", "darwin"}, reason="XDG is for the others")
def test_a_user_without_a_home_may_name_the_config_folder(monkeypatch, tmp_path):
    def nobody() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", nobody)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert config_file() == tmp_path / "kpstream" / "decks.json"
    monkeypatch.delenv("XDG_CONFIG_HOME")
    with pytest.raises(OSError, match=r"no config folder: .* Set XDG_CONFIG_HOME or HOME"):
        config_file()


@pytest.mark.parametrize(
    ("platform", "folder"), [("darwin", "Library/Application Support"), ("win32", "Roaming")]
)
def test_each_platform_has_its_own_folder(monkeypatch, tmp_path, platform, folder):
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("APPDATA", str(tmp_path / "Roaming"))
    assert config_file() == tmp_path / folder / "kpstream" / "decks.json"
