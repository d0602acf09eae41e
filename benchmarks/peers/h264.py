"""A writer in place of OpenCV's, for a comparison like for like: H.264 as kpstream writes it."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
from numpy.typing import NDArray

OPTIONS = {"preset": "veryfast", "crf": "20"}  # those of stream/sinks/video.py


class Writer:
    """The two methods of cv2.VideoWriter that a loop needs, on PyAV and x264."""

    def __init__(self, path: str, fps: float, size: tuple[int, int]) -> None:
        self._output = av.open(path, "w")
        rate = Fraction(fps).limit_denominator(1001)
        self._stream = self._output.add_stream("libx264", rate=rate, options=OPTIONS)
        self._stream.width, self._stream.height = size
        self._stream.pix_fmt = "yuv420p"

    def write(self, picture: NDArray[np.uint8]) -> None:
        """Encode a picture (H, W, 3) BGR."""
        self._output.mux(self._stream.encode(av.VideoFrame.from_ndarray(picture, "bgr24")))

    def release(self) -> None:
        """Finish the file."""
        self._output.mux(self._stream.encode(None))
        self._output.close()
