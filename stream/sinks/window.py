"""Pictures → a window on the screen."""

from __future__ import annotations

import ctypes
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from stream.draw import outdated
from stream.frame import OLD_S, Finished, Result

if TYPE_CHECKING:
    from stream.planes import Planes

_QUIT_KEYS = {ord("q"), ord("Q"), 27}  # 27 is Esc


def has_display() -> bool:
    """Whether a window can be opened; asked first, because Qt ends the process if it cannot."""
    if sys.platform in {"win32", "darwin"}:
        return True
    display = os.environ.get("DISPLAY")
    if display and (sys.platform != "linux" or _answers(display)):
        return True
    return bool(os.environ.get("WAYLAND_DISPLAY")) and _speaks_wayland()


def _answers(display: str) -> bool:
    """Whether an X server lets us in; one that is named may be gone, or another user's."""
    try:
        xcb = ctypes.CDLL("libxcb.so.1")  # which Qt needs as well
    except OSError:
        return False
    xcb.xcb_connect.restype = ctypes.c_void_p
    connection = ctypes.c_void_p(xcb.xcb_connect(os.fsencode(display), None))
    refused = bool(xcb.xcb_connection_has_error(connection))
    xcb.xcb_disconnect(connection)
    return not refused


def _speaks_wayland() -> bool:
    """Whether OpenCV does; the Qt that opencv-python brings along knows X only."""
    brought = Path(cv2.__file__).parent / "qt" / "plugins" / "platforms"
    return not brought.is_dir() or any(brought.glob("*wayland*"))


def open_sink(title: str = "kpstream") -> Window:
    """A title → a window, once there is a picture for it. Raises OSError without a display."""
    if not has_display():
        named = os.environ.get("DISPLAY")
        lack = f"the display {named} does not answer" if named else "there is no display"
        raise OSError(f"{lack} for a window; write --out FILE.mp4 or --json FILE")
    return Window(title)


def is_quit(key: int) -> bool:
    """Whether what cv2.waitKey returned is the wish to end: q or Esc; -1 is no key."""
    return key >= 0 and key & 0xFF in _QUIT_KEYS


class Window:
    """Each drawn picture → the screen; q, Esc or the window's own button, if any, ends the run."""

    wants_picture = True

    def __init__(self, title: str) -> None:
        # OpenCV ends the process over a name's bytes that are not UTF-8
        self._title = title.encode("utf-8", "replace").decode()
        self._open = False
        self._last: NDArray[np.uint8] | None = None
        self._shown_s = 0.0
        self._told_s = 0

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
        self._last, self._shown_s, self._told_s = picture, time.monotonic(), 0
        self._show(picture)

    def idle(self) -> None:
        """Heed keys while no picture comes, and say so: the last one must not pass for a new one.

        Raises Finished as `write` does.
        """
        if self._last is None:
            return
        old_s = int(time.monotonic() - self._shown_s)
        tell = old_s >= OLD_S and old_s != self._told_s
        self._told_s = old_s
        self._show(outdated(self._last, old_s) if tell else None)

    def _show(self, picture: NDArray[np.uint8] | None) -> None:
        """Show a picture, or leave the one that is there, and hear what the user wants."""
        if picture is not None:
            cv2.imshow(self._title, picture)
        if is_quit(cv2.waitKey(1)) or self._is_shut():
            raise Finished

    def _is_shut(self) -> bool:
        """Whether the user closed it, for which it has no button on macOS.

        There a window that is minimised, or hidden, is not visible to OpenCV (its change 22601).
        """
        if sys.platform == "darwin":
            return False
        return cv2.getWindowProperty(self._title, cv2.WND_PROP_VISIBLE) < 1

    def close(self) -> None:
        """Take the window away, if the user did not."""
        if self._open:
            self._open = False
            cv2.destroyAllWindows()
