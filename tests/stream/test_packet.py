"""The names, edges and symmetries of a packet fit each other."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from stream.decks import DECKS
from stream.packet import EDGES, FLIP, KEYPOINTS, TURN, canonical

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


def test_corners_that_are_not_found_do_not_turn_a_packet():
    xy = np.full((8, 2), np.nan)
    xy[:4] = 900.0
    assert canonical(xy) == list(range(8))


def test_a_deck_of_poker_cards_has_the_size_of_one():
    deck = DECKS["poker"]
    assert (deck.width_mm, deck.height_mm) == (63.0, 88.0)
    assert 0.25 <= deck.card_mm <= 0.35
