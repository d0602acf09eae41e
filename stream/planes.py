"""A picture as a decoder gives it, of which only what is looked at or drawn on becomes BGR.

A frame of 720p turned to BGR and back costs 1 ms of processor time and three fresh pages of memory
for every one that is read; the network sees one crop of it, and the overlay covers little more.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple, cast

import cv2
import numpy as np
from av import VideoFrame
from av.video.plane import VideoPlane
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from stream.geometry import Region

_FORMATS = {"yuv420p", "yuvj420p"}  # the second is the first in full range

# ITU-T H.273, the numbers that stand in a stream, → FFmpeg's for its converter
_BT601 = 5
_BT2020 = 9  # of constant luminance nobody records
_CONVERTER = {1: 1, 2: _BT601, 5: _BT601, 6: _BT601, _BT2020: _BT2020}
_FULL = 2

_own = threading.local()  # a converter belongs to one thread


class Tags(NamedTuple):
    """What a stream says of its colours, in the numbers of ITU-T H.273; 2 is "not said"."""

    matrix: int
    range: int  # FFmpeg's: 1 limited, 2 full, 0 not said
    primaries: int
    transfer: int

    @property
    def plain(self) -> bool:
        """Whether it is BT.601 in limited range: OpenCV converts that, in half the time."""
        return _CONVERTER[self.matrix] == _BT601 and self.range != _FULL


@dataclass(frozen=True, slots=True, eq=False)
class Planes:
    """A picture in YUV 4:2:0 of 8 bits and even sides, read only."""

    y: NDArray[np.uint8]  # (H, W)
    u: NDArray[np.uint8]  # (H/2, W/2)
    v: NDArray[np.uint8]  # (H/2, W/2)
    tags: Tags

    @property
    def hw(self) -> tuple[int, int]:
        """Height and width of the picture."""
        return self.y.shape[0], self.y.shape[1]

    @property
    def whole(self) -> Region:
        """The box that holds all of it."""
        return Region(0, 0, self.hw[1], self.hw[0])

    def bgr(self) -> NDArray[np.uint8]:
        """The whole picture (H, W, 3), in a fresh array."""
        picture = np.empty((*self.hw, 3), np.uint8)
        self.fill(picture, self.whole)
        return picture

    def fill(self, picture: NDArray[np.uint8], box: Region) -> None:
        """Put what a box of `geometry.boxed` shows into the same place of a picture in BGR."""
        packed = cast("NDArray[np.uint8]", self._part(box)._copy().y.base)  # noqa: SLF001
        place = picture[_slices(box)]
        if self.tags.plain:
            cv2.cvtColor(packed, cv2.COLOR_YUV2BGR_I420, dst=place)
            return
        frame = _tagged(packed, self.tags)
        place[:] = _converter().reformat(frame, format="bgr24", threads=1).to_ndarray()

    def painted(self, picture: NDArray[np.uint8], boxes: Iterable[Region]) -> Planes:
        """A copy that shows in boxes of `geometry.boxed` what a picture in BGR shows there."""
        planes = self._copy()
        for box in boxes:
            drawn = converted(np.ascontiguousarray(picture[_slices(box)]), self.tags)
            part = planes._part(box)  # noqa: SLF001
            part.y[:], part.u[:], part.v[:] = drawn.y, drawn.u, drawn.v
        return planes

    def video_frame(self) -> VideoFrame:
        """For an encoder; it borrows the memory of what `painted` made, where PyAV can."""
        packed = self.y.base if isinstance(self.y.base, np.ndarray) else None
        if packed is None or packed.shape != (self.hw[0] * 3 // 2, self.hw[1]):
            packed = cast("NDArray[np.uint8]", self._copy().y.base)
        return _tagged(packed, self.tags)

    def _part(self, box: Region) -> Planes:
        """A box of the planes, without a copy."""
        halved = _slices(Region(box.x // 2, box.y // 2, box.width // 2, box.height // 2))
        return Planes(self.y[_slices(box)], self.u[halved], self.v[halved], self.tags)

    def _copy(self) -> Planes:
        """The same, one plane behind the other in an array (H·3/2, W), as encoders take it."""
        height, width = self.hw
        packed = np.empty((height * 3 // 2, width), np.uint8)
        copy = _unpacked(packed, self.tags)
        copy.y[:], copy.u[:], copy.v[:] = self.y, self.u, self.v
        return copy


def planes_of(frame: VideoFrame) -> Planes | None:
    """A decoder's frame → its planes, without a copy if it is stored so; None if it is no such YUV.

    More bits and finer chroma are given up, as they are once it is written; its colours stay, for
    a phone's HDR read as if it were SDR is pale.
    """
    kind, sides = frame.format.name, frame.height % 2 or frame.width % 2
    if not kind.startswith("yuv") or sides or frame.colorspace not in _CONVERTER:
        return None
    full = kind.startswith("yuvj")
    tags = Tags(
        int(frame.colorspace),
        _FULL if full else int(frame.color_range),
        int(frame.color_primaries),
        int(frame.color_trc),
    )
    if kind not in _FORMATS:
        frame = _converter().reformat(
            frame,
            format="yuv420p",
            src_color_range=tags.range,
            dst_color_range=tags.range,
            threads=1,
        )
    y, u, v = (_pixels(plane) for plane in frame.planes)
    return Planes(y, u, v, tags)


def _pixels(plane: VideoPlane) -> NDArray[np.uint8]:
    """A decoder's plane, without the padding of its lines and without a copy."""
    lines = np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)
    return lines[:, : plane.width]


def _slices(box: Region) -> tuple[slice, slice]:
    return slice(box.y, box.y + box.height), slice(box.x, box.x + box.width)


def _unpacked(packed: NDArray[np.uint8], tags: Tags) -> Planes:
    """An array (H·3/2, W) → its planes."""
    height = packed.shape[0] * 2 // 3
    half = (2, height // 2, packed.shape[1] // 2)
    u, v = packed[height:].reshape(half)
    return Planes(packed[:height], u, v, tags)


def _tagged(packed: NDArray[np.uint8], tags: Tags) -> VideoFrame:
    # PyAV borrows an array only of heights that four divides: of others it takes a shorter picture.
    borrow = packed.shape[0] % 6 == 0
    make = VideoFrame.from_numpy_buffer if borrow else VideoFrame.from_ndarray
    frame = make(packed, format="yuv420p")
    frame.colorspace, frame.color_range = tags.matrix, tags.range
    return frame


def converted(picture: NDArray[np.uint8], tags: Tags) -> Planes:
    """BGR of even sides → planes in the colours that the tags name."""
    if tags.plain:
        packed = cast("NDArray[np.uint8]", cv2.cvtColor(picture, cv2.COLOR_BGR2YUV_I420))
        return _unpacked(packed, tags)
    frame = _converter().reformat(
        VideoFrame.from_ndarray(picture, format="bgr24"),
        format="yuv420p",
        dst_colorspace=_CONVERTER[tags.matrix],
        dst_color_range=tags.range or 1,
        threads=1,
    )
    return _unpacked(cast("NDArray[np.uint8]", frame.to_ndarray()), tags)


def _converter() -> VideoReformatter:
    """This thread's; it keeps its tables for as long as the sizes stay."""
    if not hasattr(_own, "converter"):
        _own.converter = VideoReformatter()
    return cast("VideoReformatter", _own.converter)
