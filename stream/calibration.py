"""Packets whose cards were counted by hand → what is known of a deck's card. Pure arithmetic.

A packet of n cards is `slack + n · card` millimetres thick. The two are Gaussian: what the table
says of any deck, and after each measured packet what follows from it by Bayes' rule for linear
models (Bishop, Pattern Recognition and Machine Learning, 3.49 to 3.51). A packet lies thicker or
thinner each time it is laid down, which no number of pictures of one laying makes smaller.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import hypot
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from stream.decks import DECKS, Deck

LAID_SD = 0.045
"""How far a packet's measured thickness is off from one laying to the next, a part of it …"""

LAID_WEIGHT = 2.0
"""… and how many layings' worth of evidence that is, beside the differences that were measured."""

PLACE_SD = 0.02
"""The same of all layings of a record: light, lens and the side that the camera sees from. Both
together are what packets of one deck, hand-labelled in 27 clips of 15 to 46 cards, differ by."""

NETWORK_SD = 1.5
"""Cards by which the network's reading of one packet is off for reasons other than its card."""

CARD_MM = (0.2, 0.42)
"""Paper and plastic cards are between these, whatever the deck."""

FAR_SD = 3.0
"""What is farther off than so many standard deviations is a mistake, not chance."""


@dataclass(frozen=True, slots=True)
class Record:
    """One packet that was counted and measured: `cards` of them, laid down once or more.

    `layings_mm` is how thick it was each time. `frame_sd_mm` is how far such a figure is off
    because pictures are: of one laying, one standard deviation. `network_cards` is the count that
    the network gave. The rest says where it was: ISO time, source, (height, width) of a frame,
    model and focal length.
    """

    cards: int
    layings_mm: tuple[float, ...]
    frame_sd_mm: float
    network_cards: float | None
    when: str
    source: str
    frame_hw: tuple[int, int]
    model: str
    focal_px: float

    @property
    def thickness_mm(self) -> float:
        """Mean of the layings."""
        return fmean(self.layings_mm)

    def sd_mm(self, laid_sd: float) -> float:
        """How far `thickness_mm` is from what the packet is on average, laid down again and again.

        `laid_sd` is how far a single laying is off, as a part of the thickness.
        """
        single = (laid_sd * self.thickness_mm) ** 2 + self.frame_sd_mm**2
        place = (PLACE_SD * self.thickness_mm) ** 2
        return float((single / len(self.layings_mm) + place) ** 0.5)


@dataclass(frozen=True, slots=True)
class Calibration:
    """A deck of the user's: its kind, a key of `DECKS`, and the packets that were measured."""

    kind: str
    records: tuple[Record, ...] = ()

    def deck(self) -> Deck:
        """What the records say of the deck; without any, what the table says."""
        if not self.records:
            return DECKS[self.kind]
        mean, cov = posterior(self.kind, self.records)
        ratio, ratio_sd = network_ratio(self.kind, self.records)
        return replace(
            DECKS[self.kind],
            cards=max(DECKS[self.kind].cards, *(record.cards for record in self.records)),
            card_mm=float(mean[0]),
            card_sd_mm=float(cov[0, 0] ** 0.5),
            slack_mm=float(mean[1]),
            slack_sd_mm=float(cov[1, 1] ** 0.5),
            card_slack_mm2=float(cov[0, 1]),
            laid_sd=hypot(laid_sd(self.records), PLACE_SD),
            network_ratio=ratio,
            network_ratio_sd=ratio_sd,
        )

    def fits(self, frame_hw: tuple[int, int] | None, model: str) -> bool:
        """Whether a packet was measured in frames of that size, by that model; None: any size."""
        return any(
            record.model == model and frame_hw in (None, record.frame_hw) for record in self.records
        )


def posterior(
    kind: str, records: Iterable[Record]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Records → mean (2,) of (card, slack) in mm and their covariance (2, 2) in mm²."""
    records = list(records)
    table = DECKS[kind]
    prior = np.array([table.card_mm, table.slack_mm])
    precision = np.diag([table.card_sd_mm**-2, table.slack_sd_mm**-2])
    weighted = precision @ prior
    laid = laid_sd(records)
    for record in records:
        row = np.array([record.cards, 1.0])
        weight = record.sd_mm(laid) ** -2
        precision = precision + weight * np.outer(row, row)
        weighted = weighted + weight * row * record.thickness_mm
    cov = np.linalg.inv(precision)
    return cov @ weighted, (cov + cov.T) / 2


def laid_sd(records: Iterable[Record]) -> float:
    """How far a laying is off the packet's mean, as a part: what is usual and what was measured.

    The mean of the variance's inverse χ² distribution, its weight apart (Gelman et al., Bayesian
    Data Analysis, 2.6).
    """
    squares, freedom = LAID_WEIGHT * LAID_SD**2, LAID_WEIGHT
    for record in records:
        squares += sum((mm / record.thickness_mm - 1) ** 2 for mm in record.layings_mm)
        freedom += len(record.layings_mm) - 1
    return float((squares / freedom) ** 0.5)


def network_ratio(kind: str, records: Iterable[Record]) -> tuple[float, float]:
    """Records → true count / the network's, with its standard deviation.

    A reading that no card could be the cause of tells of the picture, not of the deck: it is left
    out.
    """
    table = DECKS[kind]
    total = table.network_ratio_sd**-2
    weighted = total * table.network_ratio
    for record in records:
        if record.network_cards is None:
            continue
        ratio = record.cards / record.network_cards
        sd = NETWORK_SD * ratio / record.network_cards
        if abs(ratio - table.network_ratio) <= FAR_SD * hypot(sd, table.network_ratio_sd):
            total += sd**-2
            weighted += ratio * sd**-2
    return weighted / total, total**-0.5


def objection(known: Calibration, new: Record) -> str | None:
    """Why a packet cannot have been of that many cards, in one line; None if it can."""
    table = DECKS[known.kind]
    card_mm = (new.thickness_mm - table.slack_mm) / new.cards
    low, high = CARD_MM
    sd = _predicted_sd_mm(table, known, new)
    off = abs(new.thickness_mm - table.thickness_mm(float(new.cards)))
    if not low - table.slack_sd_mm / new.cards <= card_mm <= high + table.slack_sd_mm / new.cards:
        return (
            f"{card_mm:.2f} mm a card: no card is that {_thick(table, new)}; {_alike(table, new)}"
        )
    if off > FAR_SD * sd:
        return f"{card_mm:.2f} mm a card is too {_thick(table, new)}; {_alike(table, new)}"
    if not known.records:
        return None
    deck = known.deck()
    expected = deck.thickness_mm(float(new.cards))
    if abs(new.thickness_mm - expected) > FAR_SD * _predicted_sd_mm(deck, known, new):
        before = _joined([f"{record.cards}" for record in known.records])
        return (
            f"{new.cards} cards are {new.thickness_mm:.1f} mm thick here, but {expected:.1f} mm by "
            f"what was learnt from {before} cards; {_alike(deck, new)}"
        )
    return None


def likely_counts(deck: Deck, new: Record) -> tuple[int, int]:
    """The counts within a standard deviation of what was measured, at least the nearest one."""
    nearest = max(1, round((new.thickness_mm - deck.slack_mm) / deck.card_mm))
    fitting = [
        n
        for n in range(1, 2 * nearest + 10)
        if abs(new.thickness_mm - deck.thickness_mm(float(n)))
        <= (deck.thickness_sd_mm(float(n)) ** 2 + new.sd_mm(LAID_SD) ** 2) ** 0.5
    ]
    return min([nearest, *fitting]), max([nearest, *fitting])


def error_cards(deck: Deck, cards: int) -> float:
    """How far off a count by thickness may be, 9 times in 10, however well it is measured."""
    return 1.645 * deck.thickness_sd_mm(float(cards)) / deck.card_mm


def _predicted_sd_mm(deck: Deck, known: Calibration, new: Record) -> float:
    """How far a record may be from what the deck says, if its count is right."""
    about = replace(deck, laid_sd=0.0)  # the record's own doubt has that in it
    laid = laid_sd([*known.records, new])
    return hypot(about.thickness_sd_mm(float(new.cards)), new.sd_mm(laid))


def _thick(deck: Deck, new: Record) -> str:
    return "thick" if new.thickness_mm > deck.thickness_mm(float(new.cards)) else "thin"


def _alike(deck: Deck, new: Record) -> str:
    """What count would fit, and what to do."""
    low, high = likely_counts(deck, new)
    fit = f"{low} cards" if low == high else f"{low}–{high} cards"
    return f"the packet looks like {fit}, not {new.cards}: count them again, or --force"


def _joined(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
