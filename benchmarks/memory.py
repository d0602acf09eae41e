"""The command over 30,000 frames → its resident memory on the way, in MB.

    python benchmarks/memory.py [--frames 30000] [--model FILE] [--engine NAME]

Runs `kpstream CLIP --out … --json …` on a clip rendered for it, 640x480, a packet that moves to
and fro, and reads the process's resident set from outside whenever another tenth is through. Exit
code 1 if it grew by more than 2 MB for 1,000 frames over the second half. Its threads' allocators
fill up over the first 15,000 frames or so: fewer than 30,000 say little. Linux only.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import av
import numpy as np

import engines
from stream.synth import Clip, SceneConfig

LIMIT_MB = 2.0  # for 1,000 frames; a frame alone is 0.9 MB, so a leak of pictures is 450 times that
STEPS = 10


def main() -> int:
    """Words → a table and an exit code."""
    parser = argparse.ArgumentParser(description="Resident memory of a long run.")
    parser.add_argument("--frames", type=int, default=30_000)
    parser.add_argument("--model", type=Path, default=engines.DEFAULT_MODEL)
    parser.add_argument("--engine", default="auto")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        clip, lines = Path(folder, "clip.mp4"), Path(folder, "out.jsonl")
        make_clip(clip, args.frames)
        words = [str(clip), "--json", str(lines), "--out", str(Path(folder, "out.mp4"))]
        words += ["--model", str(args.model), "--engine", args.engine]
        code = "import sys, stream.cli; sys.exit(stream.cli.main())"
        with subprocess.Popen([sys.executable, "-c", code, *words]) as process:
            resident = watch(process, lines, args.frames)
    if process.returncode != 0:
        return process.returncode
    return report(resident)


def make_clip(path: Path, count: int) -> None:
    """Write a clip of 640x480: 150 rendered frames forwards and backwards, again and again."""
    rendered = Clip(SceneConfig(cards=(30, 30)), None, 1, (480, 640), 30.0, 150)
    pictures = [rendered.frame(i).image for i in range(150)]
    pictures += pictures[-2:0:-1]
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=30, options={"preset": "ultrafast"})
        video.height, video.width, video.pix_fmt = 480, 640, "yuv420p"
        for i in range(count):
            picture = pictures[i % len(pictures)]
            container.mux(video.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")))
        container.mux(video.encode())


def watch(
    process: subprocess.Popen[bytes], lines: Path, count: int
) -> list[tuple[int, float, float]]:
    """A running command → (frames written, seconds since the first, resident MB), ten of them."""
    taken: list[tuple[int, float, float]] = []
    written, started = 0, time.monotonic()
    while process.poll() is None and not lines.exists():
        time.sleep(0.01)
    with lines.open("rb") as file:
        while process.poll() is None:
            resident = resident_mb(process.pid)
            new = file.read().count(b"\n")
            started = time.monotonic() if written == 0 else started
            written += new
            if written >= count * (len(taken) + 1) / STEPS and resident > 0:
                taken.append((written, time.monotonic() - started, resident))
                print(f"{written:7} frames  {taken[-1][1]:6.1f} s  {resident:7.1f} MB", flush=True)
            time.sleep(0.02)
    return taken


def resident_mb(pid: int) -> float:
    """The resident set of a process; 0 when it has ended."""
    pages = int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def report(taken: list[tuple[int, float, float]]) -> int:
    """Samples → the slope by least squares over the second half; in the first, buffers fill."""
    later = np.array(taken[STEPS // 2 - 1 :])
    slope = float(np.polyfit(later[:, 0] / 1000, later[:, 2], 1)[0])
    print(f"growth: {slope:+.2f} MB for 1,000 frames (limit {LIMIT_MB:g})")
    return 0 if slope <= LIMIT_MB else 1


if __name__ == "__main__":
    sys.exit(main())
