"""The table of decks: how large a card is, how thick, and how many there are."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Deck:
    """A kind of card. A packet of n cards is `slack_mm + n · card_mm` thick, as it lies.

    The two spreads say how far the card and the slack of a packet that was never measured may be
    from these figures, one standard deviation each.
    """

    width_mm: float  # short side
    height_mm: float  # long side
    cards: int = 52  # in a whole deck: the most that a packet can hold
    card_mm: float = 0.31  # by hand-labelled packets of 41 counts: 0.265 to 0.35
    card_sd_mm: float = 0.02
    slack_mm: float = 0.0  # air that does not grow with the count
    slack_sd_mm: float = 0.2


DECKS = {
    "poker": Deck(63.0, 88.0),
    "bridge": Deck(57.0, 88.0),
    "jumbo": Deck(89.0, 127.0),
    "tarot": Deck(70.0, 120.0, cards=78),
    "mini": Deck(44.0, 63.0),
}
