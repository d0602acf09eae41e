"""What can be said of a window without a screen; the rest runs where there is one."""

from __future__ import annotations

import sys

import pytest
from clips import flat, nothing_found

from stream.sinks.window import Window, has_display, is_quit, open_sink


@pytest.mark.skipif(sys.platform in {"win32", "darwin"}, reason="there is always a display")
def test_a_display_is_what_the_environment_names(monkeypatch):
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    assert not has_display()
    with pytest.raises(OSError, match="no display for a window; write --out"):
        open_sink()
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-0")
    assert has_display()
    monkeypatch.delenv("WAYLAND_DISPLAY")
    monkeypatch.setenv("DISPLAY", ":0")
    assert has_display()


@pytest.mark.parametrize(
    ("key", "wanted"),
    [(ord("q"), True), (ord("Q"), True), (27, True), (-1, False), (ord("a"), False)],
)
def test_q_and_escape_end_the_run(key, wanted):
    assert is_quit(key) is wanted


def test_a_modifier_beside_the_key_does_not_matter():
    assert is_quit(0x100000 | ord("q"))  # NumLock, in Qt and GTK


def test_a_window_that_never_opened_closes_and_asks_for_a_picture():
    window = Window("test")
    assert window.wants_picture
    with pytest.raises(ValueError, match="needs the drawn picture"):
        window.write(nothing_found(flat(1)), None)
    window.close()
    window.close()


@pytest.mark.skipif(not has_display(), reason="there is no display here")
def test_a_picture_is_shown():
    window = open_sink("test")
    window.write(nothing_found(flat(1)), flat(1))
    window.close()
