"""What the commands share: their words for a source and a model, and how mistakes are said."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn
from urllib.parse import unquote

import engines

if TYPE_CHECKING:
    from _typeshed import SupportsWrite

    from stream.frame import Source


class UsageError(Exception):
    """The words do not make sense together; the message says what to write instead."""


class Parser(argparse.ArgumentParser):
    """Mistakes come out as UsageError, so that they read like every other error."""

    def error(self, message: str) -> NoReturn:
        """Raise what argparse would have printed."""
        raise UsageError(f"{message} ({self.prog} --help says more)")

    def print_help(self, file: SupportsWrite[str] | None = None) -> None:
        """Print the help; argparse's own way says nothing of an output that cannot take it."""
        print(self.format_help(), end="", file=file)


def add_source(parser: Parser) -> None:
    """Give a parser the words that say what to look at and with which model."""
    add = parser.add_argument
    add(
        "source",
        nargs="?",
        type=local_path,
        metavar="SOURCE",
        help="a video file, a folder or glob of pictures, an rtsp, http or udp address, or synth:",
    )
    add("--camera", type=_camera, metavar="N", help="the camera of that number, from 0")
    words = "an ONNX model, or another file of kpstream-train"
    add("--model", type=Path, metavar="FILE", default=engines.DEFAULT_MODEL, help=words)
    add("--engine", choices=["auto", *engines.names()], default="auto", help="what runs the model")


def local_path(source: str) -> str:
    """A file: address → the path that it names; any other source, and what exists, as it is.

    Characters written as %XX are read as such, unless there is a file of that very name (RFC 8089).
    """
    if not source.lower().startswith("file:") or Path(source).exists():
        return source
    path = source[len("file:") :]
    if not path:  # it names nothing, and an error without a name says nothing
        return source
    for empty in ("//localhost/", "///"):  # the host is this machine
        if path.lower().startswith(empty):
            path = path[len(empty) - 1 :]
    if os.name == "nt":  # /C:/a.mp4
        path = re.sub(r"^/(?=[A-Za-z]:)", "", path)
    return path if Path(path).exists() else unquote(path, errors="surrogateescape")


def input_files(source: str | None) -> list[Path]:
    """What a source is read from: a path as it stands, and the pictures of a folder or glob."""
    if source is None:
        return []
    path = Path(source)
    if path.is_file() or "://" in source:
        return [path]
    from stream.sources.images import pictures  # noqa: PLC0415

    return [path, *map(Path, pictures(source))]


def _camera(text: str) -> str:
    if not (text.isdecimal() and len(text) <= 4) and not text.startswith("/dev/"):
        raise argparse.ArgumentTypeError(f"a camera is a number from 0, got {text!r}")
    return text


def whole_cards(text: str) -> int:
    """Digits → a number of cards. Raises what argparse makes a line of."""
    if not (text.isascii() and text.isdecimal() and int(text[:5]) >= 1 and len(text) <= 4):
        raise argparse.ArgumentTypeError(f"a number of cards is 1 or more, got {text!r}")
    return int(text)


def seconds(text: str) -> float:
    """Text → a length of time, inf too. Raises what argparse makes a line of."""
    with suppress(ValueError):
        if (length_s := float(text)) >= 0:
            return length_s
    raise argparse.ArgumentTypeError(f"a number of seconds is 0 or more, got {text!r}")


def check_source(args: argparse.Namespace) -> None:
    """Raise UsageError unless one source is named, OSError for a model file that is not there."""
    if (args.source is None) == (args.camera is None):
        got = "neither" if args.source is None else "both"
        raise UsageError(f"name one source, a SOURCE or --camera N, got {got}")
    check_model(args.model)


def check_model(path: Path) -> None:
    """Raise OSError for a model file that is not there."""
    if not path.is_file():
        raise FileNotFoundError(f"there is no model file {path}: name one with --model")


def check_output(option: str, path: Path, inputs: Iterable[tuple[str, Path]]) -> None:
    """Raise OSError for a file that cannot be written, UsageError for one that is an input.

    `option` is what names the file; `inputs` are others, each with what it is.
    """
    from stream.frame import checked_output  # noqa: PLC0415

    for what, other in inputs:
        if _same_file(path, other):
            raise UsageError(f"{option} {path} is {what} itself: name another file")
    checked_output(path)


def _same_file(a: Path, b: Path) -> bool:
    """Whether two paths are one file, also through links; also one that is yet to be made."""
    return a.samefile(b) if a.exists() and b.exists() else a.resolve() == b.resolve()


def open_source(args: argparse.Namespace) -> Source:
    """What `add_source`'s words name, opened. Raises SourceError."""
    if args.camera is not None:
        from stream.sources import camera  # noqa: PLC0415

        return camera.open_source(args.camera)
    from stream import sources  # noqa: PLC0415

    return sources.open_source(args.source)


def one_line(error: Exception) -> str:
    """An error → its message on one line; the kind of error too where the message needs it."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror if error.filename is None else f"{error.filename}: {error.strerror}"
    text = " ".join(str(error).split())
    if isinstance(error, ImportError) and ".so" in text:  # OpenCV's, in a slim container
        return f"{text}: install it, for OpenCV apt-get install libgl1 libglib2.0-0"
    if isinstance(error, (UsageError, OSError, ValueError, RuntimeError)) and text:
        return text
    return f"{type(error).__name__}: {text} (KPSTREAM_TRACEBACK=1 shows where)"
