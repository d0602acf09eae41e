import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from train.label_files.placed_json import JsonFile
from train.label_files.wrong import LabelError

LEAVES = st.none() | st.booleans() | st.integers() | st.text(max_size=5)
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


def places(value, keys=()):
    """Every value within, with the keys that lead to it."""
    yield keys, value
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(inner, (*keys, key))


@settings(max_examples=30)
@given(st.dictionaries(st.text(max_size=3), VALUES, max_size=4))
def test_a_values_line_is_the_one_it_begins_in(tmp_path_factory, value):
    path = tmp_path_factory.mktemp("json") / "a.json"
    path.write_text(json.dumps(value, indent=2), encoding="utf-8", newline="")
    file = JsonFile(path)
    assert file.value == value
    lines = path.read_text(encoding="utf-8").split("\n")
    for keys, inner in places(value):
        line = lines[file.line(*keys) - 1]
        begins = json.dumps(inner, indent=2).split("\n")[0]
        assert begins in line
        assert not keys or isinstance(keys[-1], int) or json.dumps(keys[-1]) in line


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ('{"a": 1,\n\n"b" 2}', "line 3: broken JSON, Expecting ':' delimiter"),
        ("", "line 1: broken JSON, Expecting value"),
        ("[1]", "line 1: wanted an object of JSON, got a list"),
        ("[" * 100_000, "line 1: broken JSON"),
        (b'{"a": "\xff"}', "line 1: broken JSON, .*utf-8"),
        ('{"a": ' + "1" * 5000 + "}", "line 1: broken JSON, Exceeds the limit"),
    ],
)
def test_broken_json_is_named_with_its_line(tmp_path, text, what):
    path = tmp_path / "a.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(LabelError, match=rf"a\.json, {what}") as caught:
        JsonFile(path)
    assert "\n" not in str(caught.value)


def test_a_byte_order_mark_is_passed_over(tmp_path):
    (tmp_path / "a.json").write_bytes(b'\xef\xbb\xbf{"a":\n [1,\n 2]}')
    file = JsonFile(tmp_path / "a.json")
    assert file.line("a", 1) == 3


def test_an_error_over_a_value_becomes_its_line(tmp_path):
    (tmp_path / "a.json").write_text('{"a": [1,\n {"b": 2}]}')
    file = JsonFile(tmp_path / "a.json")
    with pytest.raises(LabelError, match=r"a\.json, line 2: it has no 'c'"), file.at("a", 1):
        file.value["a"][1]["c"]
    with pytest.raises(LabelError, match=r"a\.json, line 1: .*int"), file.at("a", 0):
        len(file.value["a"][0])
    with pytest.raises(ValueError, match="it has no list 'z'"):
        file.list_of("z")
