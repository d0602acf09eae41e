"""Our own renderer → what is measured where no source is named: a clip, or a camera's pictures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from stream.bench.paced import to_and_fro
from stream.colour import video_frame
from stream.sinks.video import TIME_BASE, add_video_stream
from stream.synth import Clip

PICTURES = 60
"""How many are rendered; at 1080p they take 373 MB of a paced camera's memory."""

CLIP_FRAMES = 300


def write_clip(path: Path, size_hw: tuple[int, int], fps: float) -> None:
    """A packet filmed for `CLIP_FRAMES` frames of an even size → an H.264 file."""
    pictures = list(_pictures(size_hw, fps))
    encode(path, (pictures[to_and_fro(i, PICTURES)] for i in range(CLIP_FRAMES)), size_hw, fps)


def encode(
    path: Path, pictures: Iterable[NDArray[np.uint8]], size_hw: tuple[int, int], fps: float
) -> None:
    """Pictures (H, W, 3) BGR of an even size → an H.264 file, without sound."""
    with av.open(str(path), "w") as output:
        stream = add_video_stream(output, size_hw, fps)
        for index, picture in enumerate(pictures):
            frame = video_frame(picture)
            frame.pts, frame.time_base = round(index / fps / TIME_BASE), TIME_BASE
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))


def write_pictures(path: Path, size_hw: tuple[int, int], fps: float) -> None:
    """The same packet → a .npy file (PICTURES, H, W, 3) BGR uint8."""
    shape = (PICTURES, *size_hw, 3)
    written = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=shape)
    for index, picture in enumerate(_pictures(size_hw, fps)):
        written[index] = picture
    written.flush()


def _pictures(size_hw: tuple[int, int], fps: float) -> Iterator[NDArray[np.uint8]]:
    clip = Clip(hw=size_hw, fps=fps, frames=PICTURES)
    return (rendered.image for rendered in clip)
