import json
from itertools import islice

import av
import numpy as np
import pytest

from stream.packet import KEYPOINTS
from stream.synth import Clip, SceneConfig
from train import clip


def shots(frames=6, hw=(96, 128), cards=30):
    return Clip(SceneConfig(cards=(cards, cards)), None, 1, hw, 25, frames)


def test_the_clip_shows_the_shots_at_their_times(tmp_path):
    out = tmp_path / "a.mp4"
    assert clip.write(shots(), out, 25) == 6
    with av.open(str(out)) as media:
        stream = media.streams.video[0]
        assert stream.codec_context.name == "h264"
        assert stream.codec_context.pix_fmt == "yuv420p"
        frames = [(f.time, f.to_ndarray(format="bgr24")) for f in media.decode(stream)]
    np.testing.assert_allclose([time for time, _ in frames], np.arange(6) / 25, atol=1e-6)
    for (_, got), want in zip(frames, shots(), strict=True):
        assert got.shape == want.image.shape
        assert np.abs(got.astype(int) - want.image).mean() < 12
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]


def test_the_truth_is_a_line_a_frame(tmp_path):
    clip.write(shots(4), tmp_path / "a.mp4", 25, tmp_path / "t.jsonl")
    lines = [json.loads(line) for line in (tmp_path / "t.jsonl").read_text().splitlines()]
    assert [line["frame"] for line in lines] == [0, 1, 2, 3]
    assert lines[3]["time_s"] == pytest.approx(0.12)
    for line, shot in zip(lines, shots(4), strict=True):
        assert line["cards"] == 30
        assert [k["name"] for k in line["keypoints"]] == list(KEYPOINTS)
        xy = [(k["x"], k["y"]) for k in line["keypoints"]]
        np.testing.assert_allclose(xy, shot.xy, atol=0.01)
        assert [k["visible"] for k in line["keypoints"]] == shot.visible.tolist()


def test_a_clip_that_breaks_off_leaves_no_file(tmp_path):
    def broken():
        yield from islice(shots(), 2)
        raise RuntimeError("the renderer broke")

    with pytest.raises(RuntimeError, match="the renderer broke"):
        clip.write(broken(), tmp_path / "a.mp4", 25, tmp_path / "t.jsonl")
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_a_clip_is_refused(tmp_path):
    with pytest.raises(ValueError, match="at least one frame"):
        clip.write([], tmp_path / "a.mp4", 25)
    with pytest.raises(ValueError, match="even, got 65x48"):
        clip.write(shots(2, (48, 65)), tmp_path / "a.mp4", 25)
    assert list(tmp_path.iterdir()) == []
