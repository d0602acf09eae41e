"""Drawn pictures → a video file, with the source's timing and sound, that survives a kill.

The file is fragmented: about every second what was written becomes playable, whatever happens
to the process. The settings stand here so that a benchmark can use the same.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import cv2
import numpy as np
from av.container import OutputContainer
from av.video.frame import PictureType
from av.video.stream import VideoStream
from numpy.typing import NDArray

from stream.colour import TAGS, tag_colours, video_frame
from stream.flow import Later
from stream.frame import Result, SourceInfo, checked_output
from stream.planes import Planes, Tags
from stream.sound import copied_sound

CODEC = "libx264"
# forced-idr: a picture asked to be a key frame is one, so that a fragment can begin there.
CODEC_OPTIONS = {"preset": "veryfast", "crf": "20", "forced-idr": "1"}
CODEC_THREADS = min(8, os.cpu_count() or 2)  # each keeps a picture back
STANDS_BACK = 10  # nice: the network, one thread that all wait for, goes before the encoder's
KEY_EVERY_S = 1.0
"""A fragment begins at a key frame, so this is about what a killed process loses."""

STILLS_PER_S = 2
_LONGEST_PX = 16_384  # x264's limit

TIME_BASE = Fraction(1, 90_000)  # whole numbers for 24, 25, 29.97, 30, 50 and 60 frames a second
_FALLBACK_FPS = 30.0

# delay_moov: the header waits for the first fragment, so that it can hold the edit list, which
# keeps the source's time stamps although B-frames and sound begin before zero.
_FRAGMENTS = {
    "movflags": "frag_keyframe+delay_moov+default_base_moof",
    "frag_duration": "250000",  # µs
    "movie_timescale": "90000",
}
_CLUSTERS = {"cluster_time_limit": "1000"}
# The muxer waits no longer than this (µs) for sound that may have ended.
_PROMPT = {"flush_packets": "1", "max_interleave_delta": "1000000"}
_FORMATS = {
    ".mp4": ("mp4", _FRAGMENTS),
    ".mov": ("mov", _FRAGMENTS),
    ".mkv": ("matroska", _CLUSTERS),
}


def open_sink(path: Path, info: SourceInfo) -> VideoFile:
    """A path and what is known of the source → a sink that writes H.264.

    Raises ValueError for an ending that is no video's and OSError for a folder that is not there.
    """
    if path.suffix.lower() not in _FORMATS:
        kinds = ", ".join(_FORMATS)
        raise ValueError(f"cannot write {path}: its ending must be one of {kinds}")
    return VideoFile(checked_output(path), info)


class VideoFile:
    """Each drawn picture → a frame of the file, which comes to be with the first.

    The first picture gives the size: odd sides are grown by one pixel, a copy of the edge (yuv420p
    halves both sides, and a cut or a resize would move what was drawn), later pictures of another
    size are fitted into it. A frame keeps its media time, a camera's the time it was taken, stills
    follow each other `STILLS_PER_S` a second. Times that do not rise are made to, by a tick.
    """

    wants_picture = True

    def __init__(self, path: Path, info: SourceInfo) -> None:
        self._path = path
        self._info = info
        self._output: _Output | None = None
        self._begin_s: float | None = None

    def write(self, result: Result, picture: NDArray[np.uint8] | Planes | None) -> None:
        """Encode one picture. Raises OSError if the disk or the encoder does not take it."""
        if picture is None:
            raise ValueError("a video needs the drawn picture, got None")
        with _named(self._path):
            if self._output is None:
                self._output = _Output(self._path, self._info, picture)
            self._output.write(picture, self._time_s(result))

    def close(self) -> None:
        """Write what is still in the encoder and the rest of the sound, and finish the file.

        Raises OSError if the disk takes no more.
        """
        output, self._output = self._output, None
        if output is not None:
            with _named(self._path):
                output.close()

    def _time_s(self, result: Result) -> float:
        frame = result.frame
        if self._info.stills:
            return frame.index / STILLS_PER_S
        if frame.pts_s is not None:
            return frame.pts_s
        if self._begin_s is None:
            self._begin_s = frame.captured_s
        return frame.captured_s - self._begin_s


class _Output:
    """The open file: one stream of pictures and, where the source has it, its sound."""

    def __init__(self, path: Path, info: SourceInfo, first: NDArray[np.uint8] | Planes) -> None:
        size_hw, self._tags = (first.hw, first.tags) if isinstance(first, Planes) else _plain(first)
        self._even_hw = (size_hw[0] + size_hw[0] % 2, size_hw[1] + size_hw[1] % 2)
        kind, options = _FORMATS[path.suffix.lower()]
        self._container = av.open(
            f"file:{path}", "w", format=kind, container_options={**options, **_PROMPT}
        )
        fps = STILLS_PER_S if info.stills else info.fps or _FALLBACK_FPS
        self._stream = add_video_stream(self._container, self._even_hw, fps, self._tags)
        opening = Later(lambda: _open_standing_back(self._stream), name="encoder")
        try:
            opening.take()
        except av.FFmpegError as error:
            raise OSError(_not_encoded(path, self._even_hw)) from error
        self._sound = copied_sound(info, self._container)
        self._last = -1
        self._key = 0
        self._step_s = 1 / fps

    def write(self, picture: NDArray[np.uint8] | Planes, time_s: float) -> None:
        """Encode a picture for a media time, and write the sound that comes before it."""
        pts = max(round(time_s / TIME_BASE), self._last + 1)
        frame = self._frame(picture)
        frame.pts, frame.time_base = pts, TIME_BASE
        if self._last < 0 or (pts - self._key) * TIME_BASE >= KEY_EVERY_S:
            frame.pict_type = PictureType.I
            self._key = pts
        self._last = pts
        self._mux(self._stream.encode(frame))

    def _frame(self, picture: NDArray[np.uint8] | Planes) -> av.VideoFrame:
        """A picture of any kind and size → one for this stream."""
        if isinstance(picture, Planes):
            if (picture.hw, picture.tags) == (self._even_hw, self._tags):
                return picture.video_frame()
            picture = picture.bgr()
        return video_frame(_fitted(picture, self._even_hw), self._tags)

    def close(self) -> None:
        """Finish the file."""
        try:
            self._mux(self._stream.encode(None))
            if self._sound is not None:
                self._sound.write_rest(float(self._last * TIME_BASE) + self._step_s)
        finally:
            if self._sound is not None:
                self._sound.close()
            self._container.close()

    def _mux(self, packets: list[av.Packet[VideoStream]]) -> None:
        for packet in packets:
            if self._sound is not None and packet.dts is not None:
                self._sound.write_until(float(packet.dts * packet.time_base))
            self._container.mux_one(packet)


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """What FFmpeg raises as OSError with the name of the file, which it does not always know."""
    try:
        yield
    except av.FFmpegError as error:
        remedy = "is there room, and may files be written there?"
        raise OSError(f"cannot write {path}: {error.strerror}; {remedy}") from error


def _not_encoded(path: Path, size_hw: tuple[int, int]) -> str:
    height, width = size_hw
    return (
        f"cannot write {path}: {CODEC} takes no pictures of {width}×{height} pixels; "
        f"make them smaller, a side of at most {_LONGEST_PX}"
    )


def add_video_stream(
    container: OutputContainer, size_hw: tuple[int, int], fps: float, tags: Tags = TAGS
) -> VideoStream:
    """A container → its stream of H.264 pictures of an even size, as this sink writes them."""
    rate = Fraction(fps).limit_denominator(1001)
    options = dict(CODEC_OPTIONS)
    stream = cast("VideoStream", container.add_stream(CODEC, rate=rate, options=options))
    encoder = stream.codec_context
    encoder.height, encoder.width = size_hw
    encoder.pix_fmt = "yuv420p"
    encoder.time_base = TIME_BASE
    encoder.gop_size = max(1, round(fps * KEY_EVERY_S))
    encoder.thread_count = CODEC_THREADS
    tag_colours(encoder, tags)
    return stream


def _open_standing_back(stream: VideoStream) -> None:
    """Open an encoder whose threads have a low priority; for a thread of its own, which has it too.

    On Linux a thread has a priority, handed on to those that it starts; elsewhere a process has.
    """
    if sys.platform == "linux":
        thread = threading.get_native_id()
        now = os.getpriority(os.PRIO_PROCESS, thread)  # nobody may lower it again
        os.setpriority(os.PRIO_PROCESS, thread, max(now, STANDS_BACK))
    stream.codec_context.open(strict=False)


def _plain(picture: NDArray[np.uint8]) -> tuple[tuple[int, int], Tags]:
    """Size and colours of a stream that begins with a picture in BGR."""
    return (picture.shape[0], picture.shape[1]), TAGS


def _fitted(picture: NDArray[np.uint8], size_hw: tuple[int, int]) -> NDArray[np.uint8]:
    """A picture → one of an even size: grown by a copied edge, or shrunk or enlarged into black."""
    height, width = picture.shape[:2]
    if (height, width) == size_hw:
        return picture
    down, right = size_hw[0] - height, size_hw[1] - width
    border, top, left = cv2.BORDER_REPLICATE, 0, 0
    if not (0 <= down <= 1 and 0 <= right <= 1):
        scale = min(size_hw[0] / height, size_hw[1] / width)
        width, height = max(1, round(width * scale)), max(1, round(height * scale))
        picture = cast(
            "NDArray[np.uint8]",
            cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA),
        )
        down, right = size_hw[0] - height, size_hw[1] - width
        border, top, left = cv2.BORDER_CONSTANT, down // 2, right // 2
    edges = (top, down - top, left, right - left)
    return cast("NDArray[np.uint8]", cv2.copyMakeBorder(picture, *edges, border))
