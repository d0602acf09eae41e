"""Results → drawn pictures, one after the other, as cheaply as each frame allows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from engines.spec import ModelSpec
from stream.canvas import Canvas
from stream.draw import draw, draw_over, reach
from stream.frame import Result

if TYPE_CHECKING:
    from stream.planes import Planes


class Overlay:
    """Draws what was found over a frame: in BGR, or into a copy of a decoder's planes.

    Of planes, only the boxes that are drawn on are turned to BGR and back; all else stays as it
    was decoded, bit by bit.
    """

    def __init__(self, spec: ModelSpec, *, names: bool = False) -> None:
        self._spec = spec
        self._names = names
        self._canvas = Canvas()

    def __call__(self, result: Result, hud: str) -> NDArray[np.uint8] | Planes:
        """Result → its frame with the overlay; `hud` is as in `draw`."""
        pixels = result.frame.pixels
        if isinstance(pixels, np.ndarray):
            return draw(result, self._spec, names=self._names, hud=hud)
        regions = reach(result, self._spec, names=self._names, hud=hud)
        boxes = self._canvas.show(pixels, regions)
        draw_over(self._canvas.bgr, result, self._spec, names=self._names, hud=hud)
        return pixels.painted(self._canvas.bgr, boxes)
