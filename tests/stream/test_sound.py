"""Sound of all kinds, damaged or missing: it never costs the pictures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
from clips import copy, decoded, flat, sound_packets, write_clip

from stream.aac import AacEncoder

PICTURES = [flat(i % 20) for i in range(30)]


def sounds(path: Path) -> list[str]:
    """The codecs of a file's sound."""
    with av.open(str(path)) as container:
        return [stream.codec_context.name for stream in container.streams.audio]


def loud_s(path: Path) -> float:
    """How long a tone is to be heard, in seconds."""
    with av.open(str(path)) as container:
        heard = [
            (np.abs(f.to_ndarray()).max() > 0.1) * f.samples for f in container.decode(audio=0)
        ]
    return sum(heard) / 48_000


def mute(path: Path) -> None:
    """A clip whose sound is announced, and in which none comes."""
    write_clip(path, PICTURES, sound="aac", sound_s=0)


def unknown(path: Path) -> None:
    """A clip whose sound is of a kind that nobody knows."""
    write_clip(path, PICTURES, sound="pcm_mulaw")
    path.write_bytes(path.read_bytes().replace(b"ulaw", b"zzzz"))


@pytest.mark.parametrize(("kind", "make"), [(".mov", unknown), (".ts", mute)])
@pytest.mark.parametrize("ending", [".mp4", ".mov", ".mkv"])
def test_sound_that_cannot_be_read_is_left_out_with_a_word(
    tmp_path: Path, caplog, kind: str, make: Callable[[Path], None], ending: str
):
    clip = tmp_path / f"clip{kind}"
    make(clip)
    out = copy(tmp_path / f"out{ending}", clip)
    assert len(decoded(out)) == 30
    assert sounds(out) == []
    said = [record.message for record in caplog.records]
    assert len(said) == 1
    assert f"the sound of {clip} is empty or of a kind that is not known here" in said[0]


def test_sound_that_can_be_read_is_taken_from_behind_such(tmp_path):
    clip = tmp_path / "clip.mov"
    with av.open(str(clip), "w") as output:
        video = output.add_stream("libx264", rate=30)
        video.height, video.width = 96, 128
        streams = [output.add_stream(codec, rate=48_000) for codec in ("pcm_mulaw", "pcm_alaw")]
        for stream in streams:
            stream.codec_context.layout = "mono"
        output.mux(video.encode(av.VideoFrame.from_ndarray(flat(1), format="bgr24")))
        output.mux(video.encode(None))
        for stream in streams:
            samples = np.zeros((1, 1024), np.int16)
            frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
            frame.sample_rate = 48_000
            output.mux(stream.encode(frame))
            output.mux(stream.encode(None))
    clip.write_bytes(clip.read_bytes().replace(b"ulaw", b"zzzz"))
    assert sound_packets(copy(tmp_path / "out.mkv", clip))[0] == "aac"


@pytest.mark.parametrize("layouts", [("stereo", "mono"), ("mono", "stereo")])
@pytest.mark.parametrize("ending", [".mov", ".mkv"])
def test_sound_may_change_its_kind(tmp_path, layouts, ending):
    parts = []
    for number, layout in enumerate(layouts):
        part = tmp_path / f"{number}.ts"
        times = [number + i / 30 for i in range(30)]
        write_clip(part, PICTURES, times, "mp2", layout=layout)
        parts.append(part.read_bytes())
    clip = tmp_path / "clip.ts"
    clip.write_bytes(b"".join(parts))
    out = copy(tmp_path / f"out{ending}", clip)
    assert len(decoded(out)) == 60
    assert loud_s(out) == pytest.approx(2, abs=0.1)


def test_a_damaged_frame_of_aac_costs_itself(tmp_path):
    clip = tmp_path / "clip.ts"
    write_clip(clip, PICTURES, sound="aac")
    whole = sound_packets(copy(tmp_path / "whole.mp4", clip))[2]
    data = bytearray(clip.read_bytes())
    heads = [i for i in range(len(data)) if data[i : i + 3] == b"\xff\xf1\x4c"]
    at = heads[len(heads) // 2]
    data[at + 1] &= 0xFE  # with a checksum,
    data[at + 6] |= 1  # of two: FFmpeg does not take that apart
    clip.write_bytes(data)
    out = copy(tmp_path / "out.mp4", clip)
    assert len(decoded(out)) == 30
    assert 0 < len(whole) - len(sound_packets(out)[2]) <= 2


def test_a_damaged_packet_that_looks_framed_costs_itself(tmp_path):
    clip = tmp_path / "clip.mp4"
    write_clip(clip, PICTURES, sound="aac")
    packets = sound_packets(clip)[2]
    data = clip.read_bytes()
    clip.write_bytes(data.replace(packets[20], b"\xff\xf1" + packets[20][2:]))
    for ending in (".mp4", ".mkv"):
        out = copy(tmp_path / f"out{ending}", clip)
        assert len(decoded(out)) == 30
        assert len(packets) - len(sound_packets(out)[2]) == 1


@pytest.mark.parametrize("kind", [".mp4", ".mkv", ".ts", ".avi"])
@pytest.mark.parametrize("codec", ["aac", "mp2"])
def test_sound_longer_than_the_pictures_is_kept(tmp_path, kind, codec):
    clip = tmp_path / f"clip{kind}"
    write_clip(clip, PICTURES, sound=codec, sound_s=4.0)
    assert loud_s(copy(tmp_path / "out.mov", clip)) == pytest.approx(4, abs=0.1)
    assert loud_s(copy(tmp_path / "out.mkv", clip)) == pytest.approx(4, abs=0.1)


@pytest.mark.parametrize("kind", [".mp4", ".mkv", ".ts"])
def test_sound_ends_soon_after_a_run_that_was_cut_short(tmp_path, kind):
    clip = tmp_path / f"clip{kind}"
    write_clip(clip, PICTURES * 4, sound="aac", sound_s=6)
    out = copy(tmp_path / "out.mp4", clip, count=30)
    assert len(decoded(out)) == 30
    assert loud_s(out) == pytest.approx(2, abs=0.1)


def test_sound_behind_a_last_picture_that_is_held_is_kept(tmp_path):
    clip = tmp_path / "clip.mkv"
    times_s = [i / 30 for i in range(9)] + [1.0]
    write_clip(clip, PICTURES[:10], times_s, "aac", sound_s=6.0)
    assert loud_s(copy(tmp_path / "out.mp4", clip)) == pytest.approx(6, abs=0.1)


@pytest.mark.parametrize("ending", [".mp4", ".mov", ".mkv"])
def test_sound_that_was_trimmed_away_is_not_heard(tmp_path, ending):
    clip = tmp_path / "trimmed.mov"  # by an edit list, as phones trim
    times_s = [i / 30 - 2.5 for i in range(120)]
    write_clip(clip, PICTURES * 4, times_s, "aac", options={"avoid_negative_ts": "disabled"})
    assert loud_s(clip) == pytest.approx(1.5, abs=0.1)
    out = copy(tmp_path / f"out{ending}", clip)
    assert loud_s(out) == pytest.approx(1.5, abs=0.1)
    assert decoded(out)[0][0] == pytest.approx(0, abs=0.05)


def test_an_end_of_the_sound_that_cannot_be_encoded_is_left_out(tmp_path):
    with av.open(str(tmp_path / "clip.mp4"), "w") as output:
        encoder = AacEncoder(output, 48_000, 1)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 4096), np.int16), "s16", "mono")
        frame.sample_rate = 48_000
        output.mux(list(encoder.encode(frame)))
        output.mux(list(encoder.stream.encode(None)))  # from here on it takes nothing
        assert list(encoder.finish()) == []
