"""A command → what it took, in a file of JSON: seconds, CPU seconds, peak memory.

    python timed.py FIGURES.json COMMAND [WORD …]

A process of its own, and a small one, because a child's peak memory begins at its parent's. Unix
only. Its exit code is the command's.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from pathlib import Path


def main() -> int:
    """Words → an exit code."""
    figures, command = Path(sys.argv[1]), sys.argv[2:]
    began_s = time.perf_counter()
    code = subprocess.run(command, check=False).returncode
    wall_s = time.perf_counter() - began_s
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    peak = used.ru_maxrss * (1 if sys.platform == "darwin" else 1024)  # bytes there, KiB elsewhere
    taken = {
        "wall_s": wall_s,
        "cpu_s": used.ru_utime + used.ru_stime,
        "peak_mb": peak / 1e6,
    }
    figures.write_text(json.dumps(taken), encoding="utf-8")
    return code


if __name__ == "__main__":
    sys.exit(main())
