"""A text file → its words, line by line."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from train.label_files.wrong import LabelError, at


def words_by_line(path: Path) -> list[tuple[int, list[str]]]:
    """(line from 1, its words) for each line that is not blank. LabelError if it is no text."""
    with at(path):
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    return [(n, words) for n, line in enumerate(lines, start=1) if (words := line.split())]


def first_lines(paths: Iterable[Path]) -> list[tuple[Path, list[str]]]:
    """The first words of each file that has some, for telling what kind of text they are.

    Files that are missing or no text are left out: whoever reads them all says so.
    """
    found = []
    for path in paths:
        with suppress(OSError, LabelError):
            found += [(path, words) for _, words in words_by_line(path)[:1]]
    return found
