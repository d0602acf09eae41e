"""What can be said of a window without a screen; the rest runs where there is one."""

from __future__ import annotations

import socket
import struct
import sys
import threading
from collections.abc import Iterator

import pytest
from clips import flat, nothing_found

from stream.frame import Finished
from stream.sinks.window import Window, has_display, is_quit, open_sink


@pytest.fixture
def x_server() -> Iterator[str]:
    """The name of a display that lets everybody in (X11's connection setup) and has no screen."""
    fixed = bytes(32)
    welcome = struct.pack("=BxHHH", 1, 11, 0, len(fixed) // 4) + fixed

    def serve() -> None:
        with listening.accept()[0] as client:
            client.recv(1024)
            client.sendall(welcome)
            client.recv(1024)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(5)
        thread = threading.Thread(target=serve)
        thread.start()
        yield f"127.0.0.1:{listening.getsockname()[1] - 6000}"
        thread.join()


@pytest.mark.usefixtures("no_display")
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere it is not asked, or always there")
def test_a_display_is_one_that_answers(monkeypatch, x_server):
    assert not has_display()
    with pytest.raises(OSError, match="there is no display for a window; write --out"):
        open_sink()
    monkeypatch.setenv("DISPLAY", x_server)
    assert has_display()


@pytest.mark.usefixtures("no_display")
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere it is not asked, or always there")
def test_a_display_that_is_gone_is_told_and_no_reason_to_die(monkeypatch):
    monkeypatch.setenv("DISPLAY", "127.0.0.1:59000")
    assert not has_display()
    with pytest.raises(OSError, match=r"the display 127\.0\.0\.1:59000 does not answer for a win"):
        open_sink()


@pytest.mark.usefixtures("no_display")
def test_wayland_is_a_display_where_opencv_speaks_it(monkeypatch, tmp_path):
    if sys.platform in {"win32", "darwin"}:
        pytest.skip("there is always a display")
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-0")
    monkeypatch.setattr("cv2.__file__", str(tmp_path / "__init__.py"))
    assert has_display()  # an OpenCV that brings no Qt of its own along
    plugins = tmp_path / "qt" / "plugins" / "platforms"
    plugins.mkdir(parents=True)
    (plugins / "libqxcb.so").touch()
    assert not has_display()
    (plugins / "libqwayland-generic.so").touch()
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


def test_a_title_that_is_not_utf_8_is_made_so():
    # or OpenCV's reading of it ends the process, which needs a display to be seen
    assert Window("K\udce4rtchen 🂡")._title == "K?rtchen 🂡"


@pytest.mark.skipif(not has_display(), reason="there is no display here")
def test_a_picture_is_shown():
    window = open_sink("test")
    window.write(nothing_found(flat(1)), flat(1))
    window.close()


@pytest.mark.parametrize("platform", ["win32", "darwin"])
def test_a_window_that_is_minimised_on_macos_is_not_a_closed_one(monkeypatch, platform):
    for name in ("namedWindow", "resizeWindow", "imshow", "destroyAllWindows"):
        monkeypatch.setattr(f"cv2.{name}", lambda *_: None)
    monkeypatch.setattr("cv2.waitKey", lambda _: -1)
    monkeypatch.setattr("cv2.getWindowProperty", lambda *_: 0.0)  # elsewhere: the user closed it
    monkeypatch.setattr("sys.platform", platform)
    window = Window("test")
    if platform == "darwin":
        window.write(nothing_found(flat(1)), flat(1))
    else:
        with pytest.raises(Finished):
            window.write(nothing_found(flat(1)), flat(1))
    window.close()


def test_while_no_picture_comes_keys_are_heeded_and_the_last_one_is_said_to_be_old(monkeypatch):
    shown, keys, now_s = [], iter([-1, -1, -1, ord("q")]), iter([100.0, 101.0, 102.5, 102.6])
    monkeypatch.setattr("cv2.namedWindow", lambda *_: None)
    monkeypatch.setattr("cv2.resizeWindow", lambda *_: None)
    monkeypatch.setattr("cv2.destroyAllWindows", lambda: None)
    monkeypatch.setattr("cv2.getWindowProperty", lambda *_: 1.0)
    monkeypatch.setattr("cv2.imshow", lambda _, picture: shown.append(picture))
    monkeypatch.setattr("cv2.waitKey", lambda _: next(keys))
    monkeypatch.setattr("time.monotonic", lambda: next(now_s))
    window = Window("test")
    window.idle()  # there is nothing to look at yet
    window.write(nothing_found(flat(1)), flat(1))
    window.idle()
    assert len(shown) == 1
    window.idle()  # two seconds and more
    assert len(shown) == 2
    assert shown[1].mean() < flat(1).mean()
    with pytest.raises(Finished):
        window.idle()
    assert len(shown) == 2  # said once a second
    window.close()
