"""Video's YUV ⇄ BGR: the one place that knows which matrix and which range a picture is in.

Untagged video is taken as BT.601, limited range, as FFmpeg and OpenCV take it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import cv2
import numpy as np
from av import VideoFrame
from numpy.typing import NDArray

if TYPE_CHECKING:
    from av import VideoCodecContext

# ITU-T H.273, the numbers that stand in the stream
_BT709 = 1
_SMPTE170M = 6
_LIMITED = 1


def bgr_picture(frame: VideoFrame) -> NDArray[np.uint8]:
    """A decoder's frame → (H, W, 3) BGR in a fresh array, by the frame's own matrix and range.

    This is swscale's fast path, right to 3 of 255; its exact ones take 5 to 20 times as long.
    """
    return cast("NDArray[np.uint8]", frame.to_ndarray(format="bgr24"))


def tag_colours(encoder: VideoCodecContext) -> None:
    """Write into an encoder's header what `video_frame` makes: BT.601's matrix, limited range.

    Primaries and transfer are BT.709's, which is what cameras and screens of today have; only the
    matrix is part of the conversion.
    """
    encoder.colorspace = _SMPTE170M
    encoder.color_range = _LIMITED
    encoder.color_primaries = _BT709
    encoder.color_trc = _BT709


def video_frame(picture: NDArray[np.uint8]) -> VideoFrame:
    """(H, W, 3) BGR, H and W even → a yuv420p frame for an encoder tagged by `tag_colours`.

    OpenCV's conversion takes a fifth of swscale's time, and the frame borrows its array.
    """
    planes = cast("NDArray[np.uint8]", cv2.cvtColor(picture, cv2.COLOR_BGR2YUV_I420))
    frame = VideoFrame.from_numpy_buffer(planes, format="yuv420p")
    frame.colorspace = _SMPTE170M
    frame.color_range = _LIMITED
    return frame
