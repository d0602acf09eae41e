"""This machine → what a figure measured on it depends on."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import psutil

from stream.bench.report import Machine

PACKAGES = (
    "numpy",
    "opencv-python",
    "opencv-python-headless",
    "opencv-contrib-python",
    "av",
    "openvino",
    "onnxruntime",
    "onnxruntime-gpu",
    "onnxruntime-directml",
    "tensorrt",
    "tensorrt-rtx-cu13",
    "cuda-python",
    "torch",
)
"""Distributions whose version a figure may hang on."""


def describe() -> Machine:
    """The machine, its system and the versions of what is installed."""
    return Machine(
        cpu=_cpu(),
        cores=usable_cores(),
        memory_mb=round(psutil.virtual_memory().total / 1e6),
        gpus=_gpus(),
        system=platform.platform(),
        python=f"{platform.python_implementation()} {platform.python_version()}",
        packages=_packages(),
    )


def usable_cores() -> int:
    """How many cores this process may run on."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _cpu() -> str:
    """The processor's name as its maker writes it, else its architecture."""
    named = ""
    if sys.platform == "linux":
        text = Path("/proc/cpuinfo").read_text("utf-8", "replace")
        found = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
        named = found[1] if found else ""
    elif sys.platform == "darwin":
        named = _answer("sysctl", "-n", "machdep.cpu.brand_string")
    return " ".join((named or platform.processor() or platform.machine()).split())


def _gpus() -> list[str]:
    """NVIDIA's cards with their driver, where its own tool is there to name them."""
    words = ("--query-gpu=name,driver_version", "--format=csv,noheader")
    lines = _answer("nvidia-smi", *words).splitlines()
    return [line.strip().replace(", ", ", driver ") for line in lines if line.strip()]


def _answer(*words: str) -> str:
    """What a command prints; nothing where there is none or it fails."""
    if shutil.which(words[0]) is None:
        return ""
    try:
        return subprocess.run(
            words, capture_output=True, text=True, check=True, timeout=10
        ).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""


def _packages() -> dict[str, str]:
    found = {}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found
