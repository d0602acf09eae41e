"""The user's own decks, kept in a file of the user's config folder: JSON, for its owner alone.

Only what was measured is kept; what follows from it is worked out anew, so a record that is taken
back leaves no trace. One that cannot be read is never written over.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from engines.folders import own_folder, put
from stream.calibration import Calibration, Record
from stream.decks import DECKS

VERSION = 1
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,39}")
"""What a deck may be called: a word that needs no quotes in a shell."""


def config_file() -> Path:
    """Where the user's decks are kept, which need not exist yet.

    Raises OSError where the user has no home.
    """
    return own_folder("config") / "decks.json"


def check_name(name: str) -> None:
    """Raise ValueError for what no deck of the user's can be called."""
    if not NAME.fullmatch(name):
        raise ValueError(f"a deck's name is letters, digits, '-', '_' and '.', got {name!r}")
    if name in DECKS:
        raise ValueError(f"{name} is a kind of deck: give yours another name (--kind {name} tells)")


def read_decks() -> dict[str, Calibration]:
    """The user's decks by name; none where none was ever kept.

    Raises ValueError for a file that is not one of these, OSError.
    """
    path = config_file()
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except UnicodeDecodeError as error:
        raise _broken(path, "it is no text") from error
    try:
        return _decks(json.loads(text))
    except RecursionError as error:
        raise _broken(path, "it is nested too deep") from error
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        what = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise _broken(path, what) from error


def keep_decks(decks: Mapping[str, Calibration]) -> Path:
    """Put the user's decks, all of them, in place of the file; returns where. Raises OSError."""
    path = config_file()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    values = {"version": VERSION, "decks": {name: asdict(deck) for name, deck in decks.items()}}
    text = json.dumps(values, indent=1) + "\n"
    put(path.resolve(), [text.encode()])  # a link into a folder of settings stays one
    return path


def _broken(path: Path, what: str) -> ValueError:
    return ValueError(
        f"{path} is not a file of decks as kpstream writes it ({what}): mend it, or move it away "
        "and calibrate again"
    )


def _decks(values: Any) -> dict[str, Calibration]:
    """JSON → decks. Raises AttributeError, KeyError, TypeError, ValueError."""
    if values["version"] != VERSION:
        raise ValueError(f"version {values['version']!r}, this program reads {VERSION}")
    return {str(name): _calibration(name, value) for name, value in values["decks"].items()}


def _calibration(name: str, value: Any) -> Calibration:
    if value["kind"] not in DECKS:
        raise ValueError(f"{name} is of the unknown kind {value['kind']!r}")
    if not isinstance(value["records"], list) or not value["records"]:
        raise ValueError(f"{name} has no records")
    return Calibration(value["kind"], tuple(_record(name, record) for record in value["records"]))


def _record(name: str, value: Any) -> Record:
    if not isinstance(value, dict):
        raise TypeError(f"a record of {name} is no object")
    value = value | {key: tuple(value[key]) for key in ("layings_mm", "frame_hw")}
    for field in fields(Record):
        if not _FITS[field.name](value[field.name]):
            raise ValueError(f"a record of {name} has {field.name} = {value[field.name]!r}")
    return Record(**{field.name: value[field.name] for field in fields(Record)})


def _positive(value: Any) -> bool:
    return type(value) in (int, float) and 0 < value < 1e9


_FITS = {
    "cards": lambda v: type(v) is int and v > 0,
    "layings_mm": lambda v: bool(v) and all(map(_positive, v)),
    "frame_sd_mm": lambda v: _positive(v) or (type(v) in (int, float) and v == 0),
    "network_cards": lambda v: v is None or _positive(v),
    "when": lambda v: isinstance(v, str),
    "source": lambda v: isinstance(v, str),
    "frame_hw": lambda v: len(v) == 2 and all(type(n) is int and n > 0 for n in v),
    "model": lambda v: isinstance(v, str),
    "focal_px": _positive,
}
"""What each field of a record may hold."""
