"""An ONNX graph in FP32 → the same graph with its convolutions in FP16.

TensorRT takes the precision of every layer from the graph, so the graph has to say it.
"""

from __future__ import annotations

import importlib
from typing import Any

from engines.graph import Step, between
from engines.spec import EngineUnavailable

_CONVOLUTIONS = {"Conv", "ConvTranspose"}
_PRODUCTS = {"Gemm", "MatMul"}
"""In FP16 too, each by itself: TensorRT for RTX has none in FP32 for the GPUs before Ampere."""
_ALWAYS_F32 = {"Resize": {1, 2}}
"""Inputs, by operator, that ONNX wants in FP32 whatever the rest is in: Resize's roi and scales."""


def half_precision(model: bytes) -> bytes:
    """ONNX file → one whose convolutions, all that lies between two, and matrix products are FP16.

    What else comes before the first convolution and after the last stays in FP32, the answer's
    types with it: there pixels up to 255 are scaled, places averaged over thousands of cells and
    probabilities taken, which FP16 harms while it saves no time (all in FP16, the bundled model's
    count moved by 0.21 cards; so, by 0.03). A model in FP16 comes back as it is. Raises
    EngineUnavailable where the package onnx is missing.
    """
    try:
        onnx = importlib.import_module("onnx")
    except ImportError as error:
        raise EngineUnavailable(
            f"making an FP16 graph needs the package onnx ({error}): pip install onnx"
        ) from error
    loaded = onnx.load_from_string(model)
    halved = _Halving(onnx, onnx.shape_inference.infer_shapes(loaded)).run()
    onnx.checker.check_model(halved)
    written: bytes = halved.SerializeToString()
    return written


class _Halving:
    """One graph on its way to FP16; nodes are handled in their order, inputs before outputs."""

    def __init__(self, onnx: Any, model: Any) -> None:
        self._onnx = onnx
        self._model = model
        self._graph = model.graph
        tensor = onnx.TensorProto
        self._f32, self._f16 = tensor.FLOAT, tensor.FLOAT16
        self._weights = {weight.name: weight for weight in self._graph.initializer}
        self._folded = self._stored_in_half()
        values = [*self._graph.value_info, *self._graph.input, *self._graph.output]
        self._types = {value.name: value.type.tensor_type.elem_type for value in values}
        self._types.update({name: weight.data_type for name, weight in self._weights.items()})
        self._in_half: set[str] = set()  # tensors that are FP16 now and were FP32
        self._nodes: list[Any] = []
        self._copies: dict[str, str] = {}  # a tensor → its other self, in the other precision

    def run(self) -> Any:
        """The model, changed."""
        halved = _chosen(self._graph.node)
        for index, node in enumerate(self._graph.node):
            if index in halved:
                self._halve(node)
            else:
                for place, name in enumerate(node.input):
                    if name in self._in_half:
                        node.input[place] = self._as(name, self._f32)
                self._nodes.append(node)
        for output in self._graph.output:
            if output.name in self._in_half:
                self._give_back(output.name)
        del self._graph.node[:]
        self._graph.node.extend(self._nodes)
        del self._graph.value_info[:]  # it names the types of before
        self._drop_unused()
        return self._model

    def _stored_in_half(self) -> dict[str, str]:
        """FP32 tensors that are only FP16 weights, cast: their names → the weights'."""
        return {
            node.output[0]: node.input[0]
            for node in self._graph.node
            if node.op_type == "Cast"
            and node.input[0] in self._weights
            and self._weights[node.input[0]].data_type == self._f16
        }

    def _halve(self, node: Any) -> None:
        """Let a node take and give FP16."""
        keep = _ALWAYS_F32.get(node.op_type, set())
        for place, name in enumerate(node.input):
            if place in keep or not name:
                continue
            if name in self._folded:
                node.input[place] = self._folded[name]
            elif self._types.get(name) == self._f32 and name not in self._in_half:
                node.input[place] = self._as(name, self._f16)
        if node.op_type == "Cast":  # from whole numbers, say
            for attribute in node.attribute:
                if attribute.name == "to" and attribute.i == self._f32:
                    attribute.i = self._f16
        self._in_half.update(n for n in node.output if self._types.get(n) == self._f32)
        self._nodes.append(node)

    def _as(self, name: str, to: int) -> str:
        """The name of a tensor's other self: a converted weight, or what a Cast node makes."""
        if name in self._copies:
            return self._copies[name]
        copy = self._copies[name] = f"{name}_{'f16' if to == self._f16 else 'f32'}"
        if name in self._weights:
            numpy_helper = self._onnx.numpy_helper
            values = numpy_helper.to_array(self._weights[name]).astype("float16")
            self._graph.initializer.append(numpy_helper.from_array(values, copy))
        else:
            self._nodes.append(self._onnx.helper.make_node("Cast", [name], [copy], copy, to=to))
        return copy

    def _give_back(self, name: str) -> None:
        """An output that has become FP16 → FP32 under its old name, FP16 under another."""
        inner = f"{name}_f16"
        for node in self._nodes:
            for names in (node.input, node.output):
                for place, other in enumerate(names):
                    if other == name:
                        names[place] = inner
        self._nodes.append(self._onnx.helper.make_node("Cast", [inner], [name], to=self._f32))

    def _drop_unused(self) -> None:
        """Take out casts and weights that only their FP16 selves stand for now."""
        used = {name for node in self._graph.node for name in node.input}
        dead = [n for n in self._graph.node if n.op_type == "Cast" and n.output[0] in self._folded]
        for node in dead:
            if node.output[0] not in used:
                self._graph.node.remove(node)
        used = {name for node in self._graph.node for name in node.input}
        kept = [weight for weight in self._graph.initializer if weight.name in used]
        del self._graph.initializer[:]
        self._graph.initializer.extend(kept)


def _chosen(nodes: Any) -> set[int]:
    """The nodes (their indices) that go to FP16: convolutions, what lies between two, products."""
    steps = [
        Step(frozenset(node.input), frozenset(node.output), node.op_type in _CONVOLUTIONS)
        for node in nodes
    ]
    products = {index for index, node in enumerate(nodes) if node.op_type in _PRODUCTS}
    return between(steps) | products
