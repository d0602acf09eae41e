"""Which reports may be held against each other."""

from __future__ import annotations

from dataclasses import replace

import pytest
from runs import engine, report

from stream.bench.compare import incomparable, numbered, pairs, remarkable

A = report()


def test_a_report_can_be_compared_with_itself():
    assert incomparable(A, A) == []
    assert remarkable(A, A) == []


@pytest.mark.parametrize(
    ("other", "told"),
    [
        (replace(A, machine=replace(A.machine, cpu="Xeon")), "processor: AMD EPYC | Xeon"),
        (replace(A, machine=replace(A.machine, cores=8)), "cores: 2 | 8"),
        (replace(A, machine=replace(A.machine, gpus=["H100"])), "GPU: none | H100"),
        (replace(A, model=replace(A.model, sha256="cd" * 32)), "model: packet (sha256 abab"),
        (replace(A, source=replace(A.source, name="clip.mp4")), "source: rendered clip | clip.mp4"),
        (replace(A, source=replace(A.source, width=640)), "size: 1280x720 | 640x720"),
        (replace(A, settings=replace(A.settings, output="window")), "output: video | window"),
    ],
)
def test_what_makes_the_ratio_meaningless_is_named(other, told):
    (line,) = incomparable(A, other)
    assert line.startswith(told)
    assert remarkable(A, other) == []


def test_a_clip_is_itself_under_any_name():
    one, other = (
        replace(A, source=replace(A.source, name=name, sha256="12" * 32))
        for name in ("clip.mp4", "videos/clip.mp4")
    )
    assert incomparable(one, other) == []
    changed = replace(one, source=replace(one.source, sha256="34" * 32))
    assert incomparable(one, changed) == ["source: sha256 121212121212 | sha256 343434343434"]


def test_versions_are_named_but_forbid_nothing():
    packages = {"numpy": "2.1", "av": "18.1"}
    other = replace(A, kpstream="0.2.0", machine=replace(A.machine, packages=packages))
    assert incomparable(A, other) == []
    wanted = ["kpstream: 0.1.0 | 0.2.0", "numpy: 2.0 | 2.1", "av: none | 18.1"]
    assert remarkable(A, other) == wanted
    assert remarkable(A, replace(A, complete=False)) == ["ended early: False | True"]


def test_engines_are_paired_by_name_the_second_with_the_second():
    ov, ort, again = engine("ov"), engine("ort"), engine("ov", fps=(40.0,))
    found = pairs(report(ov, ort, again), report(again, ov, engine("trt")))
    assert found == [(ov, again), (again, ov)]


def test_two_single_engines_are_a_pair_whatever_their_names():
    ov, ort = engine("ov"), engine("ort")
    assert pairs(report(ov), report(ort)) == [(ov, ort)]


def test_nothing_in_common_is_told():
    with pytest.raises(ValueError, match="one has ov, the other ort, trt"):
        pairs(report(engine("ov")), report(engine("ort"), engine("trt")))


def test_a_name_is_given_once():
    assert numbered(["ov", "ort", "ov", "ov"]) == ["ov", "ort", "ov (2)", "ov (3)"]
