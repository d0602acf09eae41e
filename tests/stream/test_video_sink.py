"""What the sink wrote, read back by PyAV alone."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import av
import numpy as np
import pytest
from clips import (
    COLOURS,
    copy,
    decoded,
    flat,
    index_of,
    nothing_found,
    sound_packets,
    write_clip,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.colour import TAGS
from stream.frame import SourceInfo
from stream.planes import Tags, converted
from stream.sinks import video


def record(path: Path, pictures, times_s, info: SourceInfo) -> Path:
    sink = video.open_sink(path, info)
    for index, (picture, time_s) in enumerate(zip(pictures, times_s, strict=True)):
        sink.write(nothing_found(picture, index, time_s), picture)
    sink.close()
    return path


@pytest.mark.parametrize("ending", [".mp4", ".mov", ".mkv", ".MP4"])
def test_every_picture_is_there_in_order(tmp_path, ending):
    pictures = [flat(i) for i in range(20)]
    times = [i / 30 for i in range(20)]
    path = record(tmp_path / f"out{ending}", pictures, times, SourceInfo("clip", fps=30.0))
    got = decoded(path)
    assert [index_of(image) for _, image in got] == list(range(20))
    assert [t for t, _ in got] == pytest.approx(times, abs=0.001)
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.pix_fmt) == ("h264", "yuv420p")


@settings(max_examples=10, deadline=None)
@given(gaps=st.lists(st.integers(1, 90_000 * 3), min_size=1, max_size=12))
def test_times_come_back_as_they_went_in(tmp_path_factory, gaps):
    times = (np.cumsum(gaps) - gaps[0]) / 90_000
    path = tmp_path_factory.mktemp("out") / "out.mp4"
    record(path, [flat(1)] * len(times), times, SourceInfo("clip", fps=30.0))
    assert [t for t, _ in decoded(path)] == pytest.approx(list(times), abs=1e-5)


def test_times_that_do_not_rise_are_made_to(tmp_path):
    times = [0.0, 0.1, 0.1, 0.05, 0.2]
    path = record(tmp_path / "out.mp4", [flat(i) for i in range(5)], times, SourceInfo("clip"))
    got = decoded(path)
    assert [index_of(image) for _, image in got] == list(range(5))
    assert [t for t, _ in got] == pytest.approx([0, 0.1, 0.1, 0.1, 0.2], abs=1e-4)


@pytest.mark.parametrize("hw", [(95, 127), (96, 127), (95, 128), (3, 5)])
def test_odd_sizes_grow_by_a_copy_of_the_edge(tmp_path, hw):
    rng = np.random.default_rng(0)
    picture = np.repeat(np.repeat(rng.integers(0, 255, (4, 4, 1)), 32, 0), 32, 1)
    picture = np.broadcast_to(picture, (128, 128, 3)).astype(np.uint8)[: hw[0], : hw[1]].copy()
    path = record(tmp_path / "out.mp4", [picture] * 2, [0, 0.1], SourceInfo("clip"))
    image = decoded(path)[0][1]
    assert image.shape == (hw[0] + hw[0] % 2, hw[1] + hw[1] % 2, 3)
    assert np.abs(image[: hw[0], : hw[1]].astype(int) - picture).max() < 25
    assert np.abs(image[-1].astype(int) - image[-2]).max() < 25
    assert np.abs(image[:, -1].astype(int) - image[:, -2]).max() < 25


@pytest.mark.parametrize("colour", COLOURS)
def test_colours_come_back_as_they_went_in(tmp_path, colour):
    picture = np.full((64, 64, 3), colour, np.uint8)
    path = record(tmp_path / "out.mp4", [picture] * 2, [0, 0.1], SourceInfo("clip"))
    assert np.abs(decoded(path)[0][1].astype(int) - colour).max() <= 5
    with av.open(str(path)) as container:  # and a player is told by which matrix
        encoded = container.streams.video[0].codec_context
        assert (encoded.colorspace, encoded.color_range) == (6, 1)


def test_a_camera_keeps_the_times_at_which_it_saw(tmp_path):
    info = SourceInfo("camera 0", live=True, fps=30.0)
    path = record(tmp_path / "out.mp4", [flat(i) for i in range(5)], [None] * 5, info)
    assert [t for t, _ in decoded(path)] == pytest.approx([0, 0.1, 0.2, 0.3, 0.4], abs=1e-4)


def test_stills_follow_each_other_and_fit_the_first(tmp_path):
    wide, tall = np.full((64, 128, 3), 200, np.uint8), np.full((256, 64, 3), 200, np.uint8)
    info = SourceInfo("folder", stills=True)
    got = decoded(record(tmp_path / "out.mp4", [wide, tall], [None] * 2, info))
    assert [t for t, _ in got] == pytest.approx([0, 1 / video.STILLS_PER_S])
    first, second = (image.mean(2) for _, image in got)
    assert first.min() > 190
    assert second.shape == (64, 128)
    assert second[:, 58:70].min() > 180
    assert second[:, [0, 50, 78, 127]].max() < 10


def test_sound_is_copied_packet_for_packet(tmp_path):
    clip = tmp_path / "clip.mp4"
    write_clip(clip, [flat(i) for i in range(20)], sound="aac")
    for ending in (".mp4", ".mov", ".mkv"):
        out = copy(tmp_path / f"out{ending}", clip)
        assert sound_packets(out)[2] == sound_packets(clip)[2]


@pytest.mark.parametrize(
    ("kind", "codec", "ending", "wanted"),
    [
        (".mkv", "flac", ".mp4", "flac"),
        (".mkv", "libopus", ".mp4", "opus"),
        (".mkv", "pcm_s16le", ".mkv", "pcm_s16le"),
        (".mkv", "pcm_s16le", ".mp4", "aac"),
        (".mkv", "libopus", ".mov", "aac"),
        (".ts", "aac", ".mp4", "aac"),
        (".ts", "aac", ".mkv", "aac"),
    ],
)
def test_sound_stays_in_step_whatever_the_kind(tmp_path, kind, codec, ending, wanted):
    """The first tone is heard at the same time before the first picture, or after it."""
    clip = tmp_path / f"clip{kind}"
    write_clip(clip, [flat(i % 20) for i in range(40)], sound=codec)
    out = copy(tmp_path / f"out{ending}", clip)
    assert sound_packets(out)[0] == wanted
    assert lead_s(out) == pytest.approx(lead_s(clip), abs=0.002)
    assert len(decoded(out)) == 40


def lead_s(path: Path) -> float:
    """From the first picture to the first loud sample, in seconds."""
    with av.open(str(path)) as container:
        for frame in container.decode(audio=0):
            loud = np.abs(frame.to_ndarray().astype(float)).max(0)
            loud /= 32768 if frame.format.name.startswith("s16") else 1
            if (at := np.flatnonzero(loud > 0.1)).size:
                return float(frame.time + at[0] / frame.sample_rate - decoded(path)[0][0])
    raise AssertionError("no sound")


def test_sound_that_ends_early_does_not_hold_back_the_pictures(tmp_path):
    clip = tmp_path / "clip.mp4"
    write_clip(clip, [flat(i % 20) for i in range(60)], sound="aac", sound_s=0.2)
    assert len(decoded(copy(tmp_path / "out.mp4", clip))) == 60


KILLED = """
    import sys, time
    from pathlib import Path
    import numpy as np
    from clips import flat, nothing_found
    from stream.sinks.video import open_sink
    from stream.sources.video import open_source

    source = open_source(sys.argv[1])
    sink = open_sink(Path(sys.argv[2]), source.info)
    for frame in source:
        sink.write(nothing_found(frame.image, frame.index, frame.pts_s), frame.image)
    print("written", flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize(("ending", "lost_s"), [(".mp4", 1.0), (".mov", 1.0), (".mkv", 2.0)])
def test_a_killed_process_leaves_a_file_that_plays(tmp_path, ending, lost_s):
    clip, out = tmp_path / "clip.mp4", tmp_path / f"out{ending}"
    write_clip(clip, [flat(i % 20) for i in range(150)], sound="aac")
    command = [sys.executable, "-c", textwrap.dedent(KILLED), str(clip), str(out)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, env={"PYTHONPATH": str(Path(__file__).parent)}
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"written\n"
        process.kill()
    got = decoded(out)
    assert len(got) >= 150 - lost_s * 30
    begin_s = got[0][0]  # the last pictures may have gaps: what others refer to is written first
    wanted = [round((t - begin_s) * 30) % 20 for t, _ in got]
    assert [index_of(image) for _, image in got] == wanted
    heard = len(sound_packets(out)[2]) * 1024 / 48_000
    assert heard > len(got) / 30 - 0.5


def test_unknown_ending(tmp_path):
    with pytest.raises(ValueError, match=r"out\.gif: its ending must be one of \.mp4, \.mov"):
        video.open_sink(tmp_path / "out.gif", SourceInfo("clip"))


def test_no_such_folder(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        video.open_sink(tmp_path / "nowhere" / "out.mp4", SourceInfo("clip"))


def test_pictures_that_the_encoder_does_not_take(tmp_path):
    picture = flat(1, (32, 17_001))
    sink = video.open_sink(tmp_path / "out.mp4", SourceInfo("clip"))
    with pytest.raises(OSError, match=r"cannot write .*out\.mp4: .* 17002×32 pixels; make them sm"):
        sink.write(nothing_found(picture, 0, 0.0), picture)
    sink.close()


@pytest.mark.parametrize(
    ("target", "reason"), [("/proc/out.mp4", "No such file"), ("/dev/full", "No space left")]
)
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there are no such files")
def test_a_place_that_takes_no_video_is_named(tmp_path, target, reason):
    path = tmp_path / "out.mp4"
    path.symlink_to(target)
    with pytest.raises(OSError, match=rf"^cannot write {path}: {reason}.*; is there room"):
        record(
            path, [flat(i % 20) for i in range(60)], [i / 30 for i in range(60)], SourceInfo("c")
        )


def test_nothing_written_leaves_nothing_and_close_may_come_twice(tmp_path):
    sink = video.open_sink(tmp_path / "out.mp4", SourceInfo("clip"))
    sink.close()
    assert list(tmp_path.iterdir()) == []
    record(tmp_path / "out.mp4", [flat(1)], [0.0], SourceInfo("clip"))
    sink.close()
    assert len(decoded(tmp_path / "out.mp4")) == 1


def test_a_picture_is_asked_for(tmp_path):
    sink = video.open_sink(tmp_path / "out.mp4", SourceInfo("clip"))
    assert sink.wants_picture
    with pytest.raises(ValueError, match="needs the drawn picture"):
        sink.write(nothing_found(flat(1)), None)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a priority is a process's")
def test_the_encoders_threads_stand_back_and_no_other(tmp_path):
    before = {int(task.name) for task in Path("/proc/self/task").iterdir()}
    sink = video.open_sink(tmp_path / "out.mp4", SourceInfo("clip", fps=10.0))
    large = flat(0, (480, 640))  # a small picture is not worth threads
    sink.write(nothing_found(large, 0, 0.0), large)
    niceness = {
        int(task.name): os.getpriority(os.PRIO_PROCESS, int(task.name))
        for task in Path("/proc/self/task").iterdir()
    }
    own = niceness[threading.get_native_id()]
    standing_back = max(own, video.STANDS_BACK)
    begun = [task for task in niceness.keys() - before if niceness[task] == standing_back]
    assert len(begun) >= video.CODEC_THREADS  # others are OpenCV's
    assert own == os.getpriority(os.PRIO_PROCESS, 0)
    sink.close()


@pytest.mark.parametrize("tags", [Tags(1, 1, 1, 1), Tags(9, 1, 9, 18)])  # BT.709; a phone's HLG
def test_a_decoders_planes_are_written_in_their_own_colours(tmp_path, tags):
    pictures = [converted(flat(i), tags) for i in range(3)]
    out = record(tmp_path / "out.mp4", pictures, [0.0, 0.1, 0.2], SourceInfo("clip", fps=10.0))
    with av.open(str(out)) as container:
        encoder = container.streams.video[0].codec_context
        said = encoder.colorspace, encoder.color_range, encoder.color_primaries, encoder.color_trc
        assert said == tags
    assert [index_of(picture) for _, picture in decoded(out)] == [0, 1, 2]


def test_pictures_of_every_kind_follow_each_other(tmp_path):
    """A stream may change its size, or hold a frame that is stored otherwise."""
    tags = Tags(1, 1, 1, 1)
    small = np.ascontiguousarray(flat(2)[:-8, :-8])
    pictures = [converted(flat(0), tags), flat(1), converted(small, tags), converted(flat(3), TAGS)]
    times_s = [0.0, 0.1, 0.2, 0.3]
    out = record(tmp_path / "out.mp4", pictures, times_s, SourceInfo("clip", fps=10.0))
    assert [index_of(picture) for _, picture in decoded(out)] == [0, 1, 2, 3]
