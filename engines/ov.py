"""OpenVINO on the CPU: the fastest engine on most x86 machines without a GPU."""

from __future__ import annotations

import importlib
import sys
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engines.graph import OUTPUTS, Port, check_graph, check_prediction
from engines.spec import Engine, EngineUnavailable, ModelSpec, Prediction, check_images, read_spec


class OvEngine:
    """A model on OpenVINO; owned by one thread.

    `precision` is "f32", "bf16", or None for bf16 where the processor computes in it: nearly twice
    as fast. Of our models it rounds the convolutions, a corner by 0.1 px of the input; the count
    head is written so that it keeps full precision (`train.count_head.Summed`).
    """

    def __init__(self, path: Path, spec: ModelSpec, ov: Any, precision: str | None) -> None:
        self.spec = spec
        version = ov.__version__.split("-")[0]
        core = _core(ov)
        if precision is None:
            native = core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
            precision = "bf16" if "BF16" in native else "f32"
        hints = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": precision}
        try:
            model = core.read_model(path)
            compiled = core.compile_model(model, "CPU", hints)
        except RuntimeError as error:
            raise EngineUnavailable(
                f"OpenVINO {version} refuses {path} ({error}): "
                "pip install --upgrade openvino, or export the model again"
            ) from error
        outputs = _ports(compiled.outputs)
        check_graph(path, spec, _ports(compiled.inputs), outputs)
        self._request: Any = compiled.create_infer_request()
        self._outputs = [name for name in OUTPUTS if name in outputs]
        device = core.get_property("CPU", "FULL_DEVICE_NAME").strip()
        self._label = f"OpenVINO {version} on CPU ({device}), {precision}"
        check_prediction(path, spec, self(np.zeros((1, *spec.input_hw, 3), np.uint8)))

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


def open_model(path: Path, precision: str | None = None) -> Engine:
    """Model file → a warmed-up engine. Raises SpecError, EngineUnavailable, OSError."""
    spec = read_spec(path)
    try:
        ov = _openvino()
    except (ImportError, OSError) as error:
        raise EngineUnavailable(
            f"OpenVINO does not load ({error}): pip install openvino"
        ) from error
    return OvEngine(path, spec, ov, precision)


def _openvino() -> Any:
    """The module, without the report that its import sends to an analytics service, unasked.

    Where `openvino_telemetry` cannot be imported, OpenVINO takes its own stub instead.
    """
    reporter = "openvino_telemetry"
    before = {reporter: sys.modules[reporter]} if reporter in sys.modules else {}
    sys.modules[reporter] = None  # type: ignore[assignment] # Python's mark: not importable
    try:
        return importlib.import_module("openvino")
    finally:
        del sys.modules[reporter]
        sys.modules.update(before)


@lru_cache(maxsize=1)
def _core(ov: Any) -> Any:
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
