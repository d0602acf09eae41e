"""What holds for the trainer's tests: networks this small run best on one thread of their own."""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import find_spec

import pytest

if find_spec("tqdm"):
    import_module("tqdm").tqdm.monitor_interval = 0  # else its first bar starts a thread for good


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    """Two threads that wait for each other by spinning stand still beside any other load."""
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
