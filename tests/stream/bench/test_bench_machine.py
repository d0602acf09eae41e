"""What a machine says of itself, whichever it is."""

from __future__ import annotations

import os
import time

import cv2
import numpy as np

from stream.bench.machine import describe, usable_cores
from stream.bench.usage import Others, peak_bytes, resident_bytes


def test_the_machine_is_described():
    machine = describe()
    assert machine.cpu.strip()
    assert 1 <= machine.cores <= (os.cpu_count() or 1)
    assert 100 < machine.memory_mb < 1e8
    assert machine.system
    assert machine.python.split()[-1].count(".") == 2
    assert machine.packages["numpy"] == np.__version__
    assert any(name.startswith("opencv") for name in machine.packages), cv2.__version__
    assert machine.cores == usable_cores()


def test_memory_held_is_seen_and_the_peak_remains():
    before, slack = resident_bytes(), 1_000_000  # the kernel counts pages in batches
    held = np.ones(200_000_000, np.uint8)
    during, peak = resident_bytes(), peak_bytes()
    assert during - before > 150_000_000
    assert peak >= during - slack
    del held
    assert resident_bytes() < during - 100_000_000
    assert peak_bytes() >= peak - slack


def test_what_this_process_does_is_not_put_down_to_others():
    others, until = Others(), time.process_time() + 0.3
    while time.process_time() < until:
        sum(range(10_000))
    assert 0 <= others.share() <= 1
