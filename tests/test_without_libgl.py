"""Where OpenCV's system libraries are missing, the command says in one line what to install."""

import os
import subprocess
import sys


def test_a_missing_system_library_is_told_with_its_remedy(tmp_path):
    # what the dynamic linker says on a machine without them, raised from where it would be
    words = "libGL.so.1: cannot open shared object file: No such file or directory"
    (tmp_path / "cv2.py").write_text(f"raise ImportError({words!r})\n", encoding="utf-8")
    (tmp_path / "model.onnx").touch()
    command = ["synth:", "--json", "found.jsonl", "--model", "model.onnx"]
    done = subprocess.run(
        [sys.executable, "-c", f"import sys, stream.cli; sys.exit(stream.cli.main({command!r}))"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith(f"kpstream: error: {words}")
    assert "apt-get install libgl1 libglib2.0-0" in done.stderr
    assert len(done.stderr.splitlines()) == 1
