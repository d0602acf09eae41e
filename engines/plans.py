"""The files that this program writes for itself: built plans and small notes, in its cache folder.

A plan is code: the GPU runs what is in it. So a file is read back only if this user owns it, nobody
else may write to it, it is no link, and it is bit for bit what this program wrote. Any other file
of the cache is as good as none, and what it should have held is made anew.

A file is `MAGIC`, the length of the header (4 bytes, little endian), the header's SHA-256, the
header (JSON, with the payload's length and SHA-256) and the payload.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import stat
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

from engines.folders import own_folder, put
from engines.spec import EngineUnavailable, ModelSpec, SpecError

MAGIC = b"kpsplan1"
_HEAD = len(MAGIC) + 4 + 32

_log = logging.getLogger("kpstream")


@dataclass(frozen=True, slots=True)
class Description:
    """What a plan was built from and for; the key under which it is kept.

    `model` and `recipe` are SHA-256 of the ONNX file and of what turns it into a plan. `device` is
    the GPU's name, None for any GPU of the (major, minor) `capabilities`. `batches` are the numbers
    of pictures that the plan takes at once. `spec` is the model's description as JSON.
    """

    model: str
    recipe: str
    runtime: str
    version: str
    device: str | None
    capabilities: tuple[tuple[int, int], ...]
    precision: str
    batches: tuple[int, ...]
    spec: str

    @property
    def file_name(self) -> str:
        """Another name for every other description."""
        digest = hashlib.sha256(_json(asdict(self))).hexdigest()
        return f"{self.runtime}-{digest[:32]}.plan"


def cache_dir() -> Path:
    """This program's folder in the user's cache, which need not exist yet.

    Raises OSError where the user has no home.
    """
    return own_folder("cache")


def write_plan(path: Path, plan: bytes, description: Description, reading: str = "") -> None:
    """Write a plan and what it is for, so that the file is there whole or not at all.

    `reading` is what its model says of the gate's pictures (`parity.Reading` as JSON), for a plan
    that leaves its model behind. Raises OSError.
    """
    _write(path, {"kind": "plan", **asdict(description), "reading": reading}, plan)


def carried_reading(path: Path) -> str:
    """The `reading` that `write_plan` was given. Raises as `read_plan` does."""
    return str(_read(path)[0].get("reading", ""))


def read_plan(path: Path) -> tuple[Description, bytes]:
    """Plan file → what it is for, and the plan.

    Raises SpecError for what this program did not write so, EngineUnavailable for what others own
    or may write to, OSError.
    """
    header, plan = _read(path)
    if header.get("kind") != "plan":
        raise SpecError(f"{path} is no plan of this kpstream (it holds a {header.get('kind')})")
    try:
        values = {field.name: header[field.name] for field in fields(Description)}
        values["capabilities"] = tuple((major, minor) for major, minor in values["capabilities"])
        values["batches"] = tuple(values["batches"])
        ModelSpec.from_json(values["spec"])
    except (KeyError, TypeError, ValueError) as error:
        raise SpecError(f"{path} is no plan of this kpstream ({error}): export it again") from error
    return Description(**values), plan


def kept_plan(description: Description) -> bytes | None:
    """The plan of the cache for exactly this description, or None."""
    return _kept(description.file_name, {"kind": "plan", **asdict(description)})


def keep_plan(description: Description, plan: bytes) -> None:
    """Put a plan into the cache; where that cannot be written, a warning is all."""
    _keep(description.file_name, {"kind": "plan", **asdict(description)}, plan)


def recall(name: str) -> bytes | None:
    """What `remember` was given under this name, or None."""
    return _kept(name, {"kind": "note", "name": name})


def remember(name: str, data: bytes) -> None:
    """Put bytes into the cache under the name of a file; if it cannot be written, a warning is all.

    Raises ValueError for a name that is no plain file name.
    """
    _keep(name, {"kind": "note", "name": name}, data)


def _kept(name: str, wanted: Mapping[str, Any]) -> bytes | None:
    try:
        path = cache_dir() / _plain(name)
    except OSError:  # of which `_keep` tells
        return None
    try:
        header, payload = _read(path)
    except FileNotFoundError:
        return None
    except (OSError, SpecError, EngineUnavailable) as error:
        _log.warning("a file of the cache is passed over: %s", error)
        return None
    found = {key: value for key, value in header.items() if key not in ("bytes", "sha256")}
    return payload if _json(found) == _json(wanted) else None


def _keep(name: str, header: Mapping[str, Any], payload: bytes) -> None:
    try:
        folder = cache_dir()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)  # fails, as it should, on a folder of somebody else
        _write(folder / _plain(name), header, payload)
    except OSError as error:
        _mention(f"nothing is kept for the next start ({error}): make that folder yours")


@cache
def _mention(text: str) -> None:
    """Warn of something, once."""
    _log.warning("%s", text)


def _plain(name: str) -> str:
    if not name or Path(name).name != name:
        raise ValueError(f"a name in the cache must be a plain file name, got {name!r}")
    return name


def _write(path: Path, header: Mapping[str, Any], payload: bytes) -> None:
    """Header and payload → a file, whole or not at all."""
    digest = hashlib.sha256(payload).hexdigest()
    text = _json({**header, "bytes": len(payload), "sha256": digest})
    head = MAGIC + len(text).to_bytes(4, "little") + hashlib.sha256(text).digest()
    put(path, (head, text, payload))


def _read(path: Path) -> tuple[dict[str, Any], bytes]:
    data = _trusted(path)
    size = int.from_bytes(data[len(MAGIC) : len(MAGIC) + 4], "little")
    text, payload = data[_HEAD : _HEAD + size], data[_HEAD + size :]
    digest = data[len(MAGIC) + 4 : _HEAD]
    if data[: len(MAGIC)] != MAGIC or hashlib.sha256(text).digest() != digest:
        raise SpecError(f"{path} is not a whole file that kpstream wrote: make it again")
    header: dict[str, Any] = json.loads(text)
    wanted = (len(payload), hashlib.sha256(payload).hexdigest())
    if (header.get("bytes"), header.get("sha256")) != wanted:
        raise SpecError(f"{path} is damaged behind its header: make it again")
    return header, payload


def _trusted(path: Path) -> bytes:
    """The bytes of a file that only this user can have written."""
    if path.is_symlink():
        raise EngineUnavailable(f"{path} is a link, and a plan is code: name the file itself")
    # two of these do not exist on Windows, where the folder's own rights keep others out
    flags = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    number = os.open(path, os.O_RDONLY | flags)
    try:
        _check_owner(path, os.fstat(number))  # asked of the open file: a name may change hands
        with os.fdopen(number, "rb", closefd=False) as file:
            return file.read()
    finally:
        os.close(number)


def _check_owner(path: Path, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise EngineUnavailable(f"{path} is no regular file, and a plan is code: copy it")
    if hasattr(os, "geteuid") and found.st_uid != os.geteuid():
        raise EngineUnavailable(
            f"{path} belongs to user {found.st_uid}, and a plan is code: only files of your own "
            "are loaded; build it yourself"
        )
    if os.name == "posix" and found.st_mode & 0o022:
        raise EngineUnavailable(
            f"others may write to {path} (mode {stat.S_IMODE(found.st_mode):o}), and a plan is "
            "code: build it again, or chmod go-w if nobody did"
        )


def _json(values: Mapping[str, Any]) -> bytes:
    return json.dumps(values, sort_keys=True).encode()
