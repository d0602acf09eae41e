"""Files that are cut off or damaged: what is there is read, and what is not is said."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from clips import flat, write_clip

from stream.frame import Frame, SourceError
from stream.sources import video


def noise(count: int) -> list[np.ndarray]:
    """Pictures that take all as many bytes."""
    return list(np.random.default_rng(0).integers(0, 255, (count, 96, 128, 3), np.uint8))


def halve(path: Path) -> None:
    """Cut a file off in the middle."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def test_a_truncated_file_gives_what_is_there(tmp_path):
    path = tmp_path / "cut.mp4"
    write_clip(path, noise(20), options={"movflags": "faststart"})
    halve(path)
    frames = list(video.open_source(str(path)))
    assert 5 <= len(frames) < 20
    assert [f.index for f in frames] == list(range(len(frames)))


@pytest.mark.parametrize(
    ("name", "sound"), [("cut.mp4", None), ("cut.mkv", None), ("cut.mkv", "aac")]
)
def test_a_file_that_is_shorter_than_it_says_is_said_to_be_cut_off(tmp_path, caplog, name, sound):
    path = tmp_path / name
    options = {"movflags": "faststart"} if path.suffix == ".mp4" else {}
    write_clip(path, noise(60), options=options, sound=sound)
    assert len(list(video.open_source(str(path)))) == 60
    assert caplog.text == ""
    halve(path)
    frames = list(video.open_source(str(path)))
    assert 20 <= len(frames) <= 40
    assert re.search(
        r"cut\.m\w+ ends after (0\.[6-9]|1\.\d) s and says that it is 2\.\d s long", caplog.text
    )


def test_a_file_that_is_read_in_part_is_not_said_to_be_cut_off(tmp_path, caplog):
    path = tmp_path / "whole.mkv"
    write_clip(path, [flat(i % 20) for i in range(60)])
    source = video.open_source(str(path))
    frames = iter(source)
    for _ in range(3):
        next(frames)
    source.close()
    assert list(frames) == []
    assert caplog.text == ""


def test_a_file_cut_before_its_index_says_so(tmp_path):
    path = tmp_path / "cut.mp4"
    write_clip(path, [flat(i) for i in range(20)])
    halve(path)
    with pytest.raises(SourceError, match="is not a video that can be read"):
        video.open_source(str(path))


def test_damage_in_the_middle_costs_only_what_is_damaged(tmp_path):
    frames = _read_damaged(tmp_path / "damaged.mp4", 60)
    assert len(frames) >= 18
    assert frames[-1].pts_s == pytest.approx(19 / 30)


def test_what_cannot_be_decoded_is_said(tmp_path, caplog):
    frames = _read_damaged(tmp_path / "damaged.mp4", 20_000)
    assert 15 <= len(frames) < 20
    said = rf"damaged\.mp4 is damaged: \d parts? of it could not be .*, {len(frames)} frames could"
    assert re.search(said, caplog.text)


def _read_damaged(path: Path, zeros: int) -> list[Frame]:
    write_clip(path, noise(20))
    data = bytearray(path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + zeros] = bytes(zeros)
    path.write_bytes(data)
    return list(video.open_source(str(path)))
