"""The focal length in a photograph's file is read, and nothing is made up where there is none."""

import struct

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.exif import focal_35mm


def entry(order, tag, kind, value):
    form = {3: "Hxx", 4: "I"}[kind]
    return struct.pack(order + "HHI" + form, tag, kind, 1, value)


def tiff(order="<", focal_mm=26, kind=3):
    """A TIFF file of two directories: one that points at the other, and the one with the focal."""
    other = entry(order, 0x0112, 3, 1)  # orientation: to be skipped
    first = struct.pack(order + "H", 2) + other + entry(order, 0x8769, 4, 38) + bytes(4)
    inner = struct.pack(order + "H", 2) + entry(order, 0xA002, 4, 640)
    inner += entry(order, 0xA405, kind, focal_mm) + bytes(4)
    mark = {"<": b"II", ">": b"MM"}[order]
    return mark + struct.pack(order + "HI", 42, 8) + first + inner


def jpeg(*app1):
    _, plain = cv2.imencode(".jpg", np.zeros((16, 16, 3), np.uint8))
    whole = plain.tobytes()
    parts = [b"\xff\xe1" + (len(a) + 2).to_bytes(2, "big") + a for a in app1]
    return whole[:2] + b"".join(parts) + whole[2:]


def written(tmp_path, content):
    path = tmp_path / "photo.jpg"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", [3, 4])
def test_the_focal_length_is_found_in_either_byte_order(tmp_path, order, kind):
    content = jpeg(b"http://ns.adobe.com/xap/1.0/\0", b"Exif\0\0" + tiff(order, 28, kind))
    path = written(tmp_path, content)
    assert cv2.imread(str(path)) is not None
    assert focal_35mm(path) == 28.0


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x89PNG\r\n\x1a\n",
        jpeg(),
        jpeg(b"Exif\0\0"),
        jpeg(b"Exif\0\0" + tiff(focal_mm=0)),
        jpeg(b"Exif\0\0" + tiff()[:40]),
        jpeg(b"Exif\0\0" + tiff().replace(struct.pack("<H", 0xA405), b"\x06\xa4")),
        b"\xff\xd8\xff\xe1\x00\x00",
    ],
    ids=["empty", "a PNG", "no Exif", "empty Exif", "unknown", "cut off", "no tag", "no length"],
)
def test_a_file_that_does_not_say_gives_none(tmp_path, content):
    assert focal_35mm(written(tmp_path, content)) is None


@settings(max_examples=60)
@given(st.integers(0, 200), st.binary(max_size=12))
def test_a_spoilt_file_never_raises(tmp_path_factory, at, junk):
    whole = jpeg(b"Exif\0\0" + tiff())
    spoilt = whole[:at] + junk + whole[at + len(junk) :]
    found = focal_35mm(written(tmp_path_factory.mktemp("photo"), spoilt))
    assert found is None or found > 0


def test_a_file_that_is_not_there_is_an_os_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        focal_35mm(tmp_path / "none.jpg")
