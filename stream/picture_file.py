"""Files of pictures → what OpenCV makes of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from stream.quiet import quiet_opencv


def decoded(path: Path | str, how: int = cv2.IMREAD_COLOR) -> NDArray[Any] | None:
    """A picture file → its pixels, as `cv2.imread` gives them; None if it is no picture.

    `cv2.imread` itself prints, fails on some paths, and ends the process over a name that is not
    UTF-8. Raises OSError for a file that cannot be read.
    """
    data = np.fromfile(path, np.uint8)
    if data.size == 0:
        return None
    try:
        with quiet_opencv():
            return cast("NDArray[Any] | None", cv2.imdecode(data, how))
    except cv2.error:  # raised for a header that claims more pixels than OpenCV takes
        return None
