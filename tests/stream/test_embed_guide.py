"""docs/embed.md is true: its blocks are one script that runs, and counts what the sample shows."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import av

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"```python\n(.*?)```", re.DOTALL)


def test_the_guides_script_runs(tmp_path):
    (tmp_path / "script.py").write_text(
        "\n".join(BLOCK.findall((ROOT / "docs" / "embed.md").read_text("utf-8"))), "utf-8"
    )
    shutil.copy(ROOT / "docs" / "sample.mp4", tmp_path / "clip.mp4")
    ran = subprocess.run(
        [sys.executable, "-W", "error", "script.py"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    lines = ran.stdout.splitlines()
    locked = [line for line in lines if line.startswith("locked ")]
    assert len(locked) > 100
    assert sum("lower_right_face: " in line for line in lines) == 1
    cards = int(locked[-1].split()[1])
    assert abs(int(lines[-1].split()[0]) - cards) < 10  # the first count that was locked
    with av.open(str(tmp_path / "annotated.mp4")) as container:
        written = sum(1 for _ in container.decode(video=0))
    assert f"cards after {written - 1} frames" in lines[-1]
