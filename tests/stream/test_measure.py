"""Results of a packet of a known thickness → its record, or one line that says what is wrong."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from counted import corners, result

from stream.decks import DECKS
from stream.layings import Look
from stream.measure import FAR, MISFITTING, NOTHING, SETTLING, UNCLEAR, Measure, record

WHERE = {"source": "camera 0", "when": "2026-01-02T03:04+00:00", "model": "packet-nano"}


def measured(results, kind="poker", *, stills=False):
    measure = Measure(DECKS[kind], stills=stills)
    said = [measure.add(each) for each in results]
    return measure, said


def film(thickness_mm, count=40, start=0, noise_px=0.3, seed=0, **how):
    rng = np.random.default_rng(seed)
    for i in range(start, start + count):
        xy = corners(thickness_mm, 30 + 0.2 * i)
        yield result(i, xy + rng.normal(0, noise_px, xy.shape), **how)


def test_a_packet_is_as_thick_as_it_is():
    measure, said = measured(film(12.4))
    assert all(isinstance(each, Look) for each in said)
    made = record(measure, 40, "poker", 52, **WHERE)
    assert made.thickness_mm == pytest.approx(12.4, rel=0.03)
    assert made.focal_px == pytest.approx(576, rel=0.2)
    assert (made.cards, made.frame_hw) == (40, (480, 640))
    assert {key: getattr(made, key) for key in WHERE} == WHERE
    assert made.network_cards == 40.0


def test_each_laying_counts_once():
    results = [*film(12.4), *(result(40 + i, None) for i in range(30)), *film(13.0, start=70)]
    made = record(measured(results)[0], 40, "poker", 52, **WHERE)
    assert made.layings_mm == pytest.approx((12.4, 13.0), rel=0.03)


def test_frames_that_tell_nothing_are_passed_over_by_reason():
    flat = corners(0.4, elevation_deg=84)
    askew = corners(12.4)[[3, 6, 0, 5, 2, 7, 1, 4]]
    results = [
        result(0, None),
        result(1, corners(12.4), state="settling"),
        result(2, flat),
        result(3, askew),
        result(4, np.full((8, 2), np.nan)),
        result(5, (corners(12.4) - 300) / 6 + 300),
    ]
    _, said = measured(results, stills=True)
    assert said == [NOTHING, SETTLING, UNCLEAR, MISFITTING, MISFITTING, FAR]


def test_a_film_that_is_never_near_enough_to_settle_is_told_so():
    small = result(0, (corners(12.4) - 300) / 6 + 300, state="settling")
    _, said = measured([replace(small, count=None, doubt="too far: go nearer")])
    assert said == [FAR]


def test_single_frames_that_miss_a_packet_which_settles_are_no_new_laying():
    results = [*film(12.4)]
    for i in range(40, 160):
        missed = i in {50, 140}
        results.append(result(i, None if missed else corners(12.4), state="settling"))
    measure, _ = measured([*results, *film(12.4, start=160)])
    assert measure.layings.counts == [80]


def test_too_few_frames_are_told_with_the_reason_of_most():
    results = [*film(12.4, 7), *(result(i, None) for i in range(7, 20))]
    with pytest.raises(ValueError, match="7 of 20 frames tell a thickness") as raised:
        record(measured(results)[0], 40, "poker", 52, **WHERE)
    assert NOTHING in str(raised.value)
    assert "nothing is kept" in str(raised.value)


def test_nothing_at_all_is_told_too():
    with pytest.raises(ValueError, match="0 of 0 frames"):
        record(measured([])[0], 40, "poker", 52, **WHERE)


def test_what_is_no_packet_of_that_kind_is_told():
    with pytest.raises(ValueError, match=r"no packet of tarot cards \(70 × 120 mm\)"):
        record(measured(film(12.4, noise_px=25.0), "tarot")[0], 40, "tarot", 52, **WHERE)


def test_a_thickness_that_jumps_is_told():
    results = [each for i in range(30) for each in film(6 + 9 * (i % 2), 1, i)]
    with pytest.raises(ValueError, match="from frame to frame"):
        record(measured(results)[0], 40, "poker", 52, **WHERE)
