"""Films that were cut without encoding them anew: an edit list says which parts are shown."""

from __future__ import annotations

from pathlib import Path

import pytest
from clips import copy, decoded, flat, index_of, sound_packets, write_clip

from stream.sources import video

PARTS_S = ((0.4, 0.8), (0.6, 1.6))  # how long, and from where


def boxes(data: bytes) -> list[tuple[bytes, bytes]]:
    """ISO/IEC 14496-12, 4.2: a run of boxes → the kind and body of each."""
    found = []
    while data:
        size = int.from_bytes(data[:4], "big")
        found.append((data[4:8], data[8:size]))
        data = data[size:]
    return found


def box(kind: bytes, body: bytes) -> bytes:
    return (8 + len(body)).to_bytes(4, "big") + kind + body


def cut(path: Path) -> None:
    """Let an MP4 show `PARTS_S` of itself, in place; its header, which stands last, may grow."""
    data = path.read_bytes()
    at = data.index(b"moov") - 4
    header = dict(boxes(data[at:]))[b"moov"]
    unit = int.from_bytes(dict(boxes(header))[b"mvhd"][12:16], "big")
    path.write_bytes(data[:at] + box(b"moov", edited(header, unit)))


def edited(body: bytes, unit: int) -> bytes:
    """What a box holds, with every list of edits in it made anew; `unit` is the film's, in 1/s."""
    out = b""
    for kind, inner in boxes(body):
        if kind == b"trak":
            media = dict(boxes(dict(boxes(inner))[b"mdia"]))[b"mdhd"]
            edits = shown(dict(boxes(dict(boxes(inner))[b"edts"]))[b"elst"], unit, media)
            inner = b"".join(  # noqa: PLW2901
                box(k, box(b"elst", edits) if k == b"edts" else b) for k, b in boxes(inner)
            )
        out += box(kind, inner)
    return out


def shown(before: bytes, unit: int, media: bytes) -> bytes:
    """The only edit of a track → the edits of `PARTS_S`, counted from where that one begins."""
    begin = int.from_bytes(before[12:16], "big")
    out = bytes(4) + len(PARTS_S).to_bytes(4, "big")
    for length_s, from_s in PARTS_S:
        place = begin + round(from_s * int.from_bytes(media[12:16], "big"))
        out += round(length_s * unit).to_bytes(4, "big") + place.to_bytes(4, "big") + b"\0\1\0\0"
    return out


@pytest.mark.parametrize("between", [0, 2])
def test_parts_follow_each_other_with_their_sound(tmp_path, between):
    clip = tmp_path / "cut.mov"
    write_clip(clip, [flat(i // 4) for i in range(80)], sound="aac", between=between)
    cut(clip)
    shows = [i // 4 for length_s, from_s in PARTS_S for i in numbers(length_s, from_s)]
    source = video.open_source(str(clip))
    assert source.info.frames == 30
    frames = list(source)
    assert [f.pts_s for f in frames] == pytest.approx([i / 30 for i in range(30)], abs=0.001)
    # to a picture: FFmpeg counts those that come in another order a little otherwise
    off = [abs(index_of(f.image) - n) for f, n in zip(frames, shows, strict=True)]
    assert max(off) <= (1 if between else 0)
    for ending in (".mp4", ".mkv"):
        out = copy(tmp_path / f"out{ending}", clip)
        assert [time_s for time_s, _ in decoded(out)][-1] == pytest.approx(29 / 30, abs=0.06)
        assert len(sound_packets(out)[2]) == pytest.approx(48, abs=3)  # 1024 samples each


def numbers(length_s: float, from_s: float) -> range:
    """Which of 30 pictures a second are shown."""
    return range(round(from_s * 30), round((from_s + length_s) * 30))
