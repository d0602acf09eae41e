"""A graph of a few kilobytes that finds `engines.fake.markers`, built without a trainer.

It has the signature of every kpstream model and an answer known beforehand: a real runtime is
tested against the place where a dot was painted, not against a recorded answer.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from engines.fake import markers
from engines.spec import METADATA_KEY, ModelSpec

SPEC = ModelSpec(
    name="markers",
    keypoints=tuple(f"dot_{i}" for i in range(8)),
    edges=((0, 1), (1, 2)),
    flip=(1, 0, 2, 3, 4, 5, 6, 7),
    input_hw=(64, 96),
    stride=4,
    sigma_px=4.0,
    max_cards=52,
)
CARDS = 26
_REACH = 80.0  # grey levels from a marker's colour at which a pixel no longer counts
_TAPS = 24  # input px; even, as a cell's centre lies between two pixels


def write(path: Path, spec: ModelSpec = SPEC, **changes: Any) -> Path:
    """Write the graph of this spec; `changes` break it (see `build`)."""
    import onnx

    onnx.save(build(spec, **changes), str(path))
    return path


def build(
    spec: ModelSpec,
    *,
    metadata: dict[str, str] | None = None,
    graph_spec: ModelSpec | None = None,
    batch: int | str = "B",
    input_name: str = "images",
    input_type: str = "UINT8",
    outputs: tuple[str, ...] = ("heatmaps", "visibility", "count"),
    operator: str = "Relu",
) -> Any:
    """A ModelProto that says `spec` and does `graph_spec`."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    does = graph_spec or spec
    k, (height, width), (h, w) = len(does.keypoints), does.input_hw, does.heatmap_hw
    node, classes = helper.make_node, (does.max_cards or 0) + 1
    pad = _TAPS // 2 - does.stride // 2
    nodes = [
        node("Cast", [input_name], ["pixels"], to=TensorProto.FLOAT),
        node("Unsqueeze", ["pixels", "one"], ["wide"]),  # (B, 1, H, W, 3)
        node("Sub", ["wide", "colours"], ["signed"]),
        node("Abs", ["signed"], ["away"]),
        node("ReduceMax", ["away"], ["furthest"], axes=[4], keepdims=0),  # (B, K, H, W)
        node("Div", ["furthest", "reach"], ["far"]),
        node("Sub", ["unit", "far"], ["near"]),
        node(operator, ["near"], ["weight"]),
        node("Conv", ["weight", "blur"], ["heatmaps"], group=k, strides=[does.stride] * 2,
             pads=[pad] * 4),
        node("ReduceMax", ["heatmaps"], ["peak"], axes=[2, 3], keepdims=0),
        node("Mul", ["peak", "hundred"], ["loud"]),
        node("Clip", ["loud", "zero", "unit"], ["visibility"]),
        node("ReduceMax", ["visibility"], ["present"], axes=[1], keepdims=1),
        node("MatMul", ["present", "towards"], ["moved"]),
        node("Add", ["moved", "nothing"], ["count"]),
    ]  # fmt: skip
    nothing = np.eye(1, classes, dtype=np.float32)
    cards = np.eye(1, classes, min(CARDS, classes - 1), dtype=np.float32)
    taps = np.exp(-((np.arange(_TAPS) - (_TAPS - 1) / 2) ** 2) / (2 * does.sigma_px**2))
    blur = np.broadcast_to(np.outer(taps, taps) / taps.sum() ** 2, (k, 1, _TAPS, _TAPS))
    constants = {
        "one": np.array([1], np.int64),
        "colours": markers(k).astype(np.float32)[:, None, None, :],
        "reach": np.float32(_REACH),
        "unit": np.float32(1),
        "zero": np.float32(0),
        "hundred": np.float32(100),
        "blur": blur.astype(np.float32),
        "towards": cards - nothing,
        "nothing": nothing,
    }
    shapes = {"heatmaps": [batch, k, h, w], "visibility": [batch, k], "count": [batch, classes]}
    graph = helper.make_graph(
        nodes,
        "markers",
        [
            helper.make_tensor_value_info(
                input_name, getattr(TensorProto, input_type), [batch, height, width, 3]
            )
        ],
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, shapes[n]) for n in outputs],
        [numpy_helper.from_array(np.asarray(v), name) for name, v in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    entries = {METADATA_KEY: spec.to_json()} if metadata is None else metadata
    onnx.helper.set_model_props(model, entries)
    return model
