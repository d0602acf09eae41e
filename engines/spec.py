"""The contract between a model file, the runtime that runs it and the code that reads its answer.

Everything that a caller must know of a model travels inside the ONNX file, as JSON under the
metadata key `METADATA_KEY`. It is read here straight from the file's bytes, so that every runtime
reads the same words and none has to be installed to ask what a file is.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

SPEC_VERSION = 1
METADATA_KEY = "kpstream"

_REMEDY = "name a file that kpstream-train export wrote"


class SpecError(ValueError):
    """A model file that does not say what it is, or says it in a version unknown here."""


class EngineUnavailable(RuntimeError):  # noqa: N818 - a state of the machine, not a mistake
    """A runtime that is not installed or does not work here; the message names the remedy."""


class Disagreement(EngineUnavailable):
    """An engine that says something else than its model in FP32 does; the message has figures."""


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """All that a caller must know of a model.

    `edges` are pairs of indices into `keypoints`. `flip[i]` is the keypoint that keypoint i becomes
    in a mirrored picture. `input_hw` is (height, width) of the network's input in pixels; a heatmap
    cell is `stride` input pixels; `sigma_px` is the standard deviation, in input pixels, of the
    Gaussian that the heatmaps were trained towards. `max_cards` is the largest count that the model
    can name, None for a model that counts nothing.
    """

    name: str
    keypoints: tuple[str, ...]
    edges: tuple[tuple[int, int], ...]
    flip: tuple[int, ...]
    input_hw: tuple[int, int]
    stride: int
    sigma_px: float
    max_cards: int | None = None

    def __post_init__(self) -> None:
        k = len(self.keypoints)
        if k == 0:
            raise SpecError("a model spec needs at least one keypoint, got none")
        if len(set(self.keypoints)) != k:
            raise SpecError(f"keypoint names must differ, got {self.keypoints}")
        if sorted(self.flip) != list(range(k)):
            raise SpecError(f"flip must be a permutation of 0..{k - 1}, got {self.flip}")
        if any(not (0 <= a < k and 0 <= b < k) for a, b in self.edges):
            raise SpecError(f"edges must join keypoints 0..{k - 1}, got {self.edges}")
        if self.stride < 1 or any(n < 1 or n % self.stride for n in self.input_hw):
            raise SpecError(f"input_hw {self.input_hw} must be a multiple of stride {self.stride}")
        if not 0 < self.sigma_px < float("inf"):
            raise SpecError(f"sigma_px must be a length above 0, got {self.sigma_px}")
        if self.max_cards is not None and self.max_cards < 1:
            raise SpecError(f"max_cards must be 1 or more, or absent, got {self.max_cards}")

    @property
    def heatmap_hw(self) -> tuple[int, int]:
        """Height and width of a heatmap in cells."""
        return self.input_hw[0] // self.stride, self.input_hw[1] // self.stride

    def to_json(self) -> str:
        """Spec → the JSON text that an ONNX file carries."""
        return json.dumps({"version": SPEC_VERSION, **asdict(self)})

    @classmethod
    def from_json(cls, text: str) -> ModelSpec:
        """JSON text → spec. Raises SpecError that says what is missing or unknown."""
        try:
            values = json.loads(text)
        except (ValueError, RecursionError) as error:  # also numbers too long, nesting too deep
            raise SpecError(f"the model's description is not JSON: {error}") from error
        if not isinstance(values, dict):
            raise SpecError(f"the model's description must be an object, got {text[:40]!r}")
        version = values.pop("version", None)
        if version != SPEC_VERSION:
            raise SpecError(
                f"the model's description is of version {version}, this program reads version "
                f"{SPEC_VERSION}: export the model again, or install the kpstream that made it"
            )
        known = {f.name for f in fields(cls)}
        missing = sorted(known - {"max_cards"} - values.keys())
        if missing or values.keys() - known:
            unknown = sorted(values.keys() - known)
            raise SpecError(f"the model's description lacks {missing} and has unknown {unknown}")
        values = {"max_cards": None} | {key: _freeze(value) for key, value in values.items()}
        if wrong := [
            f"{key} = {values[key]!r}" for key in sorted(known) if not _FITS[key](values[key])
        ]:
            raise SpecError(f"the model's description holds the wrong kind of {', '.join(wrong)}")
        return cls(**values)


def _freeze(value: Any) -> Any:
    """Lists, and lists of lists, as JSON has them → tuples, as the frozen spec wants them."""
    if not isinstance(value, list):
        return value
    return tuple(tuple(v) if isinstance(v, list) else v for v in value)


def _whole(value: Any) -> bool:
    return type(value) is int  # bool is an int to isinstance, not to a model's description


def _wholes(value: Any, size: int | None = None) -> bool:
    return isinstance(value, tuple) and all(map(_whole, value)) and size in (None, len(value))


_FITS: dict[str, Callable[[Any], bool]] = {
    "name": lambda v: isinstance(v, str),
    "keypoints": lambda v: isinstance(v, tuple) and all(isinstance(name, str) for name in v),
    "edges": lambda v: isinstance(v, tuple) and all(_wholes(pair, 2) for pair in v),
    "flip": _wholes,
    "input_hw": lambda v: _wholes(v, 2),
    "stride": _whole,
    "sigma_px": lambda v: _whole(v) or isinstance(v, float),
    "max_cards": lambda v: v is None or _whole(v),
}
"""What kind of value each field of a description holds."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a network says of a batch of B pictures; K, h, w and C from its spec.

    The arrays belong to the engine and are valid until its next call.
    """

    heatmaps: NDArray[np.float32]  # (B, K, h, w) in [0, 1]
    visibility: NDArray[np.float32] | None  # (B, K) in [0, 1]
    count: NDArray[np.float32] | None  # (B, C+1) distribution over 0..C cards, 0 = no packet


Progress: TypeAlias = "Callable[[float], bool]"
"""Told the share of a build that is done, 0 to 1 and never less than before, it says whether to go
on. It must not raise: a runtime would swallow that."""


@dataclass(frozen=True, slots=True)
class Opening:
    """How an engine is to be opened; what a runtime has no use for it leaves alone.

    `cores` is how many of the processor's it may take, None for all: the least latency, but what
    decodes and encodes beside it has to wait. `progress` is told of a build.
    """

    cores: int | None = None
    progress: Progress | None = None


DEFAULT = Opening()


class Engine(Protocol):
    """A model on a runtime. Ready once constructed (loaded and warmed up); used from one thread.

    `str(engine)` is one line for people: the runtime, its version, device and precision.
    """

    @property
    def spec(self) -> ModelSpec:
        """What the model finds and how its answer is laid out."""

    def __call__(self, images: NDArray[np.uint8]) -> Prediction:
        """(B, H, W, 3) BGR uint8 pictures of `spec.input_hw` → Prediction."""

    def close(self) -> None:
        """Give back the runtime's memory. May be called twice; nothing may be called after it."""


def check_call(images: NDArray[np.uint8], spec: ModelSpec, *, closed: bool) -> None:
    """Raise RuntimeError of a closed engine, ValueError of what one of this spec does not take."""
    if closed:
        raise RuntimeError("this engine is closed: open the model again with open_engine")
    height, width = spec.input_hw
    if images.shape[1:] != (height, width, 3) or images.dtype.name != "uint8":
        raise ValueError(
            f"images must be (B, {height}, {width}, 3) uint8, got {images.shape} {images.dtype}"
        )


def read_spec(path: Path) -> ModelSpec:
    """The spec inside an ONNX file. Raises SpecError if the file is no ONNX model or not ours.

    Field numbers: `ModelProto.graph` is 7, `ModelProto.metadata_props` is 14, in
    `StringStringEntryProto` key is 1 and value 2, `GraphProto.initializer` is 5, and
    `TensorProto.external_data` is 13 (onnx/onnx.proto).
    """
    data = memoryview(path.read_bytes())
    try:
        top = list(_fields(data))
        entries = [dict(_fields(value)) for number, value in top if number == 14]
        texts = {bytes(e.get(1, b"")).decode(): bytes(e.get(2, b"")).decode() for e in entries}
        graphs = [_fields(value) for number, value in top if number == 7]
        tensors = [value for graph in graphs for number, value in graph if number == 5]
        elsewhere = any(number == 13 for tensor in tensors for number, _ in _fields(tensor))
    except (ValueError, IndexError) as error:
        raise SpecError(f"{path} is not an ONNX model ({error}): {_REMEDY}") from error
    if not graphs:
        raise SpecError(f"{path} is not an ONNX model (it holds no graph): {_REMEDY}")
    if elsewhere:
        raise SpecError(
            f"{path} keeps weights in another file, and a model is one: "
            "onnx.save(onnx.load(…), …) in Python puts them together"
        )
    if METADATA_KEY not in texts:
        raise SpecError(
            f"{path} is an ONNX model without a kpstream description (metadata key "
            f"{METADATA_KEY!r}): export it with kpstream-train export"
        )
    try:
        return ModelSpec.from_json(texts[METADATA_KEY])
    except SpecError as error:
        raise SpecError(f"{path}: {error}") from error


def _fields(data: memoryview) -> list[tuple[int, memoryview]]:
    """A protobuf message's bytes → (field number, payload) of its length-delimited fields."""
    found = []
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        wire = key & 7
        if wire == 0:
            _, at = _varint(data, at)
        elif wire == 1:
            at += 8
        elif wire == 5:
            at += 4
        elif wire == 2:
            size, at = _varint(data, at)
            if at + size > len(data):
                raise ValueError("it ends in the middle of a field")
            found.append((key >> 3, data[at : at + size]))
            at += size
        else:
            raise ValueError(f"wire type {wire} at byte {at}")
    return found


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    """Read a base-128 varint at byte `at`; returns (value, first byte after it)."""
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at += 1
        if byte < 0x80:
            return value, at
        shift += 7
        if shift > 63:
            raise ValueError(f"no varint at byte {at}")
