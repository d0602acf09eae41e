"""Frames of one counted packet → how thick it was, each time that it was laid down. Pure: no clock.

A laying ends when the packet leaves the picture. What differs from frame to frame of one laying is
the pictures' noise, which many frames make small; what differs between layings is the packet.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

import numpy as np

GONE_S = 0.5
"""A packet that was out of the picture for so long has been laid down anew."""

CORRELATED_S = 0.4
"""Frames of one laying that are less far apart err alike."""

MIN_LOOKS, MIN_STILLS = 20, 5
"""Fewer looks at a laying, or fewer pictures, say nothing of their own noise."""

UNSTEADY = 0.12
"""Looks at one laying that are spread by more than this part of its thickness …"""

UNSTEADY_MM = 0.6
"""… and by more than this are not of one packet that lies still."""

CLEAR_CARDS = 5
"""Nearer to the highest count that it can name, the network's mean is drawn down by that end."""


@dataclass(frozen=True, slots=True)
class Look:
    """What one frame says of the packet. Times are the medium's, or the clock's for a camera."""

    time_s: float
    thickness_mm: float
    focal_px: float
    network_cards: float | None


@dataclass(frozen=True, slots=True)
class Laying:
    """One time that the packet lay there: medians of its looks, and how far the first is off."""

    thickness_mm: float
    sd_mm: float  # because pictures are noisy: one standard deviation
    spread_mm: float  # of the looks, one standard deviation


class Layings:
    """Looks, frame by frame → layings. `stills`: all pictures are of one, each on its own."""

    def __init__(self, *, stills: bool = False) -> None:
        self._stills = stills
        self.least = MIN_STILLS if stills else MIN_LOOKS
        self._looks: list[list[Look]] = []
        self._gone_since_s: float | None = None
        self._anew = True

    def look(self, look: Look) -> None:
        """Take what a frame says of the packet."""
        self.there()
        if self._anew:
            self._looks.append([])
            self._anew = False
        self._looks[-1].append(look)

    def there(self) -> None:
        """A packet in the frame, whether or not it is looked at."""
        self._gone_since_s = None

    def gone(self, time_s: float) -> None:
        """No packet in the frame at `time_s`."""
        if self._stills:
            return
        if self._gone_since_s is None:
            self._gone_since_s = time_s
        self._anew = self._anew or time_s - self._gone_since_s >= GONE_S

    @property
    def current_s(self) -> float:
        """Seconds that the packet has been looked at since it was laid down; 0 if it is gone."""
        if self._anew:
            return 0.0
        looks = self._looks[-1]
        return looks[-1].time_s - looks[0].time_s if len(looks) >= self.least else 0.0

    @property
    def counts(self) -> list[int]:
        """How many looks there were at each laying, also at those looked at too little."""
        return [len(looks) for looks in self._looks]

    @property
    def looks(self) -> list[Look]:
        """The looks of all layings that were looked at enough."""
        return [look for looks in self._enough() for look in looks]

    def layings(self) -> list[Laying]:
        """The layings that were looked at enough, in order."""
        return [self._laying(looks) for looks in self._enough()]

    def unsteady(self) -> Laying | None:
        """The first laying whose looks do not agree, if any."""
        return next((one for one in self.layings() if _unsteady(one)), None)

    def _enough(self) -> list[list[Look]]:
        return [looks for looks in self._looks if len(looks) >= self.least]

    def _laying(self, looks: list[Look]) -> Laying:
        mm = np.array([look.thickness_mm for look in looks])
        middle = float(np.median(mm))
        spread = 1.4826 * float(np.median(np.abs(mm - middle)))
        apart = len(looks) if self._stills else (looks[-1].time_s - looks[0].time_s) / CORRELATED_S
        alone = max(1.0, min(float(len(looks)), apart))
        # the median of Gaussian figures is off by a quarter more than their mean
        return Laying(middle, 1.2533 * spread / alone**0.5, spread)


def _unsteady(one: Laying) -> bool:
    return one.spread_mm > max(UNSTEADY * one.thickness_mm, UNSTEADY_MM)


def network_cards(looks: list[Look], max_cards: int | None) -> float | None:
    """Median of what the network counts; None where it counts nothing or cannot count higher."""
    said = [look.network_cards for look in looks if look.network_cards is not None]
    if not said or max_cards is None:
        return None
    middle = median(said)
    return middle if middle <= max_cards - CLEAR_CARDS else None
