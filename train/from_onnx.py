"""The ONNX file of a network → a network to be trained on, where no checkpoint is at hand.

An exported graph has no batch normalisation any more: it was folded into the convolutions. Here it
is put back. A convolution whose output has mean m and variance v on the pictures to come gets a
normalisation with these as its running figures, √v as its weight and m plus the folded bias as its
bias: the network says what the file says, and learns as if it had never been a file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from google.protobuf.message import DecodeError
from numpy.typing import NDArray
from onnx import numpy_helper
from torch import nn

from engines.spec import METADATA_KEY, ModelSpec
from train.approach import Approach
from train.count_head import RunningScale, Summed

Weights = dict[str, NDArray[np.float32]]


def start(model: Approach, path: Path, batches: Iterable[torch.Tensor]) -> None:
    """Give a model the weights in an ONNX file; `batches` (B, 3, H, W) are like what is to come.

    Raises FileNotFoundError, or ValueError for what is no such file or of another network.
    """
    try:
        proto = onnx.load(path)
    except FileNotFoundError:
        raise FileNotFoundError(f"no model at {path}") from None
    except DecodeError as error:
        raise ValueError(f"{path} is not an ONNX file") from error
    text = {entry.key: entry.value for entry in proto.metadata_props}.get(METADATA_KEY)
    if text is None or ModelSpec.from_json(text).keypoints != model.spec.keypoints:
        raise ValueError(f"{path} does not say that it finds what is to be learnt here")
    try:
        _fill(model, proto.graph)
    except (KeyError, RuntimeError) as error:
        raise ValueError(
            f"{path} is of another network: take the approach and options that it was made with, "
            f"or its checkpoint (.pt), which any encoder starts from ({error})"
        ) from error
    settle(model, batches)


def _fill(model: Approach, graph: onnx.GraphProto) -> None:
    """A graph's weights → the model, by name. KeyError for one that is lacking."""
    held, normal = _Held(graph), _normalised(model)
    state: dict[str, torch.Tensor] = {}
    for name, part in model.named_modules():
        if isinstance(part, RunningScale):
            state |= _seen(name, *held.scale(f"model.{name}.mean"))
        elif isinstance(part, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)):
            state |= held.layer(name, part)
        if name in normal:
            state |= _folded(*normal[name], held.weight(f"model.{name}.weight_bias"))
    if "mean_bgr" in held:  # as train.export.fold_input leaves it
        first = next(n for n, part in model.named_modules() if isinstance(part, nn.Conv2d))
        std: torch.Tensor = model.normalise.std  # type: ignore[assignment]
        state[f"{first}.weight"] = state[f"{first}.weight"].flip(1) * std
    for name, _ in model.named_parameters():
        if name not in state:
            raise KeyError(name)
    model.load_state_dict(state, strict=False)


class _Held:
    """The constants of a graph, by name, or by what they are combined with."""

    def __init__(self, graph: onnx.GraphProto) -> None:
        self._held = {tensor.name: tensor for tensor in graph.initializer}
        self._made_by = {value: node for node in graph.node for value in node.output}
        self._read_by = {value: node for node in graph.node for value in node.input}

    def __contains__(self, name: str) -> bool:
        return name in self._held or f"{name}_half" in self._held

    def weight(self, name: str) -> torch.Tensor:
        """The constant of a name, also where it is kept in half precision."""
        tensor = self._held.get(f"{name}_half", self._held.get(name))
        if tensor is None:
            raise KeyError(name.removeprefix("model."))
        return torch.from_numpy(numpy_helper.to_array(tensor).astype(np.float32))

    def layer(self, name: str, part: nn.Module) -> dict[str, torch.Tensor]:
        """The weight of a layer, and its bias where it has one of its own."""
        bias = f"model.{name}.bias"
        written_out = isinstance(part, Summed)
        weight = self._factor(bias).T if written_out else self.weight(f"model.{name}.weight")
        found = {f"{name}.weight": weight}
        return found if part.bias is None else found | {f"{name}.bias": self.weight(bias)}

    def _factor(self, bias: str) -> torch.Tensor:
        """What (inner, outer) is multiplied with and summed before a bias is added."""
        summed = next(value for value in self._read_by[bias].input if value != bias)
        product = self._made_by[self._made_by[summed].input[0]]
        return self.weight(product.input[1])

    def scale(self, mean: str) -> tuple[torch.Tensor, torch.Tensor]:
        """What is subtracted, and what is divided by then."""
        divided = self._read_by[self._read_by[mean].output[0]]
        return self.weight(mean), self.weight(divided.input[1])


def _seen(name: str, mean: torch.Tensor, deviation: torch.Tensor) -> dict[str, torch.Tensor]:
    """Running figures that have seen so much that more moves them slowly."""
    return {
        f"{name}.mean": mean,
        f"{name}.square": deviation.square() + mean.square(),
        f"{name}.batches": torch.tensor(1 / RunningScale.SLOWEST),
    }


def _normalised(model: nn.Module) -> dict[str, tuple[str, nn.BatchNorm2d]]:
    """The convolutions that a batch normalisation follows, and which, by name."""
    pairs, before = {}, ""
    for name, part in model.named_modules():
        if isinstance(part, nn.Conv2d):
            before = name
        elif isinstance(part, nn.BatchNorm2d):
            pairs[before] = (name, part)
    return pairs


def _folded(name: str, part: nn.BatchNorm2d, bias: torch.Tensor) -> dict[str, torch.Tensor]:
    """A normalisation that only adds a bias."""
    return {
        f"{name}.weight": torch.ones_like(bias),
        f"{name}.bias": bias,
        f"{name}.running_mean": torch.zeros_like(bias),
        f"{name}.running_var": torch.full_like(bias, 1 - part.eps),
    }


@torch.no_grad()
def settle(model: nn.Module, batches: Iterable[torch.Tensor]) -> None:
    """Give normalisations that only add a bias the figures of these pictures (B, 3, H, W).

    What the model says stays the same. Raises ValueError if there is no picture.
    """
    sums: dict[nn.BatchNorm2d, list[Any]] = {}
    hooks = [
        part.register_forward_pre_hook(_adding(sums))
        for part in model.modules()
        if isinstance(part, nn.BatchNorm2d)
    ]
    model.eval()
    for images in batches:
        model(images.float().contiguous(memory_format=torch.channels_last))
    for hook in hooks:
        hook.remove()
    if hooks and not sums:
        raise ValueError("no picture to settle on: raise samples")
    for part, (count, total, squares) in sums.items():
        mean = total / count
        variance = squares / count - mean.square()
        assert part.running_mean is not None  # noqa: S101 - they were filled above
        assert part.running_var is not None  # noqa: S101
        part.running_mean.copy_(mean)
        part.running_var.copy_(variance)
        part.weight.copy_((variance + part.eps).sqrt())
        part.bias.add_(mean)


def _adding(sums: dict[nn.BatchNorm2d, list[Any]]) -> Callable[..., None]:
    def add(part: nn.BatchNorm2d, given: tuple[torch.Tensor]) -> None:
        x = given[0].double()
        found = sums.setdefault(part, [0, 0.0, 0.0])
        found[0] += x.numel() // x.shape[1]
        found[1] = found[1] + x.sum(dim=(0, 2, 3))
        found[2] = found[2] + x.square().sum(dim=(0, 2, 3))

    return add
