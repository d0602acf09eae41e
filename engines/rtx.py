"""TensorRT for RTX on an NVIDIA GPU, in FP16: `engines.trt` with another module."""

from __future__ import annotations

from pathlib import Path

from engines.spec import DEFAULT, Engine, Opening
from engines.trt import Runtime, carried, is_built_with, open_with

__all__ = ["carried", "is_built", "open_model"]

RTX = Runtime("tensorrt_rtx", "TensorRT for RTX", "tensorrt-rtx")


def open_model(path: Path, how: Opening = DEFAULT) -> Engine:
    """Model or plan file → a warmed-up engine; see `engines.trt.open_with`."""
    return open_with(RTX, path, how)


def is_built(path: Path) -> bool:
    """Whether `open_model` finds a plan; see `engines.trt.is_built_with`."""
    return is_built_with(RTX, path)
