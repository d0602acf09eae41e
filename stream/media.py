"""A file or an address → FFmpeg's container, for whoever reads its pictures or copies its sound."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import cast

import av
from av import Packet
from av.container import InputContainer
from av.format import Flags
from av.stream import Disposition, Stream
from av.video.stream import VideoStream

OPEN_TIMEOUT_S = 5.0
READ_TIMEOUT_S = 2.0
"""A read of the network cannot be broken off, only time out: `close` has to wait this long."""

# µs; unasked, FFmpeg waits for a sound that is announced and silent until the time is up
_LOW_LATENCY = {"rtsp_transport": "tcp", "analyzeduration": "1000000"}
_SERVED = {"analyzeduration": "3000000"}
_ANY_TEXT = "replace"  # a title need not be UTF-8, and nobody reads it here


def is_address(target: str) -> bool:
    """Whether a name is a URL; what exists is a path, whatever its name looks like."""
    return "://" in target and not Path(target).exists()


def is_remote(target: str) -> bool:
    """Whether a name is a URL of anything but a file of this machine."""
    return is_address(target) and not target.lower().startswith("file:")


def open_media(target: str) -> InputContainer:
    """Path or URL → its container. Raises av.FFmpegError if it is not there or cannot be read."""
    if not is_address(target):
        # without `file:` a colon in the name reads as a protocol
        return av.open(f"file:{target}", metadata_errors=_ANY_TEXT)
    served = target.lower().startswith(("http://", "https://"))  # files too
    options = (_SERVED if served else _LOW_LATENCY) if is_remote(target) else {}
    timeout = (OPEN_TIMEOUT_S, READ_TIMEOUT_S)
    return av.open(target, container_options=options, timeout=timeout, metadata_errors=_ANY_TEXT)


def is_untimed(container: InputContainer) -> bool:
    """Whether it holds pictures one after the other and nothing of when, as a camera's MJPEG."""
    return bool(container.format.flags & cast("int", Flags.no_timestamps.value))


def comes_in_heaps(container: InputContainer) -> bool:
    """Whether it is a list of files that is written on, each of which comes all at once."""
    return container.format.name == "hls"


def is_endless(container: InputContainer) -> bool:
    """Whether it has no end of its own: a camera's RTSP, which ends when its server lets go."""
    return container.format.name == "rtsp"


def pictures_of(container: InputContainer) -> VideoStream | None:
    """The first stream of moving pictures, if there is one; a cover on a song is none."""
    for stream in container.streams.video:
        if not stream.disposition & Disposition.attached_pic:
            return stream
    return None


def is_tiled(container: InputContainer) -> bool:
    """Whether it is one picture whose parts are streams of their own, as phones write HEIC."""
    return any(
        stream.frames == 1 and stream.disposition & Disposition.dependent
        for stream in container.streams.video
    )


def packets_of(container: InputContainer, *streams: Stream) -> Iterator[Packet[Stream]]:
    """The packets of some streams, else of all that the beginning of a file shows."""
    # PyAV stumbles at the very end over a stream that appeared on the way; by then it has handed
    # over the last packets of all others.
    with suppress(IndexError):
        yield from container.demux(*(streams or container.streams))
