"""OpenCV is as loud afterwards as before, where either of its versions keeps that."""

from __future__ import annotations

import cv2
import pytest

from stream.quiet import quiet_opencv


@pytest.mark.parametrize("version", [4, 5])
def test_opencv_is_silent_only_inside(version, monkeypatch):
    loud = [3]
    if version == 4:
        monkeypatch.delattr(cv2.utils, "logging", raising=False)
        place = cv2
    else:
        place = type("logging", (), {})
        monkeypatch.setattr(cv2.utils, "logging", place, raising=False)
    monkeypatch.setattr(place, "getLogLevel", lambda: loud[-1], raising=False)
    monkeypatch.setattr(place, "setLogLevel", loud.append, raising=False)
    with quiet_opencv():
        assert loud[-1] == 0
    assert loud == [3, 0, 3]
