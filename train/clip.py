"""Rendered shots in order → an H.264 clip, and its truth as JSON lines."""

from __future__ import annotations

import json
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from stream.packet import KEYPOINTS
from stream.synth import Rendered


def write(shots: Iterable[Rendered], path: Path, fps: int, truth: Path | None = None) -> int:
    """Shots of one size → `path`, and a line a frame into `truth`; returns how many there were.

    Width and height must be even (ValueError). A clip that breaks off leaves no file.
    """
    partial = path.with_name(f".{path.stem}.partial{path.suffix}")
    lines = []
    try:
        with av.open(str(partial), "w", options={"movflags": "faststart"}) as out:
            stream = out.add_stream("libx264", rate=fps, options={"crf": "24", "preset": "slow"})
            stream.pix_fmt = "yuv420p"
            stream.time_base = Fraction(1, fps)
            for i, shot in enumerate(shots):
                if i == 0:
                    stream.height, stream.width = _even(shot.image.shape[:2])
                frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(shot.image), "bgr24")
                frame.pts, frame.time_base = i, Fraction(1, fps)
                out.mux(stream.encode(frame))
                lines.append(line(shot, i, i / fps))
            if lines:
                out.mux(stream.encode(None))
        if not lines:
            raise ValueError("a clip needs at least one frame, got none")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    if truth is not None:
        truth.write_text("".join(lines), encoding="utf-8")
    return len(lines)


def _even(hw: tuple[int, ...]) -> tuple[int, int]:
    """Height and width, as yuv420p can hold them; ValueError for those that it cannot."""
    height, width = hw
    if height % 2 or width % 2:
        raise ValueError(f"a clip's width and height must be even, got {width}x{height}")
    return height, width


def line(shot: Rendered, index: int, time_s: float) -> str:
    """A shot's truth → one JSON line, in the words that kpstream's own lines use."""
    keypoints = [
        {"name": name, "x": round(float(x), 2), "y": round(float(y), 2), "visible": bool(seen)}
        for name, (x, y), seen in zip(KEYPOINTS, shot.xy, shot.visible, strict=True)
        if np.isfinite((x, y)).all()
    ]
    values = {
        "frame": index,
        "time_s": round(time_s, 4),
        "cards": shot.cards,
        "keypoints": keypoints,
    }
    return json.dumps(values) + "\n"
