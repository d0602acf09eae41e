"""Files whose time steps back: joined ones, and AVI, which knows no order but that of decoding."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace

import av
import numpy as np
import pytest
from clips import copy, decoded, flat, index_of, write_clip
from hypothesis import given
from hypothesis import strategies as st

from stream.joins import FrameTimes, PictureTimes, SoundTimes
from stream.media import packets_of
from stream.sources import video

PICTURES = [flat(i % 20) for i in range(30)]


def joined(path: Path, count: int, **options) -> Path:
    """A second of 30 pictures, `count` times behind itself."""
    write_clip(path, PICTURES, **options)
    path.write_bytes(path.read_bytes() * count)
    return path


def sound_times_s(path: Path) -> np.ndarray:
    """When each packet of a file's sound begins."""
    with av.open(str(path)) as container:
        packets = container.demux(container.streams.audio[0])
        return np.array([float(p.pts * p.time_base) for p in packets if p.size])


@pytest.mark.parametrize("between", [0, 2])
@pytest.mark.parametrize("sound", [None, "aac", "mp2"])
def test_joined_films_follow_each_other(tmp_path, between, sound):
    clip = joined(tmp_path / "clip.ts", 3, sound=sound, between=between)
    frames = list(video.open_source(str(clip)))
    assert [index_of(f.image) for f in frames] == [i % 20 for i in range(30)] * 3
    assert np.diff([f.pts_s for f in frames]) == pytest.approx(1 / 30, abs=1e-4)


@pytest.mark.parametrize("codec", ["aac", "mp2"])
@pytest.mark.parametrize("ending", [".mov", ".mkv"])
def test_sound_is_shifted_as_the_pictures_are(tmp_path, codec, ending):
    """Half a second of it with each second of pictures."""
    clip = joined(tmp_path / "clip.ts", 3, sound=codec, sound_s=0.5)
    out = copy(tmp_path / f"out{ending}", clip)
    times_s = [t for t, _ in decoded(out)]
    assert len(times_s) == 90
    assert np.diff(times_s) == pytest.approx(1 / 30, abs=0.002)
    heard_s = sound_times_s(out)
    pauses = np.flatnonzero(np.diff(heard_s) > 0.2)
    assert len(pauses) == 2
    begins_s = heard_s[[0, *(pauses + 1)]]
    assert np.diff(begins_s) == pytest.approx(1, abs=0.03)


def test_a_stream_that_appears_on_the_way_is_no_hindrance(tmp_path):
    """Pictures alone, more than FFmpeg looks at to find all streams, and such with sound."""
    clip, behind = tmp_path / "clip.ts", tmp_path / "behind.ts"
    rng = np.random.default_rng(0)
    write_clip(clip, list(rng.integers(0, 255, (20, 480, 640, 3), np.uint8)))
    assert clip.stat().st_size > 6_000_000
    write_clip(behind, [flat(i, (480, 640)) for i in range(20)], sound="aac")
    with clip.open("ab") as file:
        file.write(behind.read_bytes())
    assert len(decoded(copy(tmp_path / "out.mp4", clip))) == 40


def test_pyav_may_stumble_over_such_a_stream_in_the_end():
    """It does by chance: it looks behind the end of a list."""

    class Stumbling:
        streams = ()

        def demux(self, *_: object) -> Iterator[int]:
            yield from range(3)
            raise IndexError("list index out of range")

    assert list(packets_of(Stumbling())) == [0, 1, 2]


@pytest.fixture
def times() -> Iterator[tuple[PictureTimes, SoundTimes]]:
    with av.open(BytesIO(), "w", format="mp4") as container:
        pictures = PictureTimes(container.add_stream("libx264", rate=10))
        yield pictures, SoundTimes(pictures)


def packet(begin_ms: int | None) -> av.Packet:
    made = av.Packet(b"-")
    made.pts = made.dts = begin_ms
    made.time_base = Fraction(1, 1000)
    return made


def test_sound_that_steps_back_first_waits_for_the_pictures(times):
    pictures, sound = times
    pictures.placed(packet(900))
    assert [p.dts for p in sound.placed(packet(950))] == [950]
    assert list(sound.placed(packet(0))) == []
    assert list(sound.placed(packet(50))) == []
    pictures.placed(packet(950))
    assert list(sound.known()) == []
    pictures.placed(packet(0))
    assert pictures.shift_s == Fraction(1050, 1000)
    assert [p.dts for p in sound.known()] == [1050, 1100]


def test_sound_that_begins_before_the_pictures_does_not_wait(times):
    pictures, sound = times
    pictures.placed(packet(900))
    assert [p.dts for p in sound.placed(packet(100))] == [100]


def test_sound_that_steps_back_behind_the_pictures_is_shifted_at_once(times):
    pictures, sound = times
    pictures.placed(packet(900))
    pictures.placed(packet(0))
    assert [p.dts for p in sound.placed(packet(950))] == [950]
    assert [p.dts for p in sound.placed(packet(0))] == [1000]


def test_sound_that_steps_back_alone_does_not_wait_for_ever(times):
    pictures, sound = times
    pictures.placed(packet(900))
    got = [p.dts for begin in [950, *range(300)] for p in sound.placed(packet(begin))]
    assert got[:50] == [950, *range(49)]
    got += [p.dts for p in sound.rest()]
    assert got == [950, *range(300)]


@pytest.mark.parametrize("wrong", [86_400_000, 60_000, 2_000, 1_300, -5_000])
def test_one_wrong_time_stamp_moves_no_other(times, wrong):
    pictures, _ = times
    begins = [10_000 + i * 100 for i in range(20)]
    begins[12] += wrong
    got = [p.dts for begin in begins for p in pictures.placed(packet(begin))]
    assert got == [10_000 + i * 100 for i in range(20)]
    assert pictures.shift_s == 0


@pytest.mark.parametrize("wrong", [86_400_000, 60_000, 2_000, 1_300, -5_000])
def test_nor_does_one_behind_a_place_where_films_were_joined(times, wrong):
    pictures, _ = times
    begins = [900, *range(0, 2000, 100)]
    begins[8] += wrong
    got = [p.dts for begin in begins for p in pictures.placed(packet(begin))]
    assert got == [900 + i * 100 for i in range(21)]


def test_a_wrong_time_stamp_behind_the_first_of_all_moves_no_other(times):
    pictures, _ = times
    begins = [0, 60_000, 200, 300]
    got = [p.dts for begin in begins for p in pictures.placed(packet(begin))]
    assert got == [0, 100, 200, 300]


def test_pictures_that_come_seldom_or_stop_for_a_while_keep_their_times(times):
    pictures, _ = times
    begins = [0, 100, 200, 9_000, 9_100, 14_000, 19_000, 24_000, 29_000]
    got = [pictures.placed(packet(begin)) for begin in [*begins, None]]
    assert [p.dts for ready in got for p in ready] == [*begins, None]
    assert [len(ready) for ready in got[-3:]] == [1, 1, 1]  # none waits where all come seldom


@pytest.mark.parametrize("at", [0, 2])
def test_sound_that_leaps_ahead_by_a_day_is_left_out(times, at):
    pictures, sound = times
    pictures.placed(packet(0))
    begins = [0, 50, 100, 150]
    begins[at] = 86_400_000
    got = [p.dts for begin in begins for p in sound.placed(packet(begin))]
    got += [p.dts for p in sound.rest()]
    assert got == [begin for begin in begins if begin < 1000]


def test_a_time_stamp_that_leaps_ahead_by_a_day_does_not_end_the_process(tmp_path):
    clip = tmp_path / "clip.ts"
    write_clip(clip, PICTURES, sound="mp2")
    data = bytearray(clip.read_bytes())
    for stream in (b"\x00\x00\x01\xe0", b"\x00\x00\x01\xc0"):  # pictures, sound
        at = [i for i in range(len(data)) if data[i : i + 4] == stream][12]
        data[at + 9] |= 0x0E  # the upper bits of its time, ISO/IEC 13818-1, 2.4.3.7
    clip.write_bytes(data)
    out = copy(tmp_path / "out.mov", clip)
    times_s = [t for t, _ in decoded(out)]
    assert len(times_s) == 30
    assert np.diff(times_s) == pytest.approx(1 / 30, abs=0.002)
    assert sound_times_s(out)[-1] == pytest.approx(1, abs=0.1)


def test_what_has_no_time_is_passed_on(times):
    pictures, sound = times
    pictures.placed(packet(None))
    assert [p.dts for begin in (None, 10, None) for p in sound.placed(packet(begin))] == [
        None, 10, None,
    ]  # fmt: skip
    unitless = av.Packet(b"-")
    unitless.dts = 5
    assert [p.dts for p in pictures.placed(unitless)] == [5]
    assert [p.dts for p in sound.placed(unitless)] == [5]


MS = Fraction(1, 1000)


def frame_times(kind: str, start_s: float = 0.0) -> FrameTimes:
    container = SimpleNamespace(start_time=int(start_s * 1e6), format=SimpleNamespace(name=kind))
    return FrameTimes(container, 0.04)


def shown_s(stamps, start_s=0.0):
    """Stamps (pts, dts) of frames in ms, None = it has none → when each is shown."""
    times = frame_times("mpegts", start_s)
    return [times.of(SimpleNamespace(pts=p, dts=d, time_base=MS)) for p, d in stamps]


stamps = st.none() | st.integers(-(10**6), 10**7)


@given(st.lists(st.tuples(stamps, stamps), max_size=20))
def test_times_of_frames_always_rise_and_are_their_own_where_these_do(pairs):
    times_s = shown_s(pairs)
    assert (np.diff(times_s) > 0).all()
    for (pts, _), last_s, time_s in zip(pairs[1:], times_s, times_s[1:], strict=False):
        if pts is not None and last_s < pts / 1000 <= last_s + 3600:
            assert time_s == pytest.approx(pts / 1000)


def test_a_frame_without_a_time_that_follows_is_a_step_behind_the_last():
    assert shown_s([(None, None), (None, None)]) == [0.0, 0.04]
    assert shown_s([(2000, 0), (1500, 2100)], 2.0) == pytest.approx([0.0, 0.1])
    # a little behind is no other time: behind a cut, packets are half a second off
    late = shown_s([(0, 500), (40, 540), (20, 560), (90, 600)])
    assert late == pytest.approx([0.0, 0.04, 0.08, 0.09])
    assert shown_s([(0, 0), (0, None), (4_000_000, 0)]) == pytest.approx([0.0, 0.04, 0.08])


def test_a_frame_of_avi_takes_the_place_of_the_packet_that_made_the_decoder_give_it_out():
    times = frame_times("avi")
    for dts in (500, 540, 580):
        times.begin(SimpleNamespace(dts=dts))
    late = [SimpleNamespace(pts=0, dts=dts, time_base=MS) for dts in (580, 620, None, 700)]
    assert [times.of(frame) for frame in late] == pytest.approx([0.5, 0.54, 0.58, 0.62])


@pytest.mark.parametrize("between", [0, 1, 2])
def test_frames_of_avi_come_at_even_times(tmp_path, between):
    clip = tmp_path / "clip.avi"
    write_clip(clip, PICTURES, between=between)
    frames = list(video.open_source(str(clip)))
    assert [index_of(f.image) for f in frames] == [i % 20 for i in range(30)]
    assert [f.pts_s for f in frames] == pytest.approx([i / 30 for i in range(30)])
