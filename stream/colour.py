"""Video's YUV ⇄ BGR of whole pictures, and what a stream is told of its colours.

Untagged video is taken as BT.601, limited range, as FFmpeg and OpenCV take it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np
from av import VideoFrame
from numpy.typing import NDArray

from stream.planes import Tags, converted

if TYPE_CHECKING:
    from av import VideoCodecContext

# ITU-T H.273, the numbers that stand in the stream
_BT709 = 1
_SMPTE170M = 6
_LIMITED = 1
_UNSAID = 2
_CONVERTED = {0, 1, _UNSAID, 4, 5, 6, 7, 9}
"""The matrices that FFmpeg's converter knows; it refuses a picture of any other."""

TAGS = Tags(_SMPTE170M, _LIMITED, _BT709, _BT709)
"""What a picture in BGR is written as: BT.601's matrix, limited range.

Primaries and transfer are BT.709's, which is what cameras and screens of today have; only the
matrix is part of the conversion.
"""


def bgr_picture(frame: VideoFrame) -> NDArray[np.uint8]:
    """A decoder's frame → (H, W, 3) BGR in a fresh array, by the frame's own matrix and range.

    This is swscale's fast path, right to 3 of 255; its exact ones take 5 to 20 times as long. A
    matrix that it does not know is taken as not said.
    """
    if frame.colorspace not in _CONVERTED:
        frame.colorspace = _UNSAID
    return cast("NDArray[np.uint8]", frame.to_ndarray(format="bgr24"))


def tag_colours(encoder: VideoCodecContext, tags: Tags = TAGS) -> None:
    """Write into an encoder's header in which colours its pictures are."""
    encoder.colorspace = tags.matrix
    encoder.color_range = tags.range
    encoder.color_primaries = tags.primaries
    encoder.color_trc = tags.transfer


def video_frame(picture: NDArray[np.uint8], tags: Tags = TAGS) -> VideoFrame:
    """(H, W, 3) BGR, H and W even → a yuv420p frame for an encoder tagged by `tag_colours`."""
    return converted(picture, tags).video_frame()
