import threading
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.frame import SourceError
from stream.sources.synthetic import open_source

SMALL = "synth:cards=12&seed=3&size=64x48&fps=25&frames=4"


def test_frames_come_in_order_with_their_truth():
    source = open_source(SMALL)
    frames = list(source)
    assert [f.index for f in frames] == [0, 1, 2, 3]
    assert [f.pts_s for f in frames] == [0, 0.04, 0.08, 0.12]
    assert {f.source for f in frames} == {SMALL}
    info = source.info
    assert (info.name, info.live, info.stills) == (SMALL, False, False)
    assert (info.size_hw, info.fps, info.frames) == ((48, 64), 25, 4)
    for frame in frames:
        truth = source.truth(frame.index)
        assert truth.cards == 12
        np.testing.assert_array_equal(truth.image, frame.image)


def test_without_options_it_is_ten_seconds_of_720p():
    info = open_source("synth:").info
    assert (info.size_hw, info.fps, info.frames, info.live) == ((720, 1280), 30, 300, False)


def test_cards_zero_shows_no_packet():
    source = open_source("synth:cards=0&size=32x32&frames=1")
    assert [source.truth(f.index).cards for f in source] == [0]


def test_the_seed_draws_the_cards():
    counts = {open_source(f"synth:size=32x32&seed={seed}").clip.cards for seed in range(8)}
    assert len(counts) > 3


def test_a_live_one_keeps_to_the_clock_and_has_no_media_time():
    source = open_source("synth:size=32x32&fps=50&frames=11&live=1")
    start = time.monotonic()
    frames = list(source)
    assert source.info.live
    assert time.monotonic() - start >= 0.19
    for frame in frames:
        assert frame.captured_s - start >= frame.index / 50
        assert frame.pts_s is None


def test_a_live_one_skips_what_it_is_late_for():
    source = open_source("synth:size=32x32&fps=100&live=1")
    assert source.info.frames is None
    frames = iter(source)
    assert next(frames).index == 0
    time.sleep(0.2)
    assert next(frames).index >= 20
    source.close()
    source.close()
    assert list(frames) == []


def test_close_ends_the_wait_for_a_frame():
    source = open_source("synth:size=32x32&fps=1&live=1")
    threading.Timer(0.1, source.close).start()
    start = time.monotonic()
    assert len(list(source)) == 1
    assert time.monotonic() - start < 0.9


@pytest.mark.parametrize(
    "bad",
    ["card=3", "cards=53", "cards=-1", "cards=", "cards=3&cards=4", "size=640", "size=8x8",
     "fps=nan", "fps=0", "live=yes", "frames=0", "seed=x", "seed", "&", "cards=1&", "cards=٣",
     "size=9x9x9", "frames=" + "9" * 5000],
)  # fmt: skip
def test_a_bad_option_is_named_with_what_is_allowed(bad):
    with pytest.raises(SourceError, match="allowed are cards=") as caught:
        open_source("synth:" + bad)
    assert bad.split("&")[0].split("=")[0] in str(caught.value)


@settings(max_examples=30)
@given(st.text(max_size=12))
def test_no_text_does_anything_but_open_or_say_what_is_wrong(text):
    said = "allowed"
    try:
        source = open_source("synth:size=32x32&" + text)
    except SourceError as error:
        said = str(error)
    else:
        assert source.info.size_hw == (32, 32)
    assert "allowed" in said
