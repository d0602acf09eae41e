"""ONNX Runtime on an NVIDIA GPU, for machines where TensorRT does not work."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from pathlib import Path

from engines.ort import OrtEngine, runtime
from engines.spec import DEFAULT, Engine, EngineUnavailable, Opening

_PROVIDER = "CUDAExecutionProvider"
_REMEDY = (
    "pip install 'kpstream[cuda]', then pip install --force-reinstall --no-deps onnxruntime-gpu, "
    "as the two packages of ONNX Runtime overwrite each other"
)


def open_model(path: Path, _how: Opening = DEFAULT) -> Engine:
    """ONNX file → a warmed-up engine, in TF32. Raises SpecError, EngineUnavailable, OSError."""
    return _open(path, "tf32", {"use_tf32": "1"})


def open_exact(path: Path, _how: Opening = DEFAULT) -> Engine:
    """The same in f32, for a model that TF32 harms."""
    return _open(path, "f32", {"use_tf32": "0"})


def _open(path: Path, precision: str, options: dict[str, str]) -> Engine:
    ort = runtime()
    there = ort.get_available_providers()
    if _PROVIDER not in there:
        known = ", ".join(name.removesuffix("ExecutionProvider") for name in there)
        raise EngineUnavailable(
            f"this ONNX Runtime {ort.__version__} has no CUDA, only {known}: {_REMEDY}"
        )
    device = f"CUDA device 0, {precision}"
    with redirect_stdout(sys.stderr):  # both print what they do not find
        if hasattr(ort, "preload_dlls"):  # CUDA's libraries from Python packages, since 1.21
            ort.preload_dlls()
        return OrtEngine(path, ort, device, provider=_PROVIDER, options_of_provider=options)
