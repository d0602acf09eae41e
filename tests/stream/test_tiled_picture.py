"""A phone's HEIC: one picture, stored as tiles that FFmpeg gives out as a film each."""

from __future__ import annotations

from pathlib import Path

import pytest

from stream.frame import SourceError
from stream.sources import open_source


def box(kind: str, *parts: bytes) -> bytes:
    body = kind.encode() + b"".join(parts)
    return (4 + len(body)).to_bytes(4, "big") + body


def numbers(*values: int) -> bytes:
    return b"".join(value.to_bytes(2, "big") for value in values)


def write_tiled(path: Path) -> None:
    """Two tiles of 64×64 side by side, and the grid that they make (ISO/IEC 23008-12, 6.6.2.3)."""
    full = bytes(4)  # version and flags
    items = (("hvc1", 1), ("hvc1", 2), ("grid", 3))
    named = [
        box("infe", b"\2\0\0\0", numbers(item, 0), kind.encode(), b"\0") for kind, item in items
    ]
    config = b"\1" + bytes(11) + b"\xf0\0\xfc\xfd\xf8\xf8\0\0\x0f\0"  # an hvcC without a header
    sizes = [box("ispe", full, numbers(0, width, 0, 64)) for width in (64, 128)]
    having = [numbers(1) + b"\2\1\2", numbers(2) + b"\2\1\2", numbers(3) + b"\1\3"]
    size, grid = 16, b"\0\0\0\1" + numbers(128, 64)

    def meta(begin: int) -> bytes:
        # item, where its bytes are (0 this file, 1 idat), …, one extent: offset and length
        places = ((1, 0, begin), (2, 0, begin + size), (3, 1, 0))
        where = [
            numbers(item, inside, 0, 1, 0, offset, 0, len(grid) if inside else size)
            for item, inside, offset in places
        ]
        return box(
            "meta",
            full,
            box("hdlr", full, bytes(4), b"pict", bytes(13)),
            box("pitm", full, numbers(3)),
            box("iloc", b"\1\0\0\0\x44\0", numbers(3), *where),
            box("iinf", full, numbers(3), *named),
            box("iref", full, box("dimg", numbers(3, 2, 1, 2))),
            box(
                "iprp",
                box("ipco", box("hvcC", config), *sizes),
                box("ipma", full, numbers(0, 3), *having),
            ),
            box("idat", grid),
        )

    kind = box("ftyp", b"heic", full, b"mif1heic")
    begin = len(kind) + len(meta(0)) + 8
    path.write_bytes(kind + meta(begin) + box("mdat", bytes(2 * size)))


def test_a_picture_in_tiles_is_not_read_as_its_first_tile(tmp_path):
    write_tiled(tmp_path / "IMG_1.HEIC")
    with pytest.raises(SourceError, match=r"IMG_1\.HEIC is a picture in tiles .* save it as JPEG"):
        open_source(str(tmp_path / "IMG_1.HEIC"))
