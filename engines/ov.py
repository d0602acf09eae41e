"""OpenVINO on the CPU: the fastest engine on most x86 machines without a GPU."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engines.compiled import carried, compiled, core, hints_for, quickest_precision, runtime
from engines.graph import OUTPUTS, Port, check_graph, check_prediction
from engines.spec import DEFAULT, Engine, EngineUnavailable, Opening, Prediction, check_call

__all__ = ["OvEngine", "carried", "open_exact", "open_model"]


class OvEngine:
    """A model on OpenVINO; owned by one thread.

    `precision` is "f32" or "bf16"; `cores` is how many threads compute, None for one a core.
    """

    def __init__(self, path: Path, ov: Any, precision: str, cores: int | None = None) -> None:
        version = ov.__version__.split("-")[0]
        try:
            model, self.spec, precision = compiled(ov, path, hints_for(precision, cores))
            outputs = _ports(model.outputs)
            check_graph(path, self.spec, _ports(model.inputs), outputs)
            self._request: Any = model.create_infer_request()
            self._outputs = [name for name in OUTPUTS if name in outputs]
            device = core(ov).get_property("CPU", "FULL_DEVICE_NAME").strip()
            self._label = f"OpenVINO {version} on CPU ({device}), {precision}"
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
        check_call(images, self.spec, closed=self._request is None)
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
    return OvEngine(path, ov, quickest_precision(ov), how.cores)


def open_exact(path: Path, how: Opening = DEFAULT) -> Engine:
    """The same in f32, for a model that bf16 harms."""
    return OvEngine(path, runtime(), "f32", how.cores)


def _ports(nodes: Any) -> dict[str, Port]:
    """OpenVINO's description of inputs or outputs → ports."""
    return {
        node.get_any_name(): Port(
            np.dtype(node.element_type.to_dtype()).name,
            tuple(None if size.is_dynamic else size.get_length() for size in node.partial_shape),
        )
        for node in nodes
    }
