"""The arithmetic of a calibration against closed forms and against simulated decks."""

from __future__ import annotations

from dataclasses import replace
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.calibration import (
    CARD_MM,
    LAID_SD,
    NETWORK_SD,
    PLACE_SD,
    Calibration,
    Record,
    error_cards,
    laid_sd,
    likely_counts,
    network_ratio,
    objection,
    posterior,
)
from stream.decks import DECKS

POKER = DECKS["poker"]


def record(
    cards: int, *layings_mm: float, frame_sd_mm: float = 0.1, network: float | None = None
) -> Record:
    return Record(
        cards, layings_mm, frame_sd_mm, network, "2026-01-02T03:04+00:00", "camera 0", (720, 1280),
        "packet-nano", 900.0,
    )  # fmt: skip


def known(*records: Record) -> Calibration:
    return Calibration("poker", records)


counts = st.integers(4, 60)
cards_mm = st.floats(0.26, 0.36)


@given(counts, cards_mm)
def test_one_record_is_the_textbooks_update_of_two_numbers(cards, card_mm):
    one = record(cards, cards * card_mm)
    # Kalman's form, a scalar innovation, in place of the sum of precisions
    cov = np.diag([POKER.card_sd_mm**2, POKER.slack_sd_mm**2])
    row = np.array([cards, 1.0])
    gain = cov @ row / (row @ cov @ row + one.sd_mm(LAID_SD) ** 2)
    mean = np.array([POKER.card_mm, POKER.slack_mm])
    mean = mean + gain * (one.thickness_mm - row @ mean)
    got_mean, got_cov = posterior("poker", [one])
    np.testing.assert_allclose(got_mean, mean, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(got_cov, cov - np.outer(gain, row @ cov), rtol=1e-9, atol=1e-15)


@given(st.lists(st.tuples(counts, cards_mm), min_size=1, max_size=5), st.randoms())
def test_the_order_of_the_records_is_nothing_and_each_makes_it_surer(seen, random):
    records = [record(n, n * mm) for n, mm in seen]
    mean, cov = posterior("poker", records)
    random.shuffle(records)
    again = posterior("poker", records)
    np.testing.assert_allclose(mean, again[0], rtol=1e-9)
    np.testing.assert_allclose(cov, again[1], rtol=1e-9)
    before = posterior("poker", records[:-1])[1]
    assert np.linalg.eigvalsh(before - cov).min() > -1e-9


def test_two_counts_tell_card_and_slack_apart_one_does_not():
    def sds(*records):
        cov = posterior("poker", records)[1]
        return float(cov[0, 0] ** 0.5), float(cov[1, 1] ** 0.5)

    layings = [1.0, 1.001, 0.999] * 40  # a packet that always lies alike, laid very often
    whole = record(52, *[16.12 * part for part in layings], frame_sd_mm=0.01)
    half = record(20, *[6.2 * part for part in layings], frame_sd_mm=0.01)
    few = record(4, *[1.24 * part for part in layings], frame_sd_mm=0.01)
    assert sds(whole)[1] > 0.19
    assert sds(whole, half, few)[1] < 0.1
    assert sds(whole, half, few)[0] < 0.9 * sds(whole)[0]


def test_without_records_the_deck_is_the_tables():
    assert known().deck() == POKER
    assert posterior("poker", [])[0] == pytest.approx([POKER.card_mm, POKER.slack_mm])


def test_the_decks_doubt_of_a_thickness_is_that_of_the_posterior():
    calibration = known(record(52, 15.1, 15.6, 15.3), record(26, 7.7))
    deck, (mean, cov) = calibration.deck(), posterior("poker", calibration.records)
    for cards in (1.0, 26.0, 52.0):
        row = np.array([cards, 1.0])
        assert deck.thickness_mm(cards) == pytest.approx(row @ mean)
        laid = (laid_sd(calibration.records) ** 2 + PLACE_SD**2) * (row @ mean) ** 2
        var = row @ cov @ row + laid
        assert deck.thickness_sd_mm(cards) == pytest.approx(var**0.5)
    many = np.array([1.0, 26.0, 52.0])
    assert deck.thickness_sd_mm(many)[2] == pytest.approx(deck.thickness_sd_mm(52.0))


def test_more_frames_do_not_take_the_layings_doubt_away_but_more_layings_do():
    place = 16.0 * PLACE_SD  # nor do more layings in one place take away what that place adds
    still = record(52, 16.0, frame_sd_mm=0.0)
    assert still.sd_mm(0.03) == pytest.approx(np.hypot(0.48, place))
    often = record(52, *[16.0] * 4, frame_sd_mm=0.0)
    assert often.sd_mm(0.03) == pytest.approx(np.hypot(0.24, place))


def test_a_packet_that_lies_differently_each_time_is_doubted_more():
    alike, fluffy = record(52, 16.0, 16.05, 15.95), record(52, 14.5, 16.0, 17.5)
    assert laid_sd([alike]) < LAID_SD < laid_sd([fluffy])
    assert known(fluffy).deck().card_sd_mm > known(alike).deck().card_sd_mm
    assert error_cards(known(fluffy).deck(), 52) > error_cards(known(alike).deck(), 52)


def test_intervals_hold_the_truth_of_simulated_decks():
    """Nine in ten, for the card, and for the thickness of a packet that was never measured."""
    rng = np.random.default_rng(7)
    inside, tries = np.zeros(3), 1500
    for _ in range(tries):
        card, slack = (
            rng.normal(POKER.card_mm, POKER.card_sd_mm),
            rng.normal(POKER.slack_mm, POKER.slack_sd_mm),
        )

        def packet(n, times, card=card, slack=slack):
            placed = 1 + rng.normal(0, PLACE_SD)
            lying = (slack + n * card) * placed * (1 + rng.normal(0, LAID_SD, times))
            return lying + rng.normal(0, 0.1, times)

        records = [record(n, *packet(n, 3)) for n in (52, int(rng.integers(15, 40)))]
        deck = known(*records).deck()
        inside[0] += abs(card - deck.card_mm) < 1.645 * deck.card_sd_mm
        inside[1] += abs(slack - deck.slack_mm) < 1.645 * deck.slack_sd_mm
        n = float(rng.integers(5, 52))
        lying = (slack + n * card) * (1 + rng.normal(0, np.hypot(LAID_SD, PLACE_SD)))
        inside[2] += abs(lying - deck.thickness_mm(n)) < 1.645 * deck.thickness_sd_mm(n)
    assert np.all(np.abs(inside / tries - 0.90) < 0.03), inside / tries


def test_a_sound_packet_is_not_refused():
    rng = np.random.default_rng(11)
    refused = 0
    for _ in range(400):
        card, n = rng.normal(POKER.card_mm, POKER.card_sd_mm), int(rng.integers(20, 53))
        first = record(n, *(n * card * (1 + rng.normal(0, LAID_SD, 3))))
        second = record(26, *(26 * card * (1 + rng.normal(0, LAID_SD, 3))))
        refused += objection(known(), first) is not None
        refused += objection(known(first), second) is not None
    assert refused <= 8  # of 800, beyond three standard deviations


def test_a_wrong_count_is_told_with_the_counts_that_would_fit():
    told = objection(known(), record(30, 15.6))
    assert told is not None
    assert "0.52 mm a card: no card is that thick" in told
    assert "the packet looks like 49–57 cards, not 30" in told
    assert "--force" in told
    thin = objection(known(), record(52, 9.3))
    assert thin is not None
    assert "no card is that thin" in thin
    assert "29–34 cards, not 52" in thin
    unusual = objection(known(), record(40, 16.2, 16.2, 16.3))
    assert unusual is not None
    assert "0.41 mm a card is too thick; the packet looks like 52–59 cards, not 40" in unusual

    few = objection(known(), record(10, 4.1))
    assert few is not None
    assert "0.41 mm a card is too thick" in few


def test_a_count_that_is_too_high_for_a_usual_card_is_told():
    told = objection(known(), record(40, 8.4, 8.5, 8.3))
    assert told is not None
    assert "0.21 mm a card is too thin; the packet looks like 27–30 cards, not 40" in told


def test_where_one_count_fits_it_is_named_alone():
    told = objection(known(), record(30, 0.9, frame_sd_mm=0.01))
    assert told is not None
    assert "looks like 3 cards, not 30" in told


@pytest.mark.parametrize("cards", [1, 2, 3])
def test_a_few_cards_are_allowed_their_slack(cards):
    assert objection(known(), record(cards, 0.31 * cards + 0.3)) is None
    assert objection(known(), record(cards, CARD_MM[0] * cards - 0.1)) is None
    assert objection(known(), record(cards, CARD_MM[1] * cards + 2.0)) is not None


def test_a_packet_that_contradicts_what_was_learnt_is_told():
    first = record(52, 15.4, 15.5, 15.3)
    assert objection(known(first), record(26, 7.7, 7.8, 7.6)) is None
    told = objection(known(first), record(26, 9.1, 9.2, 9.1))
    assert told is not None
    assert "26 cards are 9.1 mm thick here, but 7.7 mm by what was learnt from 52 cards" in told
    assert objection(known(), record(26, 9.1, 9.2, 9.1)) is None
    thin = objection(known(first), record(26, 6.2, 6.3, 6.2))
    assert thin is not None
    assert "26 cards are 6.2 mm thick here, but 7.7 mm" in thin
    more = known(first, record(20, 5.9), record(40, 11.8))
    told = objection(more, record(26, 9.1, 9.2, 9.1))
    assert told is not None
    assert "learnt from 52, 20 and 40 cards" in told


@given(st.floats(0.02, 30), cards_mm, st.floats(0, 1.5), st.floats(0.01, 2))
def test_the_likely_counts_are_all_within_a_deviation_or_the_nearest(mm, card_mm, slack_mm, off_mm):
    deck, new = (
        replace(POKER, card_mm=card_mm, slack_mm=slack_mm),
        record(1, mm, frame_sd_mm=off_mm),
    )
    counts = np.arange(1.0, 500.0)
    off = abs(mm - deck.thickness_mm(counts))
    fitting = counts[off <= np.hypot(deck.thickness_sd_mm(counts), new.sd_mm(LAID_SD))]
    low, high = likely_counts(deck, new)
    nearest = counts[off.argmin()]
    assert low == fitting.min(initial=nearest)
    assert high == fitting.max(initial=nearest)


def test_a_counts_error_is_met_nine_times_in_ten():
    error = error_cards(POKER, 30)
    off = NormalDist(0, POKER.thickness_sd_mm(30.0) / POKER.card_mm)
    assert off.cdf(error) - off.cdf(-error) == pytest.approx(0.9, abs=1e-3)


def test_the_networks_ratio_goes_from_its_prior_to_what_was_seen():
    assert network_ratio("poker", []) == (1.0, pytest.approx(POKER.network_ratio_sd))
    assert network_ratio("poker", [record(26, 8.0)]) == network_ratio("poker", [])
    ratio, sd = network_ratio("poker", [record(30, 9.3, network=27.0)])
    assert 1.0 < ratio < 30 / 27
    assert sd < POKER.network_ratio_sd
    closer, surer = network_ratio("poker", [record(30, 9.3, network=27.0)] * 20)
    assert closer == pytest.approx(30 / 27, abs=0.01)
    assert surer < sd


@pytest.mark.parametrize("kind", ["poker", "mini"])
def test_a_networks_reading_is_the_textbooks_update(kind):
    table = DECKS[kind]
    assert network_ratio(kind, []) == pytest.approx((table.network_ratio, table.network_ratio_sd))
    seen, sd = 20 / 22, NETWORK_SD * 20 / 22**2  # of 20 cards, read as 22 ± NETWORK_SD
    weights = np.array([table.network_ratio_sd, sd]) ** -2
    mean = weights @ [table.network_ratio, seen] / weights.sum()
    found = network_ratio(kind, [record(20, 6.0, network=22.0)])
    assert found == pytest.approx((mean, weights.sum() ** -0.5))


@pytest.mark.parametrize(("cards", "network"), [(52, 26.0), (26, 52.0)])
def test_a_reading_that_no_card_explains_is_left_out(cards, network):
    wild = record(cards, 0.31 * cards, network=network)
    assert network_ratio("poker", [wild]) == network_ratio("poker", [])


def test_a_calibration_knows_its_camera():
    deck = known(record(52, 16.0))
    assert deck.fits((720, 1280), "packet-nano")
    assert deck.fits(None, "packet-nano")
    assert not deck.fits((1080, 1920), "packet-nano")
    assert not deck.fits((720, 1280), "packet-base")


def test_a_deck_holds_at_least_what_was_counted():
    assert known(record(104, 32.0)).deck().cards == 104
    assert known(record(20, 6.2)).deck().cards == 52
