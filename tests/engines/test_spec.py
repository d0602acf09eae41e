"""A model file describes itself; whatever is wrong with it is told in a SpecError."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import marker_graph
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from marker_graph import SPEC

from engines.spec import METADATA_KEY, SPEC_VERSION, ModelSpec, SpecError, check_call, read_spec


@st.composite
def specs(draw) -> ModelSpec:
    keypoints = draw(st.lists(st.text(max_size=8), min_size=1, max_size=12, unique=True))
    index = st.integers(0, len(keypoints) - 1)
    stride = draw(st.integers(1, 32))
    return ModelSpec(
        name=draw(st.text(max_size=12)),
        keypoints=tuple(keypoints),
        edges=tuple(draw(st.lists(st.tuples(index, index), max_size=12))),
        flip=tuple(draw(st.permutations(range(len(keypoints))))),
        input_hw=(stride * draw(st.integers(1, 99)), stride * draw(st.integers(1, 99))),
        stride=stride,
        sigma_px=draw(st.floats(min_value=0, exclude_min=True, allow_infinity=False)),
        max_cards=draw(st.none() | st.integers(1, 99)),
    )


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=8,
)


def described(**changes: object) -> str:
    values = json.loads(SPEC.to_json()) | changes
    return json.dumps({key: value for key, value in values.items() if value is not ...})


@given(specs())
def test_a_spec_survives_its_json(spec):
    assert ModelSpec.from_json(spec.to_json()) == spec


def test_the_heatmap_has_a_cell_a_stride():
    assert SPEC.heatmap_hw == (16, 24)


def test_an_older_file_may_say_nothing_of_cards():
    assert ModelSpec.from_json(described(max_cards=...)) == replace(SPEC, max_cards=None)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("9" * 5_000, "the model's description"),
        ("[1, 2]", "must be an object, got '[1, 2]'"),
        (described(version=2), f"of version 2, this program reads version {SPEC_VERSION}: export"),
        (described(version=...), "of version None"),
        (described(stride=...), "lacks ['stride']"),
        (described(colour="red"), "unknown ['colour']"),
        (described(name=3), "wrong kind of name = 3"),
        (described(keypoints=3), "wrong kind of keypoints = 3"),
        (described(keypoints=[1]), "wrong kind of keypoints = (1,)"),
        (described(edges=[[0, 1, 2]]), "wrong kind of edges"),
        (described(edges=[0]), "wrong kind of edges"),
        (described(flip=["a"]), "wrong kind of flip"),
        (described(input_hw=[64]), "wrong kind of input_hw = (64,)"),
        (described(input_hw=[64.0, 96]), "wrong kind of input_hw"),
        (described(stride=True), "wrong kind of stride = True"),
        (described(sigma_px="4"), "wrong kind of sigma_px = '4'"),
        (described(max_cards=52.0), "wrong kind of max_cards = 52.0"),
        (described(keypoints=[], flip=[], edges=[]), "needs at least one keypoint"),
        (described(keypoints=["a"] * 8), "names must differ"),
        (described(flip=[0] * 8), "permutation of 0..7"),
        (described(edges=[[0, 8]]), "must join keypoints 0..7"),
        (described(edges=[[-1, 0]]), "must join keypoints 0..7"),
        (described(stride=0), "multiple of stride 0"),
        (described(input_hw=[66, 96]), "(66, 96) must be a multiple of stride 4"),
        (described(input_hw=[0, 96]), "(0, 96) must be a multiple"),
        (described(sigma_px=0), "sigma_px must be a length above 0, got 0"),
        (described(sigma_px=float("nan")), "got nan"),
        (described(sigma_px=float("inf")), "got inf"),
        (described(sigma_px=-(10**400)), "sigma_px must be a length"),
        (described(max_cards=0), "max_cards must be 1 or more, or absent, got 0"),
    ],
    ids=lambda value: value[-40:],
)
def test_what_is_wrong_with_a_description_is_said(text, words):
    with pytest.raises(SpecError) as caught:
        ModelSpec.from_json(text)
    assert words in str(caught.value)


@given(st.sampled_from(sorted(asdict(SPEC))), json_values)
def test_any_json_in_any_field_is_a_spec_or_a_spec_error(field, value):
    try:
        spec = ModelSpec.from_json(described(**{field: value}))
    except SpecError:
        return
    assert (
        getattr(spec, field) == (tuple(value) if isinstance(value, list) else value)
        or field == "edges"
    )


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((1, 64, 96), np.uint8),
        np.zeros((1, 64, 96, 3), np.int8),
        np.zeros((1, 96, 64, 3), np.uint8),
    ],
)
def test_pictures_of_another_shape_are_refused(wrong):
    check_call(np.zeros((5, 64, 96, 3), np.uint8), SPEC, closed=False)
    with pytest.raises(ValueError, match=r"must be \(B, 64, 96, 3\) uint8, got \(1, "):
        check_call(wrong, SPEC, closed=False)


# the file


@given(specs(), st.dictionaries(st.text(max_size=9), st.text(max_size=300), max_size=3))
def test_read_spec_reads_what_onnx_writes(tmp_path_factory, spec, others):
    onnx = pytest.importorskip("onnx", reason="needs onnx, the oracle: pip install onnx")
    path = tmp_path_factory.getbasetemp() / "read.onnx"
    others.pop(METADATA_KEY, None)
    graph = onnx.helper.make_graph([], "g" * 200, [], [])
    model = onnx.helper.make_model(graph, producer_name="test", model_version=2**40)
    onnx.helper.set_model_props(model, {**others, METADATA_KEY: spec.to_json()})
    onnx.save(model, str(path))
    kept = {entry.key: entry.value for entry in onnx.load(str(path)).metadata_props}
    assert read_spec(path) == ModelSpec.from_json(kept[METADATA_KEY]) == spec


def test_an_onnx_file_of_another_is_told_from_no_onnx_file(tmp_path):
    pytest.importorskip("onnx", reason="needs onnx to build a graph: pip install onnx")
    foreign = marker_graph.write(tmp_path / "foreign.onnx", metadata={"other": "words"})
    with pytest.raises(SpecError, match=r"foreign\.onnx is an ONNX model without a kpstream desc"):
        read_spec(foreign)
    wrong = marker_graph.write(
        tmp_path / "wrong.onnx", metadata={METADATA_KEY: described(stride=0)}
    )
    with pytest.raises(SpecError, match=r"wrong\.onnx: input_hw .* must be a multiple of stride 0"):
        read_spec(wrong)


def test_a_model_cut_short_is_told(marker_model, tmp_path):
    whole = marker_model.read_bytes()
    assert read_spec(marker_model) == SPEC
    for size in (0, 1, 10, len(whole) // 2, len(whole) - 1):
        (tmp_path / "cut.onnx").write_bytes(whole[:size])
        with pytest.raises(SpecError, match=r"cut\.onnx is not an ONNX model .*export wrote"):
            read_spec(tmp_path / "cut.onnx")


def test_weights_in_another_file_are_told(marker_model, tmp_path):
    """What is kept of a model is kept under the name of its bytes: others would be as good."""
    import onnx

    path, model = tmp_path / "parts.onnx", onnx.load(marker_model)
    onnx.save(model, path, save_as_external_data=True, location="weights", size_threshold=0)
    with pytest.raises(SpecError, match=r"parts\.onnx keeps weights in another file"):
        read_spec(path)
    onnx.save(onnx.load(path), path)
    assert read_spec(path) == SPEC


@given(st.binary(max_size=300))
def test_garbage_is_a_spec_error(tmp_path_factory, data):
    refused(tmp_path_factory.getbasetemp() / "garbage.onnx", data)


@given(
    st.lists(st.tuples(st.sampled_from([1, 5, 9, 57, 58, 113, 114, 117]), st.binary(max_size=20)))
)
def test_garbage_in_the_shape_of_protobuf_is_a_spec_error(tmp_path_factory, parts):
    data = b"".join(bytes([key, 1 if key > 100 else 0, len(value)]) + value for key, value in parts)
    refused(tmp_path_factory.getbasetemp() / "garbage.onnx", data)


def test_fields_of_any_kind_that_are_not_known_are_passed_over(marker_model, tmp_path):
    # numbers of 7 bits a byte, of 8 bytes and of 4, under the number 30
    for field in (b"\xf0\x01\x81\x01", b"\xf1\x01" + bytes(8), b"\xf5\x01" + bytes(4)):
        (tmp_path / "more.onnx").write_bytes(field + marker_model.read_bytes())
        assert read_spec(tmp_path / "more.onnx") == SPEC


def test_a_number_without_end_is_told(tmp_path):
    endless = tmp_path / "endless.onnx"
    endless.write_bytes(b"\xff" * 1000)
    with pytest.raises(SpecError, match="no varint at byte 10"):
        read_spec(endless)


def refused(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    with pytest.raises(SpecError, match=r"garbage\.onnx"):
        read_spec(path)


def test_a_text_file_and_a_folder(tmp_path):
    text = tmp_path / "notes.onnx"
    text.write_text("# notes\nnothing of a model\n", encoding="utf-8")
    with pytest.raises(SpecError, match="is not an ONNX model"):
        read_spec(text)
    with pytest.raises(OSError, match=tmp_path.name):
        read_spec(tmp_path)
