"""What holds for the trainer's tests: networks this small run best on one thread of their own."""

from __future__ import annotations

import sys
from dataclasses import replace
from importlib import import_module
from importlib.util import find_spec

import pytest
from tiny import TINY

if find_spec("tqdm"):
    import_module("tqdm").tqdm.monitor_interval = 0  # else its first bar starts a thread for good


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    """Two threads that wait for each other by spinning stand still beside any other load."""
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)


@pytest.fixture(scope="session")
def packets(tmp_path_factory):
    """A run of seconds, last.pt, and what it was exported to, packet.onnx: that takes longer."""
    folder = tmp_path_factory.mktemp("packets")
    last = import_module("train.loop").fit(replace(TINY, epochs=1, out=str(folder)))
    import_module("train.export").export(last, folder / "packet.onnx")
    return folder
