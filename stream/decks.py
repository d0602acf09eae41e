"""The table of decks: how large a card is, how thick, and how many there are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Cards = TypeVar("Cards", float, NDArray[np.float64])


@dataclass(frozen=True, slots=True)
class Deck:
    """A kind of card. A packet of n cards is `slack_mm + n · card_mm` thick, as it lies.

    The two spreads say how far the card and the slack may be from these figures, one standard
    deviation each. What `kpstream calibrate` learnt has errors of the two that go together
    (`card_slack_mm2`, their covariance), and knows how far one packet's thickness is off from one
    laying to the next (`laid_sd`, a part of the thickness); in the table the spreads hold that too.
    """

    width_mm: float  # short side
    height_mm: float  # long side
    cards: int = 52  # in a whole deck: the most that a packet can hold
    # As benchmarks/body.py measures 33 real packets, by labels (0.296) and by its corners (0.292).
    card_mm: float = 0.295
    card_sd_mm: float = 0.02
    slack_mm: float = 0.0  # air that does not grow with the count
    slack_sd_mm: float = 0.2
    card_slack_mm2: float = 0.0
    laid_sd: float = 0.0
    network_ratio: float = 1.0  # true count / the network's, which knows an average card
    network_ratio_sd: float = 0.065  # as 0.02 mm of a card that it takes for 0.31

    def thickness_mm(self, cards: Cards) -> Cards:
        """Count → how thick such a packet should be."""
        return self.slack_mm + self.card_mm * cards

    def thickness_sd_mm(self, cards: Cards) -> Cards:
        """Count → how far off that may be, one standard deviation, with no error of measuring."""
        known = (self.card_sd_mm * cards) ** 2 + 2 * self.card_slack_mm2 * cards
        laid = (self.laid_sd * self.thickness_mm(cards)) ** 2
        sd: Cards = (known + self.slack_sd_mm**2 + laid) ** 0.5
        return sd


# The network counts in poker cards. A packet of another size looks like one of those, enlarged: its
# count would be the network's times the root of the sizes' ratio, 1.43 for jumbo, were there
# nothing else to see. What it is lies between the median ratio and that of the sums of 74 to 78
# rendered frames of each kind (docs/tried.md).
DECKS = {
    "poker": Deck(63.0, 88.0),
    "bridge": Deck(57.0, 88.0, network_ratio=0.95),
    "jumbo": Deck(89.0, 127.0, network_ratio=1.3),
    "tarot": Deck(70.0, 120.0, cards=78, network_ratio=1.18),
    "mini": Deck(44.0, 63.0, network_ratio=0.8),
}
