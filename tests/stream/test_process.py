"""What Windows says of a pipe that nobody reads any more, simulated: it has no poll to ask."""

from __future__ import annotations

import errno
import os
import select
import sys
from io import FileIO
from pathlib import Path

import pytest
from clips import flat, nothing_found
from pieces import SPEC

from stream.cli import COMMANDS, main
from stream.frame import Finished
from stream.sinks.jsonl import JsonLines


@pytest.fixture(autouse=True)
def windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.delattr(select, "poll", raising=False)


class Unread(FileIO):
    """A file that refuses what is written as such a pipe does there."""

    def write(self, data: object) -> int:
        del data
        raise OSError(errno.EINVAL, "Invalid argument")


@pytest.mark.parametrize("alone", [True, False])
def test_a_reader_of_lines_who_leaves_is_no_failure(tmp_path, alone):
    with Unread(tmp_path / "pipe", "w") as file:
        sink = JsonLines(file, "standard output", SPEC.keypoints, live=False, alone=alone)
        if alone:
            with pytest.raises(Finished):
                sink.write(nothing_found(flat(1)))
        else:
            sink.write(nothing_found(flat(1)))
        sink.write(nothing_found(flat(1)))  # and is not tried again


def written_in_vain(folder: Path, monkeypatch: pytest.MonkeyPatch, error: str) -> None:
    """A command that ends with an error, as `print` raises it."""
    (folder / "vain_command.py").write_text(f"def main(words):\n    raise {error}\n")
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delitem(sys.modules, "vain_command", raising=False)
    monkeypatch.setitem(COMMANDS, "vain", "vain_command")


@pytest.mark.parametrize("error", ["OSError(22, 'Invalid argument')", "BrokenPipeError(32, '')"])
def test_a_reader_of_a_command_who_leaves_is_no_failure(tmp_path, monkeypatch, error):
    written_in_vain(tmp_path, monkeypatch, error)
    reader, writer = os.pipe()
    with os.fdopen(reader), os.fdopen(writer, "w") as pipe:
        monkeypatch.setattr(sys, "stdout", pipe)
        assert main(["vain"]) == 0


def test_what_is_invalid_elsewhere_is_an_error(tmp_path, monkeypatch, capsys):
    written_in_vain(tmp_path, monkeypatch, "OSError(22, 'Invalid argument', 'a?.mp4')")
    reader, writer = os.pipe()
    with os.fdopen(reader), os.fdopen(writer, "w") as pipe:
        monkeypatch.setattr(sys, "stdout", pipe)
        assert main(["vain"]) == 1
    written_in_vain(tmp_path, monkeypatch, "OSError(22, 'Invalid argument')")
    with (tmp_path / "out.txt").open("w") as file:
        monkeypatch.setattr(sys, "stdout", file)
        assert main(["vain"]) == 1
    assert capsys.readouterr().err == (
        "kpstream: error: a?.mp4: Invalid argument\nkpstream: error: Invalid argument\n"
    )
