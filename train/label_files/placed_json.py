"""A JSON file → its values; and the line that a value stands in, for whoever finds it wrong."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from train.label_files.wrong import LabelError

_SPACE = re.compile(r"[\s,:]*")
_DECODER = json.JSONDecoder()


class JsonFile:
    """An object of JSON in a file. Raises LabelError with the line where it is broken."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            value = json.loads(_text(path))
        except json.JSONDecodeError as error:
            raise LabelError(path, error.lineno, f"broken JSON, {error.msg}") from error
        except (UnicodeDecodeError, RecursionError, ValueError) as error:
            raise LabelError(path, 1, f"broken JSON, {error}") from error
        if not isinstance(value, dict):
            raise LabelError(path, 1, f"wanted an object of JSON, got a {type(value).__name__}")
        self.value: dict[str, Any] = value

    def list_of(self, key: str) -> list[Any]:
        """The list under a key of the object; ValueError if there is none."""
        found = self.value.get(key)
        if isinstance(found, list):
            return found
        raise ValueError(f"it has no list {key!r}")

    def line(self, *keys: str | int) -> int:
        """Keys and indices from the outside in → the line that the value begins in, from 1.

        Reads the file once more: only what is wrong is ever asked for.
        """
        text = _text(self.path)
        at = _skip(text, 0)
        for key in keys:
            at = _into(text, at, key)
        return text.count("\n", 0, at) + 1

    @contextmanager
    def at(self, *keys: str | int) -> Iterator[None]:
        """Inside, an error over a value's kind or content becomes the LabelError of its line."""
        try:
            yield
        except LabelError:
            raise
        except KeyError as error:
            raise LabelError(self.path, self.line(*keys), f"it has no {error}") from error
        except (ValueError, TypeError, AttributeError) as error:
            what = " ".join(str(error).split())
            raise LabelError(self.path, self.line(*keys), what) from error


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8-sig")


def _skip(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _into(text: str, at: int, key: str | int) -> int:
    """Where in the text the value at `at` has its item `key`."""
    at = _skip(text, at + 1)
    index = 0
    while text[at] not in "]}":
        if isinstance(key, str):
            name, end = _DECODER.raw_decode(text, at)
            at = _skip(text, end)
            if name == key:
                return at
        elif index == key:
            return at
        _, end = _DECODER.raw_decode(text, at)
        at = _skip(text, end)
        index += 1
    raise KeyError(key)
