"""Pictures as they are shown: of any size, with square pixels, turned and mirrored."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from clips import copy, decoded, quadrants, turn, write_clip, write_upright

from stream.shown import as_shown
from stream.sources import video


@pytest.mark.parametrize("hw", [(95, 127), (64, 65), (1, 1), (2, 2)])
def test_odd_sizes(tmp_path, hw):
    path = tmp_path / "odd.mkv"
    write_whole(path, [quadrants(hw)] * 2)
    frames = list(video.open_source(str(path)))
    assert [f.image.shape for f in frames] == [(*hw, 3)] * 2


def write_whole(path: Path, pictures, codec: str = "ffv1", pixel: Fraction = Fraction(1)) -> None:
    """Every colour of every pixel: such files may have odd sides."""
    with av.open(str(path), "w") as output:
        stream = output.add_stream(codec, rate=30)
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = "yuv444p"
        stream.codec_context.sample_aspect_ratio = pixel
        for picture in pictures:
            output.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")))
        output.mux(stream.encode(None))


# (a, b, c, d) of the matrix, and what it makes of a picture; the first three as phones write them
TURNS = {
    "right": ((0, 1, -1, 0), lambda p: np.rot90(p, -1)),
    "left": ((0, -1, 1, 0), lambda p: np.rot90(p, 1)),
    "half": ((-1, 0, 0, -1), lambda p: np.rot90(p, 2)),
    "mirrored": ((-1, 0, 0, 1), lambda p: p[:, ::-1]),
    "upside down": ((1, 0, 0, -1), lambda p: p[::-1]),
    "transposed": ((0, 1, 1, 0), lambda p: p.swapaxes(0, 1)),
}


@pytest.mark.parametrize("name", TURNS)
def test_the_display_matrix_is_applied(tmp_path, name):
    matrix, turned = TURNS[name]
    path = tmp_path / "turned.mp4"
    write_clip(path, [quadrants()] * 3, matrix=1)
    turn(path, matrix)
    source = video.open_source(str(path))
    frame = next(iter(source))
    assert frame.pixels.tags.matrix == 1  # as stored, which a way there and back is not
    wanted = turned(quadrants())
    assert frame.image.shape == wanted.shape
    assert source.info.size_hw == wanted.shape[:2]
    assert np.abs(frame.image.astype(int) - wanted).mean() < 4
    source.close()


def test_what_pyav_does_not_know_of_a_frame_is_no_hindrance(tmp_path):
    """A photograph's EXIF, as from an address, or a spatial film's views."""
    write_upright(tmp_path / "upright.jpg")
    source = video.open_source(str(tmp_path / "upright.jpg"))
    wanted = np.rot90(quadrants(), -1)
    assert source.info.size_hw == wanted.shape[:2]
    assert np.abs(next(iter(source)).image.astype(int) - wanted).mean() < 5


@pytest.mark.parametrize("fmt", ["yuv420p", "yuv420p10le"])
@pytest.mark.parametrize("matrix", [0, 3, 8, 14, 200])
def test_a_matrix_that_nobody_knows_costs_no_picture(fmt, matrix):
    frame = av.VideoFrame.from_ndarray(quadrants(), format="bgr24").reformat(format=fmt)
    frame.colorspace = matrix
    image = as_shown(frame, None)
    assert np.abs(image.astype(int) - quadrants()).mean() < 4


@pytest.mark.parametrize("kind", [".mp4", ".mkv", ".ts"])
@pytest.mark.parametrize(
    ("pixel", "width"), [((4, 3), 170), ((8, 9), 114), ((1, 1), 128), ((200, 1), 128)]
)
def test_pixels_are_made_square(tmp_path, kind, pixel, width):
    path = tmp_path / f"wide{kind}"
    write_clip(path, [quadrants()] * 30, pixel=Fraction(*pixel))
    source = video.open_source(str(path))
    frames = list(source)
    assert source.info.size_hw == (96, width)
    wanted = quadrants((96, width))
    for frame in frames:
        assert not isinstance(frame.pixels, np.ndarray)
        assert frame.image.shape == wanted.shape
        assert np.abs(frame.image.astype(int) - wanted).mean() < 4
    out = copy(tmp_path / "out.mp4", path)
    assert decoded(out)[0][1].shape == wanted.shape


def test_pixels_are_made_square_before_the_picture_is_turned(tmp_path):
    path = tmp_path / "turned.mp4"
    write_clip(path, [quadrants()] * 3, pixel=Fraction(3, 2))
    turn(path, TURNS["right"][0])
    frame = next(iter(video.open_source(str(path))))
    wanted = np.rot90(quadrants((96, 192)), -1)
    assert frame.image.shape == wanted.shape
    assert np.abs(frame.image.astype(int) - wanted).mean() < 4


def test_an_odd_picture_of_oblong_pixels_gets_an_even_width(tmp_path):
    path = tmp_path / "odd.mkv"
    write_whole(path, [quadrants((95, 127))] * 2, "libx264", Fraction(4, 3))
    source = video.open_source(str(path))
    assert source.info.size_hw == (95, 170)
    assert [f.image.shape for f in source] == [(95, 170, 3)] * 2
