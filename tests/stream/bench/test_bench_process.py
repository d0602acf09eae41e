"""Runs in a process of their own: what comes back, and what does after trouble."""

from __future__ import annotations

import multiprocessing
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from runs import JOB, wait_until_it_runs
from trouble import interrupt, within

from stream.bench.process import measure
from stream.bench.samples import Job, Samples


@pytest.fixture(autouse=True)
def _no_process_is_left() -> Iterator[None]:
    yield
    assert multiprocessing.active_children() == []


@pytest.fixture
def job(model: Path, clip: Path, tmp_path: Path) -> Job:
    return replace(JOB, source=str(clip), engine="fake", model=model, out=tmp_path / "out.mp4")


@pytest.fixture
def live(job: Job, tmp_path: Path) -> Job:
    """A camera that gives pictures until it is told to stop."""
    np.save(tmp_path / "pictures.npy", np.full((3, 48, 64, 3), 90, np.uint8))
    return replace(job, source=None, pictures=tmp_path / "pictures.npy", out=None)


def test_every_frame_of_a_clip_is_measured_in_every_stage(job):
    kept: list[Samples] = []
    before_s = time.perf_counter()
    measure(job, kept.append)
    (samples,) = kept
    assert list(samples.index) == list(range(12))
    stages = ["read", "prepare", "engine", "decode", "track", "count", "draw", "write"]
    assert list(samples.stages_s) == stages
    columns = [samples.captured_s, samples.shown_s, samples.cpu_s, *samples.stages_s.values()]
    assert {len(column) for column in columns} == {12}
    assert before_s < samples.job.begun_s < samples.captured_s[0]
    for captured_s, shown_s, *spent_s in zip(
        samples.captured_s, samples.shown_s, *list(samples.stages_s.values())[1:], strict=True
    ):
        assert 0 < sum(spent_s) <= shown_s - captured_s
    assert list(samples.cpu_s) == sorted(samples.cpu_s)
    assert 10_000_000 < samples.resident_bytes <= samples.peak_bytes * 1.01
    assert 0 <= samples.others_share <= 1
    assert (samples.label, samples.model) == ("fake engine (coloured dots, no network)", "markers")
    assert samples.late_s is None
    assert job.out is not None
    assert job.out.stat().st_size > 0


def test_a_camera_runs_for_so_long_and_nothing_is_read(live):
    kept: list[Samples] = []
    measure(replace(live, seconds=1.0), kept.append)
    (samples,) = kept
    assert 1.0 <= samples.shown_s[-1] - samples.shown_s[0] < 10
    assert "read" not in samples.stages_s
    assert samples.info.live
    assert samples.late_s is not None
    assert samples.skipped is not None
    assert len(samples.late_s) >= len(samples.index)
    assert samples.pictures_bytes == 3 * 48 * 64 * 3


def test_ctrl_c_hands_over_what_was_measured_until_then(job, tmp_path):
    kept: list[Samples] = []

    def stop() -> None:
        wait_until_it_runs(tmp_path)
        interrupt()

    threading.Thread(target=stop).start()
    with within(40), pytest.raises(KeyboardInterrupt):
        measure(replace(job, source="synth:size=64x48&frames=1000000"), kept.append)
    (samples,) = kept
    assert len(samples.index) > 10
    assert samples.peak_bytes > 0


def test_ctrl_c_at_the_very_start_ends_it_too(live):
    threading.Timer(0.05, interrupt).start()
    with within(15), pytest.raises(KeyboardInterrupt):
        measure(live, lambda _: None)


def test_what_goes_wrong_there_is_told_here_in_one_line(job, tmp_path):
    for changed, told in (
        (replace(job, source=str(tmp_path / "missing.mp4")), "no such file"),
        (replace(job, model=tmp_path / "missing.onnx"), "missing.onnx: there is no such"),
        (replace(job, engine="abacus"), "no engine is called 'abacus'"),
        (replace(job, source="synth:size=64x48&live=1"), "say how long with --seconds"),
    ):
        with pytest.raises(RuntimeError, match=told) as caught:
            measure(changed, lambda _: None)
        assert "\n" not in str(caught.value)


def test_a_process_that_dies_is_told(live):
    def kill() -> None:
        for process in multiprocessing.active_children():
            process.kill()

    threading.Timer(1.0, kill).start()
    with within(15), pytest.raises(RuntimeError, match=r"measures fake broke off \(exit code -9\)"):
        measure(live, lambda _: None)
