"""A small network beside the large one, without a description of its own, on OpenVINO.

Whoever asks for it has another way to run it: this one is quicker.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engines.compiled import core, hints_for, quickest_precision, runtime
from engines.spec import EngineUnavailable

Floats = NDArray[np.float32]


class SmallNetwork:
    """An ONNX graph of one input, whose first size may vary; owned by one thread."""

    def __init__(self, graph: bytes, outputs: Sequence[str], threads: int) -> None:
        ov = runtime()
        how = hints_for(quickest_precision(ov), threads)
        try:
            model = core(ov).compile_model(core(ov).read_model(graph), "CPU", how)
            self._request: Any = model.create_infer_request()
        except RuntimeError as error:
            raise EngineUnavailable(f"OpenVINO refuses a small network ({error})") from error
        self._outputs = list(outputs)

    def __call__(self, x: Floats) -> list[Floats]:
        """(B, …) → the outputs, in the order in which they were named."""
        answer = self._request.infer({0: np.ascontiguousarray(x)}, share_inputs=True)
        return [answer[name] for name in self._outputs]
