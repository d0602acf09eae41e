"""OpenVINO on the CPU: the fastest engine on most x86 machines without a GPU."""

from __future__ import annotations

import importlib
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engines.graph import OUTPUTS, Port, check_graph, check_prediction
from engines.parity import Reading
from engines.spec import (
    DEFAULT,
    METADATA_KEY,
    Engine,
    EngineUnavailable,
    ModelSpec,
    Opening,
    Prediction,
    SpecError,
    check_images,
    read_spec,
)

SPEC_PATH = (METADATA_KEY, "spec")
REFERENCE_PATH = (METADATA_KEY, "reference")
"""Where OpenVINO's own format carries a model's description, and what it has to say."""

EXACT_FIRST = 3
"""How many convolutions, from the pixels on, stay in f32 where the others are in bf16.

On them hangs what a card's edge looks like: rounding them alone moved the count by half a card, all
the others together by a fifth. They are 4 % of the time.
"""


class OvEngine:
    """A model on OpenVINO; owned by one thread.

    `precision` is "f32" or "bf16"; `cores` is how many threads compute, None for one a core.
    """

    def __init__(self, path: Path, ov: Any, precision: str, cores: int | None = None) -> None:
        version = ov.__version__.split("-")[0]
        kernel = core(ov)
        try:
            model = kernel.read_model(path)
            self.spec = _spec_of(path, model)
            if precision == "bf16":
                model = _with_exact_beginning(ov, model)
            hints: dict[str, Any] = {
                "PERFORMANCE_HINT": "LATENCY",
                "INFERENCE_PRECISION_HINT": precision,
            }
            if cores is not None:  # one of several: held to one core, it would wait for it
                hints |= {"INFERENCE_NUM_THREADS": cores, "ENABLE_CPU_PINNING": False}
            compiled = kernel.compile_model(model, "CPU", hints)
            outputs = _ports(compiled.outputs)
            check_graph(path, self.spec, _ports(compiled.inputs), outputs)
            self._request: Any = compiled.create_infer_request()
            self._outputs = [name for name in OUTPUTS if name in outputs]
            device = kernel.get_property("CPU", "FULL_DEVICE_NAME").strip()
            self._label = f"OpenVINO {version} on CPU ({device}), {_named(model, precision)}"
            check_prediction(path, self.spec, self(np.zeros((1, *self.spec.input_hw, 3), np.uint8)))
        except RuntimeError as error:
            if isinstance(error, EngineUnavailable):
                raise
            raise EngineUnavailable(
                f"OpenVINO {version} refuses {path} ({error}): "
                "pip install --upgrade openvino, or export the model again"
            ) from error

    def __str__(self) -> str:
        return self._label

    def __call__(self, images: NDArray[np.uint8]) -> Prediction:
        """(B, H, W, 3) BGR uint8 pictures of `spec.input_hw` → Prediction."""
        if self._request is None:
            raise RuntimeError("this engine is closed: open the model again with open_engine")
        check_images(images, self.spec)
        feed = {"images": np.ascontiguousarray(images)}  # shared memory knows no strides
        # The answer is copied (0.1 MB): views would point at freed memory once the batch grows.
        answer = self._request.infer(feed, share_inputs=True)
        found = {name: answer[name] for name in self._outputs}
        return Prediction(found["heatmaps"], found.get("visibility"), found.get("count"))

    def close(self) -> None:
        """Give back the request and with it the compiled model. May be called twice."""
        self._request = None


def open_model(path: Path, how: Opening = DEFAULT) -> Engine:
    """Model file (ONNX, or OpenVINO's .xml) → a warmed-up engine, in bf16 where the CPU has it.

    Raises SpecError, EngineUnavailable, OSError.
    """
    ov = runtime()
    native = core(ov).get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    return OvEngine(path, ov, "bf16" if "BF16" in native else "f32", how.cores)


def open_exact(path: Path, how: Opening = DEFAULT) -> Engine:
    """The same in f32, for a model that bf16 harms."""
    return OvEngine(path, runtime(), "f32", how.cores)


def carried(path: Path) -> Reading | None:
    """What a file in OpenVINO's format was told, when it was exported, that it has to say."""
    model = core(runtime()).read_model(path)
    if not model.has_rt_info(list(REFERENCE_PATH)):
        return None
    return Reading.from_json(model.get_rt_info(list(REFERENCE_PATH)).astype(str))


def _spec_of(path: Path, model: Any) -> ModelSpec:
    if path.suffix != ".xml":
        return read_spec(path)
    if not model.has_rt_info(list(SPEC_PATH)):
        raise SpecError(
            f"{path} is an OpenVINO model without a kpstream description ({'/'.join(SPEC_PATH)}): "
            "export it with kpstream-train export --format openvino"
        )
    return ModelSpec.from_json(model.get_rt_info(list(SPEC_PATH)).astype(str))


def _named(model: Any, precision: str) -> str:
    """The precision a model is computed in, for people."""
    quantised = any(op.get_type_name() == "FakeQuantize" for op in model.get_ops())
    return f"int8 and {precision}" if quantised else precision


def _with_exact_beginning(ov: Any, model: Any) -> Any:
    """A model → one whose first convolutions OpenVINO leaves in f32.

    Its mark for that can be set in its file format only, so the model goes through a file.
    """
    kinds = {"Convolution", "GroupConvolution"}
    names = [
        op.get_friendly_name() for op in model.get_ordered_ops() if op.get_type_name() in kinds
    ]
    with tempfile.TemporaryDirectory(prefix="kpstream-") as folder:
        written, weights = Path(folder) / "model.xml", Path(folder) / "model.bin"
        ov.serialize(model, written, weights)
        text = written.read_text(encoding="utf-8")
        for name in names[:EXACT_FIRST]:
            text = _marked(text, name)
        return core(ov).read_model(text.encode(), weights.read_bytes())


def _marked(xml: str, name: str) -> str:
    """The layer of that name with OpenVINO's mark: it is computed as it is written.

    A layer that has attributes already keeps them.
    """
    mark = '<attribute name="precise" version="0" />'
    begin = xml.index(">", xml.index(f'name="{name}"')) + 1
    end = xml.index("</layer>", begin)
    held = xml.find("<rt_info>", begin, end)
    if held >= 0:
        at = held + len("<rt_info>")
        return xml[:at] + mark + xml[at:]
    return xml[:begin] + f"<rt_info>{mark}</rt_info>" + xml[begin:]


def runtime() -> Any:
    """The module. Raises EngineUnavailable."""
    try:
        with unreported():
            return importlib.import_module("openvino")
    except (ImportError, OSError) as error:
        raise EngineUnavailable(
            f"OpenVINO does not load ({error}): pip install openvino"
        ) from error


@contextmanager
def unreported() -> Iterator[None]:
    """Imports inside are without the report that OpenVINO's packages send, unasked, when imported.

    Where `openvino_telemetry` cannot be imported, they take their own stub instead.
    """
    reporter = "openvino_telemetry"
    before = {reporter: sys.modules[reporter]} if reporter in sys.modules else {}
    sys.modules[reporter] = None  # type: ignore[assignment] # Python's mark: not importable
    try:
        yield
    finally:
        del sys.modules[reporter]
        sys.modules.update(before)


@lru_cache(maxsize=1)
def core(ov: Any) -> Any:
    """The one runtime of this process, which is never given back.

    A runtime's CPU plugin gives the thread that loads it a stack for signals, and when it goes it
    puts back the one from before. Of two runtimes that go in the order they came, the second puts
    back the freed stack of the first, and the next Ctrl-C ends the process.
    """
    return ov.Core()


def _ports(nodes: Any) -> dict[str, Port]:
    """OpenVINO's description of inputs or outputs → ports."""
    return {
        node.get_any_name(): Port(
            np.dtype(node.element_type.to_dtype()).name,
            tuple(None if size.is_dynamic else size.get_length() for size in node.partial_shape),
        )
        for node in nodes
    }
