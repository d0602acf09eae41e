"""Whether a file can be written is told before the work, and nothing is changed by asking."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from stream.frame import checked_output


def test_what_is_there_stays_and_what_is_not_is_not_made(tmp_path):
    there, absent = tmp_path / "there.mp4", tmp_path / "absent.mp4"
    there.write_bytes(b"a film")
    assert checked_output(there) == there
    assert there.read_bytes() == b"a film"
    assert checked_output(absent) == absent
    assert not absent.exists()


def test_a_folder_in_the_way_or_missing_is_told_with_the_remedy(tmp_path):
    with pytest.raises(IsADirectoryError, match="it is a folder; name a file in it"):
        checked_output(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"there is no folder .*new; create it"):
        checked_output(tmp_path / "new" / "out.mp4")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes that have a name")
@pytest.mark.timeout(20)
def test_pipes_devices_and_links_are_not_tried(tmp_path):
    pipe, link = tmp_path / "pipe", tmp_path / "link"
    os.mkfifo(pipe)  # to open it would wait for a reader
    link.symlink_to(tmp_path / "nowhere")
    for path in (pipe, link, Path(os.devnull)):
        assert checked_output(path) == path
    assert sorted(tmp_path.iterdir()) == [link, pipe]


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a place where none may write")
def test_where_nobody_may_write_it_is_told():
    with pytest.raises(OSError, match=r"^cannot write /proc/out.mp4: .*; may files be written"):
        checked_output(Path("/proc/out.mp4"))
