"""Reports written and read back, and everything that is none."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path
from typing import get_args, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st
from runs import engine, report, run

from stream.bench import document
from stream.bench.document import DocumentError
from stream.bench.figures import measured
from stream.bench.report import Report

DOCS = Path(__file__).parents[3] / "docs" / "bench-json.md"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


def written(value: object, folder: Path) -> Path:
    path = folder / "report.json"
    path.write_text(value if isinstance(value, str) else json.dumps(value), "utf-8")
    return path


def places(value: object, way: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """The ways to everything in a JSON value."""
    if isinstance(value, dict):
        return [way, *(p for k, v in value.items() for p in places(v, (*way, k)))]
    if isinstance(value, list):
        return [way, *(p for i, v in enumerate(value) for p in places(v, (*way, i)))]
    return [way]


@pytest.mark.parametrize("live", [False, True])
def test_what_was_written_is_read_back(tmp_path, live):
    camera = measured([run(range(100), late_s=[0.001] * 100)], cores=2)
    before = report(engine(), engine("ort"), camera, live=live)
    document.write(before, tmp_path / "a.json")
    assert document.read(tmp_path / "a.json") == before


def test_what_is_not_known_is_null_and_comes_back_as_not_known(tmp_path):
    unknown = dataclasses.replace(engine(), others_share=math.nan)
    document.write(report(unknown), tmp_path / "a.json")
    assert '"others_share": null' in (tmp_path / "a.json").read_text("utf-8")
    assert math.isnan(document.read(tmp_path / "a.json").engines[0].others_share)


def test_a_name_that_is_not_utf8_is_written_and_read_back(tmp_path):
    name = "caf\udce9.mp4"  # as Python reads the bytes of such a path
    before = report()
    before = dataclasses.replace(before, source=dataclasses.replace(before.source, name=name))
    document.write(before, tmp_path / "a.json")
    assert b"caf\\udce9.mp4" in (tmp_path / "a.json").read_bytes()
    assert document.read(tmp_path / "a.json") == before


def test_a_key_of_a_later_version_is_passed_over(tmp_path):
    value = dataclasses.asdict(report())
    value["machine"]["mood"] = "good"
    assert document.read(written(value, tmp_path)) == report()


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("", "is not JSON"),
        ('{"kpstream_bench": 1', "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ("[1, 2]", "no report of kpstream bench"),
        ('{"fps": 30}', "no report of kpstream bench"),
        ('{"kpstream_bench": 2}', "has format 2 and this kpstream reads 1"),
        ('{"kpstream_bench": 1}', "has no key 'kpstream'"),
    ],
)
def test_what_is_no_report_is_told_in_one_line(tmp_path, value, told):
    with pytest.raises(DocumentError, match=told) as caught:
        document.read(written(value, tmp_path))
    assert "report.json" in str(caught.value)
    assert str(caught.value).endswith(": write one with kpstream bench --json FILE")
    assert "\n" not in str(caught.value)


def test_bytes_that_are_no_text_are_no_json(tmp_path):
    (tmp_path / "clip.mp4").write_bytes(bytes(range(256)))
    with pytest.raises(DocumentError, match="is not JSON"):
        document.read(tmp_path / "clip.mp4")


def test_a_report_without_engines_is_refused(tmp_path):
    value = {**dataclasses.asdict(report()), "engines": []}
    with pytest.raises(DocumentError, match="holds no engine"):
        document.read(written(value, tmp_path))


def test_a_damaged_place_is_named(tmp_path):
    value = dataclasses.asdict(report())
    value["engines"][0]["rounds"][1]["fps"] = "fast"
    with pytest.raises(DocumentError, match=r"it\.engines\[0\]\.rounds\[1\]\.fps is 'fast'"):
        document.read(written(value, tmp_path))


@given(st.data())
def test_damage_anywhere_is_told_or_does_no_harm(tmp_path_factory, data):
    value = json.loads(json.dumps(dataclasses.asdict(report())))
    way = data.draw(st.sampled_from(places(value)[1:]))
    place = value
    for step in way[:-1]:
        place = place[step]
    place[way[-1]] = data.draw(JSON)
    path = written(value, tmp_path_factory.getbasetemp())
    try:
        found = document.read(path)
    except DocumentError:
        return
    assert isinstance(found, Report)


def test_every_key_is_documented():
    text = DOCS.read_text("utf-8")

    def keys(kind: type) -> set[str]:
        found = set()
        for name, inner in get_type_hints(kind).items():
            found.add(name)
            for part in (inner, *get_args(inner)):
                if dataclasses.is_dataclass(part):
                    found |= keys(part)
        return found

    assert {"fps", "p99_ms", "others_share", "sha256"} <= keys(Report)
    assert [key for key in sorted(keys(Report)) if f"`{key}`" not in text] == []
