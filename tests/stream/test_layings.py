"""Looks → layings: where one ends, what is robust in it and how sure it is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.layings import CORRELATED_S, GONE_S, Layings, Look, network_cards


def look(time_s: float, thickness_mm: float = 10.0, cards: float | None = 30.0) -> Look:
    return Look(time_s, thickness_mm, 900.0, cards)


def seen(*thicknesses: float, fps: float = 30.0, stills: bool = False) -> Layings:
    layings = Layings(stills=stills)
    for index, mm in enumerate(thicknesses):
        layings.look(look(index / fps, mm))
    return layings


def test_a_packet_taken_out_of_the_picture_was_laid_down_anew():
    layings = Layings()
    for start_s, mm in ((0.0, 10.0), (5.0, 11.0)):
        for i in range(30):
            layings.look(look(start_s + i / 30, mm))
        for i in range(30):
            layings.gone(start_s + 1 + i / 30)
    assert [one.thickness_mm for one in layings.layings()] == [10.0, 11.0]
    assert layings.current_s == 0.0


def test_frames_between_that_tell_nothing_still_show_the_packet():
    layings = Layings()
    for i in range(30):
        layings.look(look(i / 30))
    layings.gone(1.0)
    layings.there()
    layings.gone(1.0 + 2 * GONE_S)
    layings.look(look(1.1 + 2 * GONE_S))
    assert layings.counts == [31]


def test_a_blink_is_no_new_laying_however_often():
    layings = Layings()
    for i in range(60):
        layings.look(look(i * GONE_S))
        layings.gone((i + 0.1) * GONE_S)
        layings.gone((i + 0.9) * GONE_S)
    assert layings.counts == [60]


def test_pictures_are_one_laying_whatever_is_between_them():
    layings = Layings(stills=True)
    for i in range(6):
        layings.look(look(i * 10.0))
        layings.gone(i * 10.0 + 1)
        layings.gone(i * 10.0 + 9)
    assert layings.counts == [6]


def test_a_laying_looked_at_too_little_says_nothing():
    assert seen(*[10.0] * 19).layings() == []
    assert seen(*[10.0] * 19).looks == []
    assert seen(*[10.0] * 19).counts == [19]
    assert seen(*[10.0] * 19).current_s == 0.0
    assert len(seen(*[10.0] * 20).layings()) == 1
    assert seen(*[10.0] * 31).current_s == pytest.approx(1.0)
    assert len(seen(*[10.0] * 5, stills=True).layings()) == 1


@given(st.floats(2, 20), st.integers(21, 60), st.floats(-50, 50))
def test_a_few_wrong_looks_change_nothing(thickness, count, wrong):
    one = seen(*[thickness] * count, *[thickness + wrong] * (count // 4)).layings()[0]
    assert one.thickness_mm == thickness
    assert one.spread_mm == 0.0


def test_the_doubt_of_a_median_is_that_of_simulated_ones():
    rng = np.random.default_rng(3)
    fps = 1 / CORRELATED_S  # each look on its own
    found = [seen(*rng.normal(10, 0.5, 40), fps=fps).layings()[0] for _ in range(300)]
    off = np.std([one.thickness_mm for one in found])
    assert np.median([one.sd_mm for one in found]) == pytest.approx(off, rel=0.15)


def test_frames_that_follow_each_other_are_not_counted_as_independent():
    rng = np.random.default_rng(4)
    mm = rng.normal(10, 0.5, 120)
    assert seen(*mm, fps=60).layings()[0].sd_mm > 2 * seen(*mm, fps=1).layings()[0].sd_mm
    assert seen(*mm, fps=1000).layings()[0].sd_mm < 0.8  # never worse than a single look


def test_looks_that_do_not_agree_are_unsteady():
    rng = np.random.default_rng(5)
    assert seen(*rng.normal(16, 0.5, 60)).unsteady() is None
    wild = seen(*rng.normal(16, 4.0, 60)).unsteady()
    assert wild is not None
    assert wild.spread_mm > 2
    assert seen(*rng.normal(1.2, 0.4, 60)).unsteady() is None  # four cards cannot do better


def test_the_networks_count_is_a_median_where_it_can_count_so_high():
    assert network_cards([look(0, cards=n) for n in (29.0, 30.0, 52.0)], 52) == 30.0
    assert network_cards([look(0, cards=49.0)], 52) is None
    assert network_cards([look(0, cards=None)], 52) is None
    assert network_cards([look(0)], None) is None
