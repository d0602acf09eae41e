"""One picture's memory in BGR, into which parts of decoded pictures are put as they are needed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from stream.geometry import Region, boxed

if TYPE_CHECKING:
    from stream.planes import Planes


class Canvas:
    """Planes → BGR, as far as regions reach; for one thread, one picture after the other."""

    def __init__(self) -> None:
        self.bgr = np.empty((0, 0, 3), np.uint8)

    def show(self, planes: Planes, regions: Iterable[Region]) -> list[Region]:
        """Put what the regions reach into `bgr` (H, W, 3); returns the boxes that it was put in.

        Beyond them `bgr` is anything.
        """
        if self.bgr.shape[:2] != planes.hw:
            self.bgr = np.empty((*planes.hw, 3), np.uint8)
        boxes = boxed(regions, planes.hw)
        for box in boxes:
            planes.fill(self.bgr, box)
        return boxes
