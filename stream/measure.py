"""Results of a counted packet → layings, and what stands in the way. Pure: no clock."""

from __future__ import annotations

from collections import Counter
from statistics import median

import numpy as np

from stream.calibration import Record
from stream.cuboid import NEAREST_PX, WORST_SIGMA, Body, solve
from stream.decks import DECKS, Deck
from stream.focal import FocalTracker
from stream.frame import Packet, Result
from stream.layings import Layings, Look, network_cards
from stream.packet import corner_covariance, extent_px

MISFIT = 0.02
"""Corners that are farther than this part of the packet's extent from a body's are not its own."""

FLAT = 0.25
"""A thickness in doubt by more than this part of itself, one standard deviation, …"""

FLAT_MM = 0.8
"""… and by more than this was seen from too far above, or from too far away."""

NOTHING = "no packet in the picture"
SETTLING = "settling"
MISFITTING = "the corners fit no packet of this kind"
FAR = "the packet is too small in the picture: nearer, please"
UNCLEAR = "its side is too small in the picture: from lower down and nearer, please"


class Measure:
    """Results, one after the other → `layings`; `passed_over` counts the frames that gave none."""

    def __init__(self, deck: Deck, *, stills: bool) -> None:
        self.layings = Layings(stills=stills)
        self.passed_over: Counter[str] = Counter()
        self.frames = 0
        self.frame_hw = (0, 0)
        self._deck = deck
        self._stills = stills
        self._focal: FocalTracker | None = None
        self._last: Body | None = None

    def add(self, result: Result) -> Look | str:
        """Take a result → what was measured, or why it was not."""
        self.frames += 1
        time_s = result.frame.time_s
        found = self._measured(result, time_s)
        if isinstance(found, Look):
            self.layings.look(found)
            return found
        self.passed_over[found] += 1
        if found == NOTHING:
            self.layings.gone(time_s)
        else:
            self.layings.there()
        return found

    def _measured(self, result: Result, time_s: float) -> Look | str:
        if result.packet is None:
            return NOTHING
        if result.state != "locked":
            # one that is too small is not counted, and so would settle for ever
            small = result.doubt is not None and result.count is None
            return FAR if small else SETTLING
        body = self._body(result.packet, result.frame.hw)
        across_px = extent_px(result.packet.xy)
        if body is None or not (
            body.residual_px <= MISFIT * across_px and body.residual_sigma <= WORST_SIGMA
        ):
            return MISFITTING
        if across_px < NEAREST_PX:
            return FAR
        if body.thickness_sd_mm > max(FLAT * body.thickness_mm, FLAT_MM) or body.thickness_mm <= 0:
            return UNCLEAR
        count = None if result.count is None else result.count.median
        return Look(time_s, body.thickness_mm, body.focal_px, count)

    def _body(self, packet: Packet, hw: tuple[int, int]) -> Body | None:
        """The body of a frame, by all that the frames before it say of the focal length."""
        if self._focal is None or hw != self.frame_hw:
            self._focal = FocalTracker(hw)
        self.frame_hw = hw
        body = solve(
            packet.xy,
            corner_covariance(packet),
            hw,
            self._deck,
            focal_px=self._focal.px,
            focal_log_sd=self._focal.log_sd,
            start=None if self._stills else self._last,
        )
        if body is not None:
            self._focal.take(body)
        self._last = body
        return body


def record(
    measure: Measure,
    cards: int,
    kind: str,
    max_cards: int | None,
    *,
    source: str,
    when: str,
    model: str,
) -> Record:
    """All that was measured of a packet of that many cards → its record.

    `max_cards` is the most that the network can name; the rest is what `Record` says of it. Raises
    ValueError, in one line with a remedy, for too few looks and for looks that do not agree.
    """
    layings, looks = measure.layings.layings(), measure.layings.looks
    unfit = measure.passed_over[MISFITTING]
    if unfit > len(looks):
        size = f"{DECKS[kind].width_mm:.0f} × {DECKS[kind].height_mm:.0f} mm"
        raise ValueError(
            f"the corners fit no packet of {kind} cards ({size}) in {unfit} of {measure.frames} "
            "frames: is it of another --kind, or not squared up? Nothing is kept"
        )
    if not layings:
        raise ValueError(_too_few(measure))
    if (unsteady := measure.layings.unsteady()) is not None:
        raise ValueError(
            f"the thickness differs by {unsteady.spread_mm:.1f} mm from frame to frame about "
            f"{unsteady.thickness_mm:.1f} mm: show the packet larger, from lower down, in more "
            "light; nothing is kept"
        )
    return Record(
        cards=cards,
        layings_mm=tuple(one.thickness_mm for one in layings),
        frame_sd_mm=float(np.sqrt(np.mean([one.sd_mm**2 for one in layings]))),
        network_cards=network_cards(looks, max_cards),
        when=when,
        source=source,
        frame_hw=measure.frame_hw,
        model=model,
        focal_px=median(look.focal_px for look in looks),
    )


def _too_few(measure: Measure) -> str:
    """How many frames gave a thickness, and what became of most of the others."""
    some = sum(measure.layings.counts)
    why = measure.passed_over.most_common(1)
    most = f" (of most: {why[0][0]})" if why else ""
    return (
        f"{some} of {measure.frames} frames tell a thickness{most}, {measure.layings.least} of one "
        "laying are needed: film the packet longer, alone, from low down; nothing is kept"
    )
