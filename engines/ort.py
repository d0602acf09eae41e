"""ONNX Runtime: on the CPU it runs wherever Python does; on other devices by the same class."""

from __future__ import annotations

import importlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engines.graph import OUTPUTS, Port, check_graph, check_prediction
from engines.native import native
from engines.spec import (
    DEFAULT,
    Engine,
    EngineUnavailable,
    Opening,
    Prediction,
    check_call,
    read_spec,
)

_CPU = "CPUExecutionProvider"
_CPU_REMEDY = "pip install --upgrade onnxruntime, or export the model again"
_GPU_REMEDY = "see nvidia-smi; pip install 'kpstream[cuda]' brings CUDA's libraries"


class OrtEngine:
    """A model on ONNX Runtime; owned by one thread.

    `provider` is ONNX Runtime's name of what computes, with options of its own. Another one than
    that, which ONNX Runtime would take, is an error.
    """

    def __init__(
        self,
        path: Path,
        ort: Any,
        device: str,
        *,
        provider: str = _CPU,
        options_of_provider: Mapping[str, str] | None = None,
        threads: int = 1,
    ) -> None:
        self.spec = spec = read_spec(path)
        self._errors = _errors()
        self._remedy = _CPU_REMEDY if provider == _CPU else _GPU_REMEDY
        try:
            session = _session(path, ort, (provider, dict(options_of_provider or {})), threads)
        except self._errors as error:
            raise EngineUnavailable(
                f"ONNX Runtime {ort.__version__} refuses {path} ({error}): {self._remedy}"
            ) from error
        if (taken := session.get_providers()[0]) != provider:
            raise EngineUnavailable(
                f"ONNX Runtime {ort.__version__} took {taken} in place of {provider}, whose "
                f"libraries it could not load: {_GPU_REMEDY}"
            )
        outputs = _ports(session.get_outputs())
        check_graph(path, spec, _ports(session.get_inputs()), outputs)
        self._session: Any = session
        self._outputs = [name for name in OUTPUTS if name in outputs]
        self._label = f"ONNX Runtime {ort.__version__} on {device}"
        check_prediction(path, spec, self(np.zeros((1, *spec.input_hw, 3), np.uint8)))

    def __str__(self) -> str:
        return self._label

    def __call__(self, images: NDArray[np.uint8]) -> Prediction:
        """(B, H, W, 3) BGR uint8 pictures of `spec.input_hw` → Prediction.

        Raises EngineUnavailable where ONNX Runtime fails.
        """
        check_call(images, self.spec, closed=self._session is None)
        try:
            arrays = self._session.run(self._outputs, {"images": images})
        except self._errors as error:
            raise EngineUnavailable(f"{self} failed ({error}): {self._remedy}") from error
        found = dict(zip(self._outputs, arrays, strict=True))
        return Prediction(found["heatmaps"], found.get("visibility"), found.get("count"))

    def close(self) -> None:
        """Give back the session. May be called twice."""
        self._session = None


def _session(path: Path, ort: Any, provider: tuple[str, dict[str, str]], threads: int) -> Any:
    """ONNX file → ONNX Runtime's session on that provider alone. Raises what it raises."""
    options = ort.SessionOptions()
    options.log_severity_level = 3  # errors only: warnings of the optimiser help no user
    options.intra_op_num_threads = threads
    # Spinning gains about a tenth alone, and takes the cores that decoding waits for.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # else it goes on on the CPU where the provider fails, and says so on standard output
    session = ort.InferenceSession(str(path), options, providers=[provider], enable_fallback=0)
    session.disable_fallback()  # what older versions take no word for
    return session


def open_model(path: Path, how: Opening = DEFAULT) -> Engine:
    """Model file → a warmed-up engine. Raises SpecError, EngineUnavailable, OSError."""
    threads = how.cores or physical_cores()
    return OrtEngine(path, runtime(), f"CPU ({threads} threads), f32", threads=threads)


def runtime() -> Any:
    """The module. Raises EngineUnavailable.

    From 1.31 on it reports its use to its maker, and keeps a number for this user in the cache
    folder, unless this variable says no before it is imported. Whoever set it is left alone.
    """
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    try:
        ort = native("onnxruntime")
    except (ImportError, OSError) as error:
        raise EngineUnavailable(
            f"ONNX Runtime does not load ({error}): pip install onnxruntime"
        ) from error
    if not hasattr(ort, "InferenceSession"):  # an empty folder is a package to Python
        raise EngineUnavailable(
            "ONNX Runtime is there in part, as after uninstalling one of onnxruntime and "
            "onnxruntime-gpu: pip install --force-reinstall --no-deps the one that is wanted"
        )
    return ort


def _errors() -> tuple[type[Exception], ...]:
    """What ONNX Runtime raises: errors of its own, which have no class in common, and Python's."""
    state = importlib.import_module("onnxruntime.capi.onnxruntime_pybind11_state")
    own = [x for x in vars(state).values() if isinstance(x, type) and issubclass(x, Exception)]
    return (*own, RuntimeError, ValueError)


def physical_cores() -> int:
    """Cores that this process may use; two hardware threads of one core are one."""
    if not hasattr(os, "sched_getaffinity"):
        import psutil  # noqa: PLC0415 - not needed on Linux

        return psutil.cpu_count(logical=False) or os.cpu_count() or 1
    topology = "/sys/devices/system/cpu/cpu{}/topology/thread_siblings_list"
    files = [Path(topology.format(cpu)) for cpu in os.sched_getaffinity(0)]
    return len({file.read_text() if file.exists() else str(file) for file in files})


def _ports(nodes: Any) -> dict[str, Port]:
    """ONNX Runtime's description of inputs or outputs → ports; a name as a size is any size."""
    return {
        node.name: Port(
            {"tensor(float)": "float32"}.get(node.type, node.type[len("tensor(") : -1]),
            tuple(size if isinstance(size, int) else None for size in node.shape),
        )
        for node in nodes
    }
