"""What the words of a source mean."""

from __future__ import annotations

import pytest

from stream.arguments import local_path


def test_a_file_address_is_the_path_that_it_names(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for address, path in {
        "file:///a/b.mp4": "/a/b.mp4",
        "file:/a/b.mp4": "/a/b.mp4",
        "file://localhost/a/b.mp4": "/a/b.mp4",
        "file:b.mp4": "b.mp4",
        "file:///a/K%C3%A4rtchen%201.mp4": "/a/Kärtchen 1.mp4",
        "file:///a/%E4.mp4": "/a/\udce4.mp4",  # a name that is not UTF-8, as Python spells it
        "File:///a/*.png": "/a/*.png",
    }.items():
        assert local_path(address) == path


@pytest.mark.parametrize(
    "source",
    ["a.mp4", "./file", "rtsp://host/file:x", "http://host/a%20b.mp4", "synth:", "", "file:"],
)
def test_any_other_source_stays_as_it_is(source):
    assert local_path(source) == source


def test_what_exists_is_that_file_whatever_its_name_looks_like(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file:a.mp4").touch()
    assert local_path("file:a.mp4") == "file:a.mp4"
    (tmp_path / "100%25.mp4").touch()
    assert local_path(f"file://{tmp_path}/100%25.mp4") == f"{tmp_path}/100%25.mp4"
