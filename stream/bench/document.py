"""A report ⇄ its JSON, as docs/bench-json.md describes it."""

from __future__ import annotations

import json
import math
import types
from dataclasses import MISSING, asdict, fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar, cast, get_args, get_origin, get_type_hints

from stream.bench.report import FORMAT, Report

T = TypeVar("T")

_NOTHING: Any = object()


_REMEDY = "write one with kpstream bench --json FILE"


class DocumentError(ValueError):
    """A file that is no bench report, or one of another format; the message says which."""


def write(report: Report, path: Path) -> None:
    """A report → its file. Raises OSError."""
    text = json.dumps(_finite(asdict(report)), indent=2, ensure_ascii=False, allow_nan=False)
    # a name's bytes that are not UTF-8 are lone surrogates, which JSON writes as \udcXX
    path.write_text(text + "\n", "utf-8", "backslashreplace")


def read(path: Path) -> Report:
    """A file that `write` wrote → its report. Raises DocumentError, OSError.

    Keys that are unknown here are passed over: a later version may have added them.
    """
    try:
        value = json.loads(path.read_text("utf-8"))
    except (ValueError, RecursionError) as error:
        raise DocumentError(f"{path} is not JSON ({error}): {_REMEDY}") from error
    if not isinstance(value, dict) or "kpstream_bench" not in value:
        raise DocumentError(
            f"{path} is no report of kpstream bench (it has no key 'kpstream_bench'): {_REMEDY}"
        )
    if value["kpstream_bench"] != FORMAT:
        raise DocumentError(
            f"{path} has format {value['kpstream_bench']!r} and this kpstream reads {FORMAT}: "
            f"{_REMEDY}"
        )
    try:
        report: Report = _built(Report, value, "it")
    except (_WrongError, OverflowError) as error:
        text = f"{path} is a damaged report of kpstream bench ({error}): {_REMEDY}"
        raise DocumentError(text) from error
    if not report.engines:
        text = f"{path} is an empty report of kpstream bench (it holds no engine): {_REMEDY}"
        raise DocumentError(text)
    return report


class _WrongError(ValueError):
    """A value that is not what stands in its place."""


def _finite(value: Any) -> Any:
    """NaN, which JSON has no word for, becomes null."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _built(kind: Any, value: Any, where: str) -> Any:
    """A value out of JSON → one of a type: plain, dataclass, list, dict or `X | None`."""
    origin, inner = get_origin(kind), get_args(kind)
    built = _NOTHING
    if origin is types.UnionType:
        built = None if value is None else _built(inner[0], value, where)
    elif origin is list and isinstance(value, list):
        built = [_built(inner[0], item, f"{where}[{i}]") for i, item in enumerate(value)]
    elif origin is dict and isinstance(value, dict):
        built = {key: _built(inner[1], item, f"{where}.{key}") for key, item in value.items()}
    elif is_dataclass(kind) and isinstance(value, dict):
        built = _filled(cast("type[Any]", kind), value, where)
    elif kind is float:
        built = _number(value)
    elif type(value) is kind:
        built = value
    if built is _NOTHING:
        wanted = getattr(kind, "__name__", str(kind))
        raise _WrongError(f"{where} is {str(value)[:40]!r}, wanted {wanted}")
    return built


def _number(value: Any) -> Any:
    """What JSON holds for a float, null being NaN."""
    if value is None:
        return math.nan
    return float(value) if type(value) in {int, float} and math.isfinite(value) else _NOTHING


def _filled(kind: type[T], value: dict[str, Any], where: str) -> T:
    types_of = get_type_hints(kind)
    found = {}
    for field in fields(cast("Any", kind)):
        if field.name in value:
            found[field.name] = _built(
                types_of[field.name], value[field.name], f"{where}.{field.name}"
            )
        elif field.default is MISSING:
            raise _WrongError(f"{where} has no key {field.name!r}")
    return kind(**found)
