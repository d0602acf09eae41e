"""Time stamps that step back or leap, made to go on: files were joined, or a sender began anew.

`cat a.ts b.ts` makes a film whose time begins again in the middle, in every stream of it at about
the same place. What the pictures' stamps lack there is added to theirs and to the sound's from then
on. Whoever reads the same packets gets the same times.

A damaged time stamp may leap ahead by a day, over which the writers of MP4 and MOV end the process.

Where only frames do not rise, and their packets do, a frame comes a step after the one before.

What an edit list hides may step back as well, before each part that it shows: it moves nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import av
from av import Packet, VideoFrame
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.video.stream import VideoStream

LEAP_S = Fraction(1, 5)
"""Less than that is a writer's carelessness: who takes the times makes them rise."""

FAR_S = Fraction(3600)
"""Nobody waits that long for the next picture or sound: a time so far ahead is not meant."""

AHEAD_S = Fraction(1)
"""A picture so much later than the one before may bear a wrong time: the next one tells."""

_FEW = 3  # packets behind a step back, by which it is known to be one

_HELD = 200  # packets, 4 s of most sound


class PictureTimes:
    """Packets of pictures → with their time stamps going on; `shift_s` is what was added last.

    A single stamp that is wrong must not move all that come after it. So one that leaps ahead waits
    for the next packet, and one that steps back is forgotten if those behind it go on from before.
    """

    def __init__(self, stream: VideoStream) -> None:
        rate = stream.average_rate or stream.guessed_rate
        self._step_s = 1 / Fraction(rate) if rate else Fraction(1, 30)
        self._gap_s = self._step_s  # between the last two
        self._held: Packet[VideoStream] | None = None
        self._before: tuple[Fraction, Fraction] | None = None  # shift and last at a step back
        self._since = 0  # packets since then
        self.last_s: Fraction | None = None
        self.shift_s = Fraction(0)

    def placed(self, packet: Packet[VideoStream]) -> list[Packet[VideoStream]]:
        """The next packet in the order of decoding → those whose time is known by now, shifted.

        One without a time stays as it is.
        """
        held, self._held = self._held, None
        ready = [] if held is None else [held]
        begin_s = _stamp_s(packet)
        if held is not None:
            own_s, last_s = _stamp_s(held), self.last_s
            wrong = begin_s is not None and _goes_on(begin_s + self.shift_s, last_s)
            if wrong and own_s is not None and last_s is not None:
                self._put(held, last_s + self._step_s - own_s)
            else:
                self._place(held)
        if begin_s is not None and self._leaps(begin_s + self.shift_s):
            self._held = packet
            return ready
        self._place(packet)
        return [*ready, packet]

    def _place(self, packet: Packet[VideoStream]) -> None:
        begin_s = _stamp_s(packet)
        if begin_s is None:
            return
        self._since += 1
        before_s = self._before_s(begin_s)
        if before_s is not None:
            self.shift_s, self._before = before_s, None
        elif self.last_s is not None and not _follows(begin_s + self.shift_s, self.last_s):
            self._before = self.shift_s, self.last_s
            self._since = 0
            length_s = (packet.duration or 0) * packet.time_base
            self.shift_s = self.last_s + (length_s or self._step_s) - begin_s
        self._put(packet, self.shift_s)

    def _put(self, packet: Packet[VideoStream], shift_s: Fraction) -> None:
        at_s = (_stamp_s(packet) or Fraction(0)) + shift_s
        if self.last_s is not None and at_s > self.last_s:
            self._gap_s = at_s - self.last_s
        self.last_s = at_s
        shift(packet, shift_s)

    def _leaps(self, at_s: Fraction) -> bool:
        """Whether a time is later than pictures that come as they did."""
        usual_s = max(AHEAD_S, 3 * self._gap_s)
        return self.last_s is not None and at_s > self.last_s + usual_s

    def _before_s(self, begin_s: Fraction) -> Fraction | None:
        """The shift from before the step back of one of the last few, if a packet goes on there."""
        if self._before is None or self._since > _FEW:
            return None
        shift_s, last_s = self._before
        return shift_s if _goes_on(begin_s + shift_s, last_s) else None


class SoundTimes:
    """Packets of sound → shifted as the pictures are that were joined to the others with them.

    Where the sound steps back first it waits for the pictures to do so too.
    """

    def __init__(self, pictures: PictureTimes) -> None:
        self._pictures = pictures
        self._shift_s = Fraction(0)
        self._last_s: Fraction | None = None
        self._held: list[Packet[AudioStream]] = []

    def placed(self, packet: Packet[AudioStream]) -> Iterator[Packet[AudioStream]]:
        """The next packet → those whose time is known by now."""
        self._held.append(packet)
        yield from self.known()

    def known(self) -> Iterator[Packet[AudioStream]]:
        """Those whose time the pictures have told meanwhile."""
        while self._held:
            if not self._follows(self._held[0]):
                self._shift_s = self._pictures.shift_s
            if not self._follows(self._held[0]) and len(self._held) < _HELD:
                return
            yield from self._next()

    def rest(self) -> Iterator[Packet[AudioStream]]:
        """All that still wait, when nothing else comes."""
        while self._held:
            yield from self._next()

    def _begin_s(self, packet: Packet[AudioStream]) -> Fraction | None:
        stamp_s = _stamp_s(packet)
        return None if stamp_s is None else stamp_s + self._shift_s

    def _follows(self, packet: Packet[AudioStream]) -> bool:
        begin_s = self._begin_s(packet)
        if begin_s is None:
            return True
        if self._last_s is None:  # the first may come before the pictures
            pictured_s = self._pictures.last_s
            return pictured_s is None or begin_s <= pictured_s + FAR_S
        return _follows(begin_s, self._last_s)

    def _next(self) -> Iterator[Packet[AudioStream]]:
        """The first that waits, unless it is far ahead even so."""
        packet = self._held.pop(0)
        begin_s = self._begin_s(packet)
        if begin_s is not None:
            if not self._follows(packet) and begin_s > (self._last_s or 0):
                return
            self._last_s = begin_s if self._last_s is None else max(self._last_s, begin_s)
        shift(packet, self._shift_s)
        yield packet


def _stamp_s(packet: Packet[VideoStream] | Packet[AudioStream]) -> Fraction | None:
    """When a packet comes; None where nothing tells, and of what an edit list hides.

    What a decoder needs of it for a part that begins in the middle comes behind the part before,
    with times that step back.
    """
    if packet.dts is None or packet.time_base is None or packet.is_discard:
        return None
    return packet.dts * packet.time_base


def _goes_on(at_s: Fraction, last_s: Fraction | None) -> bool:
    return last_s is not None and last_s < at_s <= last_s + AHEAD_S


def _follows(begin_s: Fraction, last_s: Fraction) -> bool:
    """Whether a time may well come after another."""
    return last_s - LEAP_S <= begin_s <= last_s + FAR_S


def shift(packet: Packet[VideoStream] | Packet[AudioStream], seconds: Fraction) -> None:
    """Move the time stamps that a packet has."""
    if not packet.time_base:
        return
    ticks = round(seconds / packet.time_base)
    if packet.dts is not None:
        packet.dts += ticks
    if packet.pts is not None:
        packet.pts += ticks


class FrameTimes:
    """Decoded frames → when they are shown, in seconds from the container's start, always rising.

    AVI knows no order but that of decoding: there a frame takes the place of the packet that made
    the decoder give it out, less as many places as it keeps frames back.
    """

    def __init__(self, container: InputContainer, step_s: float) -> None:
        self._start_s = (container.start_time or 0) / av.time_base
        self._ordered = container.format.name != "avi"
        self._step_s = step_s
        self._first: int | None = None
        self._lag = 0
        self._last_s: float | None = None

    def begin(self, packet: Packet[VideoStream]) -> None:
        """The packets, before they are decoded; the first one tells where the decoder starts."""
        if self._first is None:
            self._first = packet.dts

    def of(self, frame: VideoFrame) -> float:
        """The time of the next frame."""
        if self._last_s is None and frame.dts is not None and self._first is not None:
            self._lag = frame.dts - self._first
        stamps = [frame.pts, frame.dts] if self._ordered else [self._place(frame)]
        unit = frame.time_base or Fraction(0)
        self._last_s = self._rising([float(s * unit) for s in stamps if s is not None])
        return self._last_s

    def _place(self, frame: VideoFrame) -> int | None:
        return None if frame.dts is None else frame.dts - self._lag

    def _rising(self, stamps_s: list[float]) -> float:
        """The first of some stamps that may well follow the last frame, else a step after that."""
        times_s = [stamp_s - self._start_s for stamp_s in stamps_s]
        if self._last_s is None:
            return times_s[0] if times_s else 0.0
        last_s = self._last_s
        if times_s and last_s - LEAP_S <= times_s[0] <= last_s:
            times_s = []  # the packet's may be half a second off, and the next ones go on from it
        meant = (t for t in times_s if last_s < t <= last_s + FAR_S)
        return next(meant, last_s + self._step_s)
