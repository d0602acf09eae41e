"""What the corners and the network say of a packet becomes one count, with its doubt."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lying import HW, POKER, shown

from engines.spec import ModelSpec
from stream.decks import DECKS
from stream.decode import count_of
from stream.focal import FILM_DIAGONAL_MM
from stream.frame import Frame, Packet
from stream.packet import EDGES, FLIP, KEYPOINTS
from stream.reading import (
    ASTRAY,
    BODY_WEIGHT,
    LESS_SURE,
    SURE_PEAK,
    Reader,
    bins,
    sureness,
    together,
)

SPEC = ModelSpec("packet", KEYPOINTS, EDGES, FLIP, (256, 256), 4, 6.0, 52)
FACES = ModelSpec("faces", ("eye", "nose"), ((0, 1),), (0, 1), (256, 256), 4, 6.0, None)


def frame(focal_35mm=None):
    return Frame(np.zeros((*HW, 3), np.uint8), 0, 0.0, 0.0, "test", focal_35mm)


def packet(**scene):
    xy, visible, _ = shown(**scene)
    return Packet(xy, np.full(8, 0.95), visible)


def network(mean, sd=2.0, nothing=0.0):
    counts = np.arange(53)
    odds = np.exp(-np.square(counts - mean) / (2 * sd * sd))
    odds[0] = 0.0
    odds *= (1 - nothing) / odds.sum()
    odds[0] = nothing
    return odds


def read(deck, said, seen, focal_35mm=None):
    return Reader(SPEC, deck, stills=True).read(seen, said, frame(focal_35mm))


def learnt(**figures):
    return replace(DECKS["poker"], card_sd_mm=0.004, slack_sd_mm=0.1, laid_sd=0.03, **figures)


def test_the_thickness_has_a_say_unless_the_network_is_to_count_alone():
    seen = packet(thickness_mm=30 * POKER.card_mm)
    reading = read(None, network(34), seen)
    assert reading.doubt is None
    assert 31 < count_of(reading.distribution).median < 33.7
    surer = read(None, network(34), replace(seen, covariance=np.tile(0.01 * np.eye(2), (8, 1, 1))))
    assert count_of(surer.distribution).median < count_of(reading.distribution).median
    alone = Reader(SPEC, None, stills=True, body=False).read(seen, network(34), frame())
    assert count_of(alone.distribution).median == pytest.approx(34, abs=0.1)


def test_a_measured_deck_pulls_the_count_towards_its_thickness():
    seen = packet(thickness_mm=30 * POKER.card_mm)
    plain = count_of(read(None, network(34), seen).distribution).median
    known = count_of(read(learnt(), network(34), seen).distribution).median
    assert 29.5 < known < plain - 0.3


def test_the_higher_the_peaks_the_surer_the_count():
    widths = []
    for height in (0.98, 0.92, 0.85, 0.7, 0.5):
        seen = replace(
            packet(thickness_mm=30 * POKER.card_mm), covariance=np.tile(np.eye(2), (8, 1, 1))
        )
        count = count_of(
            read(None, network(30), replace(seen, score=np.full(8, height))).distribution
        )
        assert count.median == pytest.approx(30, abs=1.0)
        widths.append(count.high - count.low)
    assert widths == sorted(widths)
    assert widths[-1] > 1.5 * widths[0]
    hidden = Packet(packet().xy, np.full(8, 0.95), np.zeros(8, bool))
    assert sureness(hidden) == sureness(replace(hidden, score=np.zeros(8))) < 1


def test_corners_that_fit_no_block_make_the_count_less_sure():
    seen = packet(thickness_mm=30 * POKER.card_mm)
    bent = seen.xy.copy()
    bent[[2, 7]] += (6.0, -9.0)
    straight, odd = (
        count_of(read(None, network(30, sd=8.0), replace(seen, xy=xy)).distribution)
        for xy in (seen.xy, bent)
    )
    assert odd.high - odd.low > straight.high - straight.low


def test_a_deck_of_thin_cards_holds_more_of_them():
    ratio = 0.31 / 0.25
    seen = packet(thickness_mm=30 * 0.31)
    reading = read(learnt(card_mm=0.25, network_ratio=ratio), network(30), seen)
    assert count_of(reading.distribution).median == pytest.approx(30 * ratio, abs=1.0)


@pytest.mark.parametrize("kind", ["bridge", "jumbo", "tarot", "mini"])
def test_a_kind_of_another_size_is_counted_as_such(kind):
    deck, poker = DECKS[kind], DECKS["poker"]
    larger = np.sqrt(deck.width_mm * deck.height_mm / (poker.width_mm * poker.height_mm))
    assert min(1, larger) - 0.01 < deck.network_ratio < max(1, larger)  # and never the other way
    assert deck.network_ratio != 1
    nowhere = Packet(packet().xy, np.full(8, 0.95), np.arange(8) < 2)  # no body to say more
    reading = read(deck, network(20), nowhere)
    assert count_of(reading.distribution).median == pytest.approx(20 * deck.network_ratio, abs=0.3)


def test_a_whole_deck_of_small_cards_is_more_than_the_network_can_say():
    nowhere = Packet(packet().xy, np.full(8, 0.95), np.arange(8) < 2)
    said = np.zeros(53)
    said[52] = 1.0  # so many poker cards or more: a deck of mini cards looks like 65
    count = count_of(read(DECKS["mini"], said, nowhere).distribution)
    assert count.low <= 43
    assert count.high == 52
    assert count.median == pytest.approx((0.8 * 52 + 52) / 2, abs=1.0)
    said[[40, 52]] = 0.5  # which of two it is stays as open as it was
    seen = replace(nowhere, score=np.full(8, SURE_PEAK))
    assert read(DECKS["mini"], said, seen).distribution[:36].sum() == pytest.approx(0.5, abs=0.01)


def test_no_count_is_above_the_deck_and_a_packet_is_as_likely_as_before():
    deck = replace(DECKS["poker"], cards=20)
    reading = read(deck, network(34, nothing=0.125), packet(thickness_mm=20 * 0.31))
    assert len(reading.distribution) == 53 == bins(SPEC, deck) == bins(SPEC, None)
    assert not reading.distribution[21:].any()
    assert reading.distribution[0] == pytest.approx(0.125)
    assert reading.distribution.sum() == pytest.approx(1.0)


def test_a_tarot_deck_may_hold_more_than_the_network_can_say():
    deck = replace(DECKS["poker"], cards=78, laid_sd=0.02, card_sd_mm=0.004, slack_sd_mm=0.1)
    said = np.zeros(53)
    said[52] = 1.0
    reading = read(deck, said, packet(thickness_mm=70 * POKER.card_mm, distance_mm=350.0))
    assert len(reading.distribution) == 79 == bins(SPEC, deck)
    assert count_of(reading.distribution).median > 60


def test_a_packet_too_far_away_is_not_counted():
    reading = read(None, network(30), packet(distance_mm=2500.0))
    assert reading.distribution is None
    assert reading.doubt is not None
    assert reading.doubt.startswith("too far: the packet is ")
    assert "60" in reading.doubt


def test_corners_that_are_no_packet_of_the_deck_are_doubted():
    seen = packet()
    xy = seen.xy.copy()
    xy[2] += (0.0, 60.0)
    xy[7] -= (50.0, 0.0)
    bent = Packet(xy, np.full(8, 0.98), np.ones(8, bool))
    assert read(DECKS["poker"], network(30), bent).doubt is not None
    assert read(DECKS["poker"], network(30), seen).doubt is None


def test_what_a_photograph_says_of_its_lens_is_used():
    focal_px = 1500.0
    mm = focal_px * FILM_DIAGONAL_MM / float(np.hypot(*HW))
    seen = packet(
        focal_px=focal_px, distance_mm=900.0, thickness_mm=30 * POKER.card_mm, elevation_deg=25.0
    )
    deck = learnt()
    told = count_of(read(deck, network(30, sd=20.0), seen, mm).distribution)
    guessed = count_of(read(deck, network(30, sd=20.0), seen).distribution)
    assert told.median == pytest.approx(30, abs=2.0)
    assert told.high - told.low <= guessed.high - guessed.low


def test_a_film_learns_its_focal_length():
    reader = Reader(SPEC, learnt(), stills=False)
    for azimuth in range(0, 360, 12):
        scene = {"focal_px": 900.0, "distance_mm": 500.0, "thickness_mm": 30 * POKER.card_mm}
        seen = packet(**scene, azimuth_deg=float(azimuth))
        reading = reader.read(seen, network(30, sd=20.0), frame())
        reader.lost()
    assert count_of(reading.distribution).median == pytest.approx(30, abs=1.5)


@given(
    st.tuples(st.floats(20, 30), st.floats(3, 8)), st.tuples(st.floats(20, 30), st.floats(2, 30))
)
def test_network_and_thickness_have_their_say_by_how_sure_they_are(says, thick):
    (mean, sd), (thick_mean, thick_sd) = says, thick
    counts = np.arange(1, 53)
    spreads = [
        np.sqrt(p @ (np.arange(53) - p @ np.arange(53)) ** 2 + 1 / 12)
        for p in (network(mean, sd), network(thick_mean, thick_sd))
    ]
    weight = BODY_WEIGHT * min(1, LESS_SURE * spreads[0] / spreads[1])
    off = (1 - weight) * ((counts - mean) / sd) ** 2 + weight * (
        (counts - thick_mean) / thick_sd
    ) ** 2
    both = np.exp((off.min() - off) / 2)
    expected = (1 - ASTRAY) * both / both.sum() + ASTRAY * network(mean, sd)[1:]
    found = together(network(mean, sd), network(thick_mean, thick_sd))
    assert found[1:] == pytest.approx(expected, abs=0.01)  # where one rules out, the other may not


def test_pictures_are_each_read_alone_however_quickly_they_come():
    reader = Reader(SPEC, learnt(), stills=True)
    for cards in (15, 40, 15):
        seen = packet(thickness_mm=cards * POKER.card_mm)
        alone = Reader(SPEC, learnt(), stills=True).read(seen, network(30, sd=20.0), frame())
        again = reader.read(seen, network(30, sd=20.0), frame())
        assert np.array_equal(again.distribution, alone.distribution)


@pytest.mark.parametrize("began_s", [0.0, 100.0])
def test_a_films_body_is_solved_ten_times_a_second(began_s):
    reader = Reader(SPEC, learnt(), stills=False)
    thin, thick = (packet(thickness_mm=cards * POKER.card_mm) for cards in (15, 40))
    counts = []
    for seen, time_s in ((thin, 0.0), (thick, 0.05), (thick, 0.15), (thin, 0.1)):
        at = replace(frame(), pts_s=began_s + time_s)
        reading = reader.read(seen, network(30, sd=20.0), at)
        counts.append(count_of(reading.distribution).median)
    assert counts[1] == counts[0]
    assert counts[2] > counts[0] + 15
    assert counts[3] < counts[0] + 2  # time that runs backwards is another film


def test_without_any_corner_the_network_is_too_far_away():
    nowhere = Packet(np.full((8, 2), np.nan), np.zeros(8), np.zeros(8, bool))
    assert read(None, network(30), nowhere).distribution is None


def test_with_too_few_corners_the_network_speaks_alone():
    seen = packet()
    few = Packet(seen.xy, seen.score, np.arange(8) < 2)
    reading = read(None, network(30), few)
    assert count_of(reading.distribution).median == pytest.approx(30, abs=0.1)


def test_other_keypoints_are_left_alone():
    reader = Reader(FACES, DECKS["poker"], stills=False)
    eyes = Packet(np.ones((2, 2)), np.ones(2), np.ones(2, bool))
    assert reader.read(eyes, None, frame()).distribution is None
    assert reader.read(eyes, None, frame()).doubt is None
    assert bins(FACES, DECKS["poker"]) == 0
    some = replace(FACES, max_cards=9)
    said = np.full(10, 0.1)
    assert Reader(some, DECKS["poker"], stills=False).read(eyes, said, frame()).distribution is said
    assert bins(some, DECKS["poker"]) == 10


def test_a_packet_of_which_two_corners_are_found_is_not_only_told_to_come_nearer():
    whole = packet(distance_mm=400.0)
    xy = np.where(np.isin(np.arange(8), [4, 6])[:, None], whole.xy, np.nan)
    reading = read(None, network(30), replace(whole, xy=xy))
    assert reading.distribution is None
    assert reading.doubt is not None
    assert "2 of 8 corners" in reading.doubt
    assert "show more of it" in reading.doubt
