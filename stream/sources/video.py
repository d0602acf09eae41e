"""A video file or a network stream → BGR frames as they are shown, with their media time."""

from __future__ import annotations

import logging
import re
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event, Lock
from typing import cast

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from stream import media
from stream.frame import Frame, SourceError, SourceInfo
from stream.joins import FrameTimes, PictureTimes
from stream.pace import Pace
from stream.shown import as_shown

LACKING_S, LACKING = 0.4, 0.02
"""A file is cut off if it lacks more than that many seconds, and than that part of its length:
writers round, and guess how long a last frame is shown."""

_FLUSHED = 16
"""HLS takes a wait that is broken off for its end, behind which some packets may still come."""

_UNREAD = "which is not read here; save it as JPEG or PNG"

DARK_S = 10.0
"""A live stream is given up if what comes makes no picture for so long: key frames may be rare."""

_log = logging.getLogger("kpstream")


def open_source(target: str) -> VideoSource:
    """Path or URL → a source whose first frame is decoded. Raises SourceError with the reason."""
    address = media.is_address(target)
    # a password, which may hold an @, is not for the log
    name = re.sub(r"(?<=://)[^/?#]*@", "", target)
    if not address and not Path(target).is_file():
        raise SourceError(_no_file(target))
    try:
        container = media.open_media(target)
    except av.FFmpegError as error:
        raise SourceError(_unreadable(name, error, address=address)) from error
    try:
        return VideoSource(container, name, target)
    except BaseException:
        container.close()
        raise


def _no_file(target: str) -> str:
    camera = target.isdecimal() or target.startswith("/dev/video")
    remedy = f"; a camera is --camera {target}" if camera else ""
    if not Path(target).exists():
        return f"no such file: {target}{remedy}"
    remedy = remedy or ", which cannot be read twice; keep what it gives in a file first"
    return f"{target} is a device or a pipe{remedy}"


def _unreadable(name: str, error: av.FFmpegError, *, address: bool) -> str:
    if isinstance(error, av.ExitError):
        return f"nothing answers at {name} within {media.OPEN_TIMEOUT_S:g} s; is the address right?"
    reason = error.strerror
    if address:
        return f"cannot open {name}: {reason}"
    return f"{name} is not a video that can be read ({reason})"


class VideoSource:
    """One video stream → frames. `close` may come from another thread."""

    def __init__(self, container: InputContainer, name: str, target: str) -> None:
        self._container = container
        self._name = name
        stream = media.pictures_of(container)
        if stream is None:
            held = "only sound" if container.streams.audio else "neither pictures nor sound"
            raise SourceError(f"{name} is not a video: it holds {held}")
        if media.is_tiled(container):
            raise SourceError(f"{name} is a picture in tiles (HEIC), {_UNREAD}")
        self._stream = stream
        self._closed = Event()
        self._reading = Lock()
        self._index = 0
        self._start_s = (container.start_time or 0) / av.time_base
        rate = self._stream.average_rate or self._stream.guessed_rate
        self._packet_times = PictureTimes(self._stream)
        self._times = FrameTimes(container, float(1 / rate) if rate else 1 / 30)
        self._end_s = 0.0  # of what was read, sound too
        self._damaged = 0
        self._dark_s = 0.0  # waited since the last picture
        self._remote = media.is_remote(target)
        self._live = self._remote and not container.duration
        # A live stream of bare pictures has only the times that FFmpeg makes up for it.
        self._timed = not (self._live and media.is_untimed(container))
        self._pace = Pace() if self._live and media.comes_in_heaps(container) else None
        # Frame threads keep frames back, which a live picture must not wait for.
        self._stream.thread_type = "SLICE" if self._live else "AUTO"
        self._frames = self._decode()
        self._first = next(self._frames, None)
        if self._first is None:
            raise SourceError(f"{name} holds no picture that can be decoded; is it cut off?")
        self.info = SourceInfo(
            name=name,
            live=self._live,
            size_hw=self._first.hw,
            fps=float(rate) if rate else None,
            frames=None if self._live else _frame_count(container, self._stream),
            media=target if container.streams.audio else None,
        )

    def __iter__(self) -> Iterator[Frame]:
        """Frames in the order they are shown. Raises SourceError if a stream breaks off."""
        try:
            frame, self._first = self._first, None
            while frame is not None:
                yield self._in_time(frame)
                with self._reading:
                    frame = None if self._closed.is_set() else next(self._frames, None)
        finally:
            self.close()

    def close(self) -> None:
        """Close the file, or have the reading thread close it: FFmpeg dies if it is torn away."""
        self._closed.set()
        if self._reading.acquire(blocking=False):
            try:
                self._container.close()
            finally:
                self._reading.release()

    def _in_time(self, frame: Frame) -> Frame:
        """Wait until a frame is due, if it may have come before, or until it is closed."""
        if self._pace is None:
            return frame
        self._closed.wait(self._pace.wait_s(frame.time_s, time.perf_counter()))
        return replace(frame, captured_s=time.perf_counter())

    def _decode(self) -> Iterator[Frame]:
        """Packets → frames. A damaged packet costs its own picture, not what follows."""
        try:
            for packet in self._packets():
                try:
                    frames = self._decoded(packet)
                except av.InvalidDataError:
                    _log.debug("%s: a damaged packet was skipped", self._name)
                    self._damaged += 1
                    continue
                for frame in frames:
                    yield self._frame(frame)
        except av.FFmpegError as error:
            if self._remote:
                raise SourceError(_broken_off(self._name, error)) from error
            text = "%s breaks off after %d frames: %s"
            _log.warning(text, self._name, self._index, error.strerror)
        else:
            self._mention_what_is_lacking()

    def _packets(self) -> Iterator[av.Packet[VideoStream]]:
        """Those of the pictures, their times going on, until it is closed."""
        waits_s: deque[float] = deque(maxlen=_FLUSHED)
        asked_s = time.perf_counter()
        for packet in media.packets_of(self._container):
            if self._closed.is_set():
                return
            waits_s.append(time.perf_counter() - asked_s)
            self._dark_s += waits_s[-1]
            if self._live and self._dark_s > DARK_S:
                raise SourceError(_dark(self._name))
            self._end_s = max(self._end_s, self._ends_s(packet))
            # By its `stream_index` the packet that empties a decoder in the end is always 0.
            if packet.stream.index == self._stream.index:
                yield from self._packet_times.placed(cast("av.Packet[VideoStream]", packet))
            asked_s = time.perf_counter()
        waits_s.append(time.perf_counter() - asked_s)
        if self._live and max(waits_s) >= media.READ_TIMEOUT_S:
            raise SourceError(_nothing_came(self._name))
        if self._live and media.is_endless(self._container) and not self._closed.is_set():
            raise SourceError(f"{self._name} broke off: its server let go")

    def _decoded(self, packet: av.Packet[VideoStream]) -> list[av.VideoFrame]:
        self._times.begin(packet)
        return packet.decode()

    def _ends_s(self, packet: av.Packet[av.stream.Stream]) -> float:
        """When what a packet holds is over, from the start of the file; 0 where nobody knows."""
        if packet.pts is None or packet.time_base is None:
            return 0.0
        return float((packet.pts + (packet.duration or 0)) * packet.time_base) - self._start_s

    def _mention_what_is_lacking(self) -> None:
        """Warn of a file that is shorter than it says, or of which a part could not be decoded."""
        if self._live:
            return
        length_s = (self._container.duration or 0) / av.time_base
        if length_s - self._end_s > max(LACKING_S, LACKING * length_s):
            _log.warning(
                "%s ends after %.1f s and says that it is %.1f s long: it was cut off",
                self._name,
                self._end_s,
                length_s,
            )
        if self._damaged:
            parts = "part" if self._damaged == 1 else "parts"
            text = "%s is damaged: %d %s of it could not be decoded, %d frames could"
            _log.warning(text, self._name, self._damaged, parts, self._index)

    def _frame(self, frame: av.VideoFrame) -> Frame:
        captured_s = time.perf_counter()
        self._dark_s = 0.0
        pts_s = self._times.of(frame) if self._timed else None
        pixels = as_shown(frame, self._stream.sample_aspect_ratio)
        index, self._index = self._index, self._index + 1
        return Frame(pixels, index, captured_s, pts_s, self._name)


def _broken_off(name: str, error: av.FFmpegError) -> str:
    if isinstance(error, av.ExitError):
        return _nothing_came(name)
    return f"{name} broke off: {error.strerror}"


def _nothing_came(name: str) -> str:
    return f"{name} broke off: nothing came for {media.READ_TIMEOUT_S:g} s"


def _dark(name: str) -> str:
    what = f"nothing of what came for {DARK_S:g} s makes a picture"
    return f"{name} shows nothing: {what}; has the sender changed its codec?"


def _frame_count(container: InputContainer, stream: VideoStream) -> int | None:
    """How many frames a file says that it shows, or its length and rate make; None if unknown."""
    length_s = _length_s(container, stream)
    made = None
    if length_s and stream.average_rate:
        made = max(1, round(length_s * float(stream.average_rate)))
    # it holds more of them than it shows if it was trimmed by an edit list
    return min(stream.frames, made or stream.frames) if stream.frames else made


def _length_s(container: InputContainer, stream: VideoStream) -> float | None:
    """How long the pictures last; the container's length may be that of the sound."""
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    words = stream.metadata.get("DURATION", "")  # Matroska's, which any program may have written
    told = re.fullmatch(r"(\d+):(\d+):(\d+(?:\.\d+)?)", words)
    if told:
        hours, minutes, seconds = (float(part) for part in told.groups())
        return (hours * 60 + minutes) * 60 + seconds
    alone = len(container.streams) == 1
    return container.duration / av.time_base if alone and container.duration else None
