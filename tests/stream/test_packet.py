"""The names, edges and symmetries of a packet fit each other."""

from dataclasses import replace
from functools import cache
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lying import HW, POKER, shown

from stream.cuboid import Body, solve
from stream.decks import DECKS
from stream.decode import count_of
from stream.packet import (
    EDGES,
    FLIP,
    KEYPOINTS,
    TURN,
    USUAL_RESIDUAL,
    canonical,
    cards_of,
    sigma_of,
)

PARTS = [set(name.split("_")) for name in KEYPOINTS]
ROWS = st.floats(-1000, 1000)


def test_edges_join_the_corners_that_differ_in_one_word():
    expected = {(a, b) for a in range(8) for b in range(a + 1, 8) if len(PARTS[a] & PARTS[b]) == 2}
    assert len(expected) == 12
    assert {(min(edge), max(edge)) for edge in EDGES} == expected
    assert len(EDGES) == 12


def test_flip_changes_left_and_right_only():
    for i, name in enumerate(KEYPOINTS):
        swapped = name.replace("left", "?").replace("right", "left")
        assert KEYPOINTS[FLIP[i]] == swapped.replace("?", "right")


def test_turn_changes_both_sides_and_keeps_the_face():
    swap = {"upper": "lower", "lower": "upper", "left": "right", "right": "left"}
    for i, parts in enumerate(PARTS):
        assert PARTS[TURN[i]] == {swap.get(word, word) for word in parts}


@given(st.lists(ROWS, min_size=8, max_size=8))
def test_the_upper_side_stands_higher(rows):
    xy = np.stack([np.arange(8.0), np.array(rows)], axis=1)
    order = canonical(xy)
    assert order in (list(range(8)), list(TURN))
    turned = xy[order]
    assert turned[:4, 1].mean() <= turned[4:, 1].mean() + 1e-9


def test_a_packet_the_right_way_up_stays_and_one_upside_down_is_turned():
    xy = np.stack([np.arange(8.0), np.repeat([10.0, 90.0], 4)], axis=1)
    assert canonical(xy) == list(range(8))
    assert canonical(xy * (1, -1)) == list(TURN)


def test_a_packet_upside_down_is_turned_by_the_corners_that_are_found():
    xy = np.stack([np.arange(8.0), np.repeat([90.0, 10.0], 4)], axis=1)
    xy[[0, 3, 6]] = np.nan
    assert canonical(xy) == list(TURN)


def test_corners_that_are_not_found_do_not_turn_a_packet():
    xy = np.full((8, 2), np.nan)
    xy[:4] = 900.0
    assert canonical(xy) == list(range(8))


def test_a_deck_of_poker_cards_has_the_size_of_one():
    deck = DECKS["poker"]
    assert (deck.width_mm, deck.height_mm) == (63.0, 88.0)
    assert 0.25 <= deck.card_mm <= 0.35


def test_a_higher_peak_and_a_smaller_packet_are_placed_better():
    sigma = sigma_of(np.array([0.0, 0.2, 0.6, 0.95, np.nan]), 400.0)
    assert np.isinf(sigma[[0, 4]]).all()
    assert sigma[1:4] == pytest.approx([54, 9.3, 1.99], rel=0.01)
    assert sigma_of(np.array([0.6]), 100.0) == pytest.approx(sigma[2] / 4)


@cache
def some_body() -> Body:
    xy, _, _ = shown()
    body = solve(xy, np.full(8, 0.5), HW, POKER)
    assert body is not None
    return body


def of(thickness_mm: float, sd_mm: float, residual_sigma: float = 0.5) -> Body:
    """A body as it would be, had it been found so thick with such a doubt."""
    found = {"thickness_mm": thickness_mm, "thickness_sd_mm": sd_mm}
    return replace(some_body(), **found, residual_sigma=residual_sigma)


@given(st.floats(-2, 25), st.floats(0.01, 50), st.floats(0, 30), st.sampled_from(sorted(DECKS)))
def test_a_thickness_becomes_a_distribution(thickness_mm, sd_mm, residual_sigma, name):
    deck = DECKS[name]
    found = cards_of(of(thickness_mm, sd_mm, residual_sigma), deck, 52)
    assert found.shape == (53,)
    assert found[0] == 0
    assert (found[1:] >= 0).all()
    assert found.sum() == pytest.approx(1)


@given(st.integers(1, 40), st.floats(0.05, 3), st.floats(0, 12), st.sampled_from(sorted(DECKS)))
def test_the_odds_of_a_count_are_those_of_its_thickness(cards, sd_mm, residual_sigma, name):
    deck = replace(DECKS[name], slack_mm=0.3, cards=40, laid_sd=0.04)
    thickness_mm = deck.thickness_mm(float(cards))
    measured = sd_mm * max(1.0, residual_sigma / USUAL_RESIDUAL)
    odds = [
        NormalDist(deck.thickness_mm(n), np.hypot(measured, deck.thickness_sd_mm(n))).pdf(
            thickness_mm
        )
        for n in map(float, range(1, 41))
    ]
    found = cards_of(of(thickness_mm, sd_mm, residual_sigma), deck, 52)
    assert found[1:41] == pytest.approx(np.array(odds) / sum(odds))
    assert not found[41:].any()


def test_a_thickness_far_from_any_count_is_the_nearest():
    sure = replace(POKER, card_sd_mm=0.0, slack_sd_mm=0.01)
    assert cards_of(of(200.0, 0.01), sure, 52)[52] == pytest.approx(1)
    assert cards_of(of(-9.0, 0.01), sure, 52)[1] == pytest.approx(1)


def test_the_count_is_the_thickness_by_the_card():
    sure = replace(POKER, card_sd_mm=0.001, slack_mm=0.4, slack_sd_mm=0.01)
    found = cards_of(of(0.4 + 20 * POKER.card_mm, 0.05), sure, 52)
    assert found.argmax() == 20
    assert found[20] > 0.95


def test_every_doubt_widens_it():
    counts = [
        count_of(cards_of(body, deck, 52))
        for body, deck in (
            (of(9.3, 0.1), replace(POKER, card_sd_mm=0.0, slack_sd_mm=0.05)),
            (of(9.3, 0.6), replace(POKER, card_sd_mm=0.0, slack_sd_mm=0.05)),
            (of(9.3, 0.6, 9.0), replace(POKER, card_sd_mm=0.0, slack_sd_mm=0.05)),
            (of(9.3, 0.6, 9.0), replace(POKER, card_sd_mm=0.06, slack_sd_mm=0.05)),
            (of(9.3, 0.6, 9.0), replace(POKER, card_sd_mm=0.06, slack_sd_mm=3.0)),
            (of(9.3, 200.0), POKER),
        )
    ]
    assert all(count is not None for count in counts)
    widths = [count.high - count.low for count in counts if count]
    assert widths == sorted(set(widths))
    assert widths[0] <= 2
    assert widths[-1] >= 45  # nothing known: any number


def test_no_more_cards_than_the_deck_or_the_model_has():
    assert cards_of(of(15, 0.3), replace(POKER, cards=32), 52)[33:].sum() == 0
    assert cards_of(of(15, 0.3), POKER, 40).shape == (41,)
    assert cards_of(of(23, 0.3), DECKS["tarot"], 78).argmax() > 70
