"""A file of the cache is loaded bit for bit as it was written, by its owner, or not at all."""

import dataclasses
import logging
import os
import sys
from pathlib import Path

import marker_graph
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engines import plans
from engines.plans import Description, read_plan, recall, remember, write_plan
from engines.spec import EngineUnavailable, SpecError

PLAN = bytes(range(256)) * 3
ABOUT = Description(
    model="a" * 64,
    recipe="b" * 64,
    runtime="tensorrt",
    version="10.3.0",
    device="NVIDIA GeForce RTX 4070",
    capabilities=((8, 9),),
    precision="fp16",
    batches=(1, 8),
    spec=marker_graph.SPEC.to_json(),
)
posix = pytest.mark.skipif(os.name != "posix", reason="owners and modes are POSIX's")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch) -> Path:
    """The cache's folder, in a home of the test's own."""
    for name in ("HOME", "USERPROFILE", "LOCALAPPDATA", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    assert tmp_path in plans.cache_dir().parents
    return plans.cache_dir()


def others(value: object) -> object:
    """A value of the same kind that differs."""
    if isinstance(value, tuple):
        return (*value, value[0])
    return None if value == ABOUT.device else f"{value} "


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have folders of their own")
def test_the_cache_is_where_the_user_keeps_caches(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "elsewhere"))
    assert plans.cache_dir() == tmp_path / "elsewhere" / "kpstream"
    for value in ("", "relative"):  # the XDG specification: not absolute is not there
        monkeypatch.setenv("XDG_CACHE_HOME", value)
        assert plans.cache_dir() == tmp_path / "home" / ".cache" / "kpstream"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert plans.cache_dir() == tmp_path / "home" / ".cache" / "kpstream"


def test_a_plan_file_says_all_that_it_is_for(tmp_path):
    write_plan(tmp_path / "packet.plan", PLAN, ABOUT)
    assert read_plan(tmp_path / "packet.plan") == (ABOUT, PLAN)
    assert [path.name for path in tmp_path.iterdir()] == ["packet.plan"]


def test_a_plan_is_kept_for_its_description_alone():
    assert plans.kept_plan(ABOUT) is None
    plans.keep_plan(ABOUT, PLAN)
    assert plans.kept_plan(ABOUT) == PLAN
    for field in dataclasses.fields(Description):
        changed = others(getattr(ABOUT, field.name))
        other = dataclasses.replace(ABOUT, **{field.name: changed})
        assert plans.kept_plan(other) is None, field.name


def test_a_plan_under_the_name_of_another_is_not_taken(folder):
    plans.keep_plan(ABOUT, PLAN)
    newer = dataclasses.replace(ABOUT, version="11.0.0")
    (folder / ABOUT.file_name).rename(folder / newer.file_name)
    assert plans.kept_plan(newer) is None
    remember(ABOUT.file_name, b"a note")
    assert plans.kept_plan(ABOUT) is None


def test_a_note_is_kept_and_replaced():
    assert recall("verdict") is None
    remember("verdict", b"good")
    remember("verdict", b"better")
    assert recall("verdict") == b"better"
    assert recall("other") is None


@pytest.mark.parametrize("name", ["../verdict", "a/b", "", "."])
def test_a_name_is_a_file_of_the_cache(name):
    with pytest.raises(ValueError, match="plain file name"):
        remember(name, b"")


@given(share=st.floats(0, 1, exclude_max=True))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_half_written_file_is_none(folder, share):
    plans.keep_plan(ABOUT, PLAN)
    path = folder / ABOUT.file_name
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    assert plans.kept_plan(ABOUT) is None
    with pytest.raises(SpecError, match="make it again"):
        read_plan(path)


@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_flipped_bit_is_found(folder, place, bit):
    plans.keep_plan(ABOUT, PLAN)
    path = folder / ABOUT.file_name
    data = bytearray(path.read_bytes())
    data[int(place * len(data))] ^= 1 << bit
    path.write_bytes(data)
    assert plans.kept_plan(ABOUT) is None
    with pytest.raises(SpecError, match="make it again"):
        read_plan(path)


@given(data=st.binary(max_size=200))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_are_refused(folder, data):
    remember("verdict", b"good")
    for foreign in (data, plans.MAGIC + data, (folder / "verdict").read_bytes() + data + b"x"):
        (folder / "verdict").write_bytes(foreign)
        assert recall("verdict") is None
    remember("verdict", b"good")
    assert recall("verdict") == b"good"


def test_what_is_passed_over_is_told(folder, caplog):
    remember("verdict", b"good")
    (folder / "verdict").write_bytes(b"half")
    with caplog.at_level(logging.WARNING, "kpstream"):
        assert recall("verdict") is None
    assert "verdict is not a whole file that kpstream wrote" in caplog.text


@posix
def test_folder_and_files_are_the_users_alone(folder):
    folder.mkdir(parents=True, mode=0o777)
    folder.chmod(0o777)
    remember("verdict", b"good")
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "verdict").stat().st_mode & 0o777 == 0o600


@posix
@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_file_that_others_may_write_to_is_not_loaded(folder, mode):
    plans.keep_plan(ABOUT, PLAN)
    path = folder / ABOUT.file_name
    path.chmod(mode)
    assert plans.kept_plan(ABOUT) is None
    with pytest.raises(EngineUnavailable, match=f"others may write to .*{mode:o}.*a plan is code"):
        read_plan(path)


@posix
def test_a_file_of_another_user_is_not_loaded(folder, monkeypatch):
    plans.keep_plan(ABOUT, PLAN)
    owner = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    assert plans.kept_plan(ABOUT) is None
    with pytest.raises(EngineUnavailable, match=f"belongs to user {owner}, and a plan is code"):
        read_plan(folder / ABOUT.file_name)


@posix
def test_a_link_is_not_followed(folder, tmp_path):
    write_plan(tmp_path / "elsewhere", PLAN, ABOUT)
    folder.mkdir(parents=True)
    path = folder / ABOUT.file_name
    path.symlink_to(tmp_path / "elsewhere")
    assert plans.kept_plan(ABOUT) is None
    with pytest.raises(EngineUnavailable, match="is a link, and a plan is code"):
        read_plan(path)
    plans.keep_plan(ABOUT, PLAN[:9])
    assert read_plan(path) == (ABOUT, PLAN[:9])
    assert read_plan(tmp_path / "elsewhere") == (ABOUT, PLAN)


@posix
def test_what_is_no_file_is_not_waited_for(folder):
    folder.mkdir(parents=True)
    os.mkfifo(folder / "verdict")
    assert recall("verdict") is None
    (folder / "other").mkdir()
    assert recall("other") is None


def test_a_folder_that_cannot_be_made_costs_the_cache_alone(folder, caplog):
    folder.parent.mkdir(parents=True)
    folder.write_bytes(b"a file where the folder should be")
    with caplog.at_level(logging.WARNING, "kpstream"):
        plans.keep_plan(ABOUT, PLAN)
    assert "nothing is kept for the next start" in caplog.text
    assert plans.kept_plan(ABOUT) is None


def test_a_full_disk_leaves_the_old_file_and_no_other(folder, monkeypatch, caplog):
    remember("verdict", b"good")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    remember("verdict", b"half")
    assert "No space left" in caplog.text
    assert recall("verdict") == b"good"
    assert [path.name for path in folder.iterdir()] == ["verdict"]


def nobody() -> Path:
    raise RuntimeError("Could not determine home directory.")


def test_a_user_without_a_home_has_no_cache(monkeypatch, caplog):
    monkeypatch.setattr(Path, "home", nobody)
    for name in ("LOCALAPPDATA", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name)
    assert recall("verdict") is None
    remember("verdict", b"good")
    assert recall("verdict") is None
    (said,) = caplog.messages
    assert "Set XDG_CACHE_HOME or HOME" in said


@pytest.mark.skipif(sys.platform == "darwin", reason="it has no variable for the cache alone")
def test_a_user_without_a_home_may_name_the_cache(folder, monkeypatch):
    monkeypatch.setattr(Path, "home", nobody)
    remember("verdict", b"good")
    assert recall("verdict") == b"good"
    assert (folder / "verdict").exists()


@pytest.mark.parametrize(
    "change",
    [{"kind": "note"}, {"kind": None}, {"capabilities": [8]}, {"batches": 8}, {"spec": "{}"}],
    ids=str,
)
def test_a_file_of_another_kpstream_is_no_plan(tmp_path, change):
    header = {"kind": "plan", **dataclasses.asdict(ABOUT), **change}
    plans._write(tmp_path / "packet.plan", header, PLAN)
    with pytest.raises(SpecError, match=r"packet.plan is no plan of this kpstream \(."):
        read_plan(tmp_path / "packet.plan")


def test_a_plan_of_a_kpstream_with_other_fields_is_no_plan(tmp_path):
    plans._write(tmp_path / "packet.plan", {"kind": "plan", "runtime": "tensorrt"}, PLAN)
    with pytest.raises(SpecError, match="is no plan of this kpstream"):
        read_plan(tmp_path / "packet.plan")
