"""A checkpoint → a self-describing ONNX file that is kept only if it says what torch says.

The graph takes (B, H, W, 3) BGR uint8 and casts it to float before anything else, because TensorRT
refuses to slice or transpose uint8. The swap to RGB and the division by the standard deviation are
folded into the first convolution. The mean stays a node of its own: in the convolution's bias it
would be wrong along the border, where the padding is no pixel of value 0 but one of value mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper
from torch import nn

from engines import open_engine
from engines.spec import METADATA_KEY, ModelSpec
from stream.synth import Renderer
from train.loop import load_checkpoint

OUTPUTS = ("heatmaps", "visibility", "count")
OPSET = 18
TOLERANCE = 1e-3
"""The largest difference between torch and the file in any output; all of them are in [0, 1]."""
HALF_TOLERANCE = 2e-2
"""The same where the weights are stored in half precision."""


class _Deployed(nn.Module):
    """(B, H, W, 3) uint8 BGR → what it says: the one signature of every model."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model: Any = model

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, ...]:
        floats = images.to(torch.float32).permute(0, 3, 1, 2)
        return tuple(part for part in self.model.predict(floats) if part is not None)

    @torch.inference_mode()
    def names(self, images: torch.Tensor) -> list[str]:
        """What the outputs are called: those of the signature that this model has."""
        floats = images.to(torch.float32).permute(0, 3, 1, 2)
        said = self.model.predict(floats)
        return [name for name, part in zip(OUTPUTS, said, strict=True) if part is not None]


def export(checkpoint: Path, out: Path, *, half: bool = False) -> ModelSpec:
    """Checkpoint → `out`, replaced in one step; returns its spec.

    `half` stores the weights in half precision (half the size, still computed in float32). Raises
    RuntimeError, leaving `out` as it was, if ONNX Runtime says something else than torch.
    """
    model, _ = load_checkpoint(checkpoint)
    spec = model.spec
    partial = out.with_name(f".{out.name}.partial")
    try:
        partial.write_bytes(to_onnx(model, spec, half=half).SerializeToString())
        check(partial, model, spec, HALF_TOLERANCE if half else TOLERANCE)
        partial.replace(out)
    finally:
        partial.unlink(missing_ok=True)
    return spec


def to_onnx(model: nn.Module, spec: ModelSpec, *, half: bool = False) -> onnx.ModelProto:
    """A model with `predict` → its graph, described by `spec`."""
    deployed, images = _Deployed(model).eval(), torch.zeros(2, *spec.input_hw, 3, dtype=torch.uint8)
    proto = exported(deployed, images, "images", deployed.names(images))
    fold_input(proto.graph)
    if half:
        halve(proto.graph)
    cleaned(proto, spec.name)
    proto.metadata_props.add(key=METADATA_KEY, value=spec.to_json())
    onnx.checker.check_model(proto, full_check=True)
    return proto


def fold_input(graph: onnx.GraphProto) -> bool:
    """Swap → mean → deviation → convolution becomes mean → convolution; False if not so laid out.

    With y[c] = (x[p(c)] − m[c]) / s[c] and weights W[:, c], the same sum over pixels x comes of
    means m'[p(c)] = m[c] and weights W'[:, p(c)] = W[:, c] / s[c].
    """
    chain = _chain(graph, ("Cast", "Transpose", "Slice", "Sub", "Div", "Conv"))
    if chain is None:
        return False
    _, transpose, swap, sub, div, conv = chain
    held = {tensor.name: tensor for tensor in graph.initializer}
    names = [*swap.input[1:], sub.input[1], div.input[1], conv.input[1]]
    if any(name not in held for name in names):
        return False
    *_, axes, steps, mean, deviation, weight = (numpy_helper.to_array(held[n]) for n in names)
    if axes.tolist() != [1] or steps.tolist() != [-1]:
        return False
    weight = (weight / np.broadcast_to(deviation, (1, 3, 1, 1)))[:, ::-1]
    mean = np.broadcast_to(mean, (1, 3, 1, 1))[:, ::-1]
    held[conv.input[1]].CopyFrom(_tensor(weight, conv.input[1]))
    graph.initializer.append(_tensor(mean, "mean_bgr"))
    sub.input[:] = [transpose.output[0], "mean_bgr"]
    conv.input[0] = sub.output[0]
    graph.node.remove(swap)
    graph.node.remove(div)
    _drop_unused(graph)
    return True


def _chain(graph: onnx.GraphProto, kinds: tuple[str, ...]) -> list[onnx.NodeProto] | None:
    """The nodes from the input on, if each is the only reader of the one before; else None."""
    chain: list[onnx.NodeProto] = []
    value = graph.input[0].name
    for kind in kinds:
        readers = [node for node in graph.node if value in node.input]
        if len(readers) != 1 or readers[0].op_type != kind or readers[0].input[0] != value:
            return None
        chain.append(readers[0])
        value = readers[0].output[0]
    return chain


def halve(graph: onnx.GraphProto) -> None:
    """Float32 weights of two axes or more → float16 and a cast, which runtimes do at loading."""
    casts = []
    for tensor in graph.initializer:
        if tensor.data_type != onnx.TensorProto.FLOAT or len(tensor.dims) < 2:
            continue
        name, values = tensor.name, numpy_helper.to_array(tensor)
        tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16), f"{name}_half"))
        casts.append(
            onnx.helper.make_node("Cast", [f"{name}_half"], [name], to=onnx.TensorProto.FLOAT)
        )
    # the first node stays the cast of the pictures, for people who look
    rest = list(graph.node)[1:]
    del graph.node[1:]
    graph.node.extend([*casts, *rest])


def _tensor(values: NDArray[np.float32], name: str) -> onnx.TensorProto:
    return numpy_helper.from_array(np.ascontiguousarray(values, np.float32), name)


def _drop_unused(graph: onnx.GraphProto) -> None:
    """Remove the constants that no node reads any more."""
    read = {name for node in graph.node for name in node.input}
    kept = [tensor for tensor in graph.initializer if tensor.name in read]
    del graph.initializer[:]
    graph.initializer.extend(kept)


def exported(
    module: nn.Module, example: torch.Tensor, given: str, said: Sequence[str]
) -> onnx.ModelProto:
    """A module and an example of what it takes → its graph, for any number of them at once.

    `given` and `said` name what goes in and comes out. What the exporter notes is still in there:
    see `cleaned`.
    """
    program = torch.onnx.export(
        module,
        (example,),
        dynamo=True,
        input_names=[given],
        output_names=list(said),
        dynamic_shapes=({0: torch.export.Dim.DYNAMIC},),
        opset_version=OPSET,
        verbose=False,
    )
    if program is None:  # the exporter returns one whenever it is not given a file
        raise RuntimeError("torch.onnx.export returned no program")
    proto: onnx.ModelProto = program.model_proto
    return proto


def cleaned(proto: onnx.ModelProto, name: str) -> None:
    """Name a graph and take out what the exporter notes: source paths, mostly."""
    graph = proto.graph
    del graph.value_info[:], proto.metadata_props[:]
    for item in (graph, *graph.node, *graph.input, *graph.output, *graph.initializer):
        del item.metadata_props[:]
        item.doc_string = ""
    graph.name = name
    for value in (*graph.input, *graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "B"


def differences(path: Path, model: nn.Module, spec: ModelSpec) -> dict[str, float]:
    """ONNX file and the model it was made of → the largest difference of each output, by name."""
    deployed = _Deployed(model).eval()
    worst: dict[str, float] = {}
    engine = open_engine(path, "ort")
    try:
        for batch in (1, 3):
            images = _pictures(batch, spec)
            with torch.inference_mode():
                wanted = deployed(torch.from_numpy(images))
            got = engine(images)
            for name, want in zip(deployed.names(torch.from_numpy(images)), wanted, strict=True):
                have = getattr(got, name)
                if have is None or have.shape != tuple(want.shape):
                    raise RuntimeError(
                        f"{path.name}: {name} must be {tuple(want.shape)}, got "
                        f"{None if have is None else have.shape}"
                    )
                difference = np.abs(have - want.numpy()).max()
                worst[name] = float(np.maximum(worst.get(name, 0.0), difference))  # NaN stays NaN
    finally:
        engine.close()
    return worst


def check(path: Path, model: nn.Module, spec: ModelSpec, tolerance: float) -> None:
    """Raise RuntimeError with the figures unless the file says what the model says."""
    worst = differences(path, model, spec)
    if not all(difference <= tolerance for difference in worst.values()):
        figures = ", ".join(f"{name} {difference:.2g}" for name, difference in worst.items())
        raise RuntimeError(
            f"the exported file differs from torch by {figures}; at most {tolerance:g} is kept"
        )


def _pictures(batch: int, spec: ModelSpec) -> NDArray[np.uint8]:
    """Pictures (B, H, W, 3) to compare with: noise, which reaches every weight, then packets."""
    rng = np.random.default_rng(batch)
    noise = rng.integers(0, 256, (batch, *spec.input_hw, 3), np.uint8)
    renderer = Renderer()
    packets = [renderer.sample(rng, spec.input_hw).image for _ in range(batch - 1)]
    return np.stack([noise[0], *packets])
