"""Pictures → a window on the screen."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from stream.frame import Finished, Result

if TYPE_CHECKING:
    from stream.planes import Planes

_QUIT_KEYS = {ord("q"), ord("Q"), 27}  # 27 is Esc


def has_display() -> bool:
    """Whether a window can be opened; asked first, because Qt ends the process if it cannot."""
    if sys.platform in {"win32", "darwin"}:
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def open_sink(title: str = "kpstream") -> Window:
    """A title → a window, once there is a picture for it. Raises OSError without a display."""
    if not has_display():
        raise OSError("there is no display for a window; write --out FILE.mp4 or --json FILE")
    return Window(title)


def is_quit(key: int) -> bool:
    """Whether what cv2.waitKey returned is the wish to end: q or Esc; -1 is no key."""
    return key >= 0 and key & 0xFF in _QUIT_KEYS


class Window:
    """Each drawn picture → the screen; q, Esc or the window's own button ends the run."""

    wants_picture = True

    def __init__(self, title: str) -> None:
        self._title = title
        self._open = False

    def write(self, result: Result, picture: NDArray[np.uint8] | Planes | None) -> None:
        """Show a picture. Raises Finished when the user has seen enough."""
        del result
        if picture is None:
            raise ValueError("a window needs the drawn picture, got None")
        if not isinstance(picture, np.ndarray):
            picture = picture.bgr()
        if not self._open:
            cv2.namedWindow(self._title, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO)
            height, width = picture.shape[:2]
            scale = min(1.0, 1280 / width, 720 / height)  # fits a small laptop's screen
            cv2.resizeWindow(self._title, round(width * scale), round(height * scale))
            self._open = True
        cv2.imshow(self._title, picture)
        key = cv2.waitKey(1)
        if is_quit(key) or cv2.getWindowProperty(self._title, cv2.WND_PROP_VISIBLE) < 1:
            raise Finished

    def close(self) -> None:
        """Take the window away, if the user did not."""
        if self._open:
            self._open = False
            cv2.destroyAllWindows()
