"""Folders, globs and single pictures."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest
from clips import flat, index_of, quadrants, save_picture, write_upright

from stream.frame import SourceError
from stream.sources.images import open_source


@pytest.fixture
def folder(tmp_path) -> Path:
    """Three pictures of different sizes, b, a, C, and a letter."""
    path = tmp_path / "cards"
    path.mkdir()
    for index, name in enumerate(["b.png", "a.png", "C.PNG"]):
        save_picture(path / name, flat(index, (40 + index, 50)))
    (path / "letter.txt").write_text("not a picture")
    return path


def test_a_folder_gives_its_pictures_sorted_and_named_by_path(folder):
    source = open_source(str(folder))
    frames = list(source)
    assert [f.source for f in frames] == [str(folder / n) for n in ("C.PNG", "a.png", "b.png")]
    assert [index_of(f.image) for f in frames] == [2, 1, 0]
    assert [f.image.shape for f in frames] == [(42, 50, 3), (41, 50, 3), (40, 50, 3)]
    assert [f.index for f in frames] == [0, 1, 2]
    assert [f.pts_s for f in frames] == [None] * 3
    assert (source.info.stills, source.info.live, source.info.frames) == (True, False, 3)


def test_what_a_folder_hides_is_not_read(folder, caplog):
    (folder / "._a.png").write_bytes(bytes(4096))  # macOS lays it beside a.png
    save_picture(folder / ".trashed-a.png", flat(5))
    assert len(list(open_source(str(folder)))) == 3
    assert not caplog.records


def test_pictures_of_kinds_that_are_not_read_are_told(folder, caplog):
    for name in ("2.HEIC", "1.HEIC", "3.avif"):
        (folder / name).write_bytes(b"?")
    assert len(list(open_source(str(folder)))) == 3
    assert f"left out 3 pictures of a kind that is not read here, from {folder}/1.HEIC on" in (
        caplog.text
    )


def test_a_path_stays_as_the_user_spelt_it(folder, monkeypatch):
    monkeypatch.chdir(folder.parent)
    assert next(iter(open_source("./cards"))).source == "./cards/C.PNG"
    assert next(iter(open_source("cards/*.png"))).source == "cards/a.png"
    assert next(iter(open_source("cards/a.png"))).source == "cards/a.png"


def test_a_glob_takes_pictures_only(folder):
    assert [Path(f.source).name for f in open_source(f"{folder}/*")] == ["C.PNG", "a.png", "b.png"]
    assert len(list(open_source(f"{folder}/[ab].png"))) == 2


def test_a_file_whose_name_looks_like_a_glob_is_that_file(tmp_path):
    save_picture(tmp_path / "card[1].png", flat(3))
    save_picture(tmp_path / "card1.png", flat(4))
    frames = list(open_source(str(tmp_path / "card[1].png")))
    assert [index_of(f.image) for f in frames] == [3]


def test_a_photograph_is_turned_as_its_exif_says(tmp_path):
    write_upright(tmp_path / "upright.jpg")
    image = next(iter(open_source(str(tmp_path / "upright.jpg")))).image
    wanted = np.rot90(quadrants(), -1)
    assert image.shape == wanted.shape
    assert np.abs(image.astype(int) - wanted).mean() < 5


def test_grey_and_transparent_pictures_become_bgr(tmp_path):
    save_picture(tmp_path / "grey.png", np.full((9, 7), 90, np.uint8))
    save_picture(tmp_path / "sheer.png", np.full((9, 7, 4), 90, np.uint8))
    save_picture(tmp_path / "deep.png", np.full((9, 7, 3), 90 * 257, np.uint16))
    for frame in open_source(str(tmp_path)):
        assert frame.image.shape == (9, 7, 3)
        assert frame.image.dtype == np.uint8
        assert (frame.image == 90).all()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no picture at all",
        b"\x89PNG\r\n\x1a\n" + bytes(9),
        b"P6 50000 50000 255\n" + bytes(9),  # claims more pixels than OpenCV takes
    ],
)
def test_a_broken_picture_is_named_and_skipped(folder, content, caplog, capfd):
    (folder / "aa.png").write_bytes(content)
    with caplog.at_level(logging.WARNING, "kpstream"):
        frames = list(open_source(str(folder)))
    assert [f.index for f in frames] == [0, 1, 2]
    assert [r.getMessage() for r in caplog.records] == [
        f"skipped {folder / 'aa.png'}: it is not a picture that can be read"
    ]
    assert capfd.readouterr().err == ""


def test_broken_pictures_only(tmp_path):
    (tmp_path / "a.png").write_bytes(b"no")
    with pytest.raises(SourceError, match=r"a\.png is not a picture that can be read"):
        list(open_source(str(tmp_path / "a.png")))
    (tmp_path / "b.png").write_bytes(b"no")
    with pytest.raises(SourceError, match=r"none of 2 pictures can be read, from .*a\.png on"):
        list(open_source(str(tmp_path)))


def test_nothing_there(tmp_path):
    with pytest.raises(SourceError, match="holds no picture"):
        open_source(str(tmp_path))
    with pytest.raises(SourceError, match="no file matches"):
        open_source(f"{tmp_path}/*.png")
    with pytest.raises(SourceError, match=r"no such file: .*nothing\.png"):
        open_source(str(tmp_path / "nothing.png"))
    (tmp_path / "letter.txt").write_text("hello")
    with pytest.raises(SourceError, match="matches 1 files but no picture"):
        open_source(f"{tmp_path}/*")


def test_close_ends_the_frames(folder):
    source = open_source(str(folder))
    frames = iter(source)
    next(frames)
    source.close()
    source.close()
    assert list(frames) == []
