"""Frames → results: what is looked at, what is read of it and what time adds, as a plain generator.

frame ─▶ look (network) ─▶ read (count, doubt) ─▶ what the frames around it say
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from dataclasses import dataclass, replace
from time import perf_counter

from engines.spec import Engine
from stream.closeup_network import CloseUpNetwork
from stream.constancy import ConstantCount
from stream.decks import Deck
from stream.decode import count_of
from stream.frame import Count, Frame, Packet, Result, State
from stream.geometry import inside
from stream.looking import ALONE, Look, Looker, closely, follow, search
from stream.naming import Named, as_they_are, naming_of
from stream.presence import Presence
from stream.reading import Reader, Reading
from stream.steady import Steady
from stream.track import RegionTracker


@dataclass(frozen=True, slots=True, eq=False)
class Sighting:
    """What was found in a frame, before anything is made of the frames around it."""

    frame: Frame
    there: bool  # whether there is a packet
    look: Look
    reading: Reading
    stages_s: dict[str, float]
    named: Named  # how the look's keypoints, as they are, came by their names


def estimate(
    frames: Iterable[Frame],
    engine: Engine,
    *,
    stills: bool = False,
    deck: Deck | None = None,
    body: bool = True,
) -> Generator[Result, None, None]:
    """Frames in order → one result each, in the same order.

    `stills`: every picture alone, nothing carried over and nothing to settle. `deck` is what the
    cards are known to be; `body`, whether the packet's thickness has a say in the count. What the
    frames or the engine raise goes through. The results hold no memory of the engine's.
    """
    film = None if stills else _Film()
    for sighting in sightings(frames, engine, stills=stills, deck=deck, body=body):
        started = perf_counter()
        state, packet, count = alone(sighting) if film is None else film.update(sighting)
        stages_s = dict(sighting.stages_s)
        stages_s["track"] += perf_counter() - started
        doubt = sighting.reading.doubt
        score = sighting.look.score
        yield Result(sighting.frame, state, packet, count, score, stages_s, doubt)


def sightings(
    frames: Iterable[Frame],
    engine: Engine,
    *,
    stills: bool = False,
    deck: Deck | None = None,
    body: bool = True,
) -> Generator[Sighting, None, None]:
    """Frames in order → what is found in each; a film's packet is followed from frame to frame."""
    looker, reader = Looker(engine), Reader(engine.spec, deck, stills=stills, body=body)
    closer = CloseUpNetwork.bundled() if reader.counts else None
    regions, presence = RegionTracker(engine.spec.input_hw), Presence()
    naming = naming_of(engine.spec)
    for frame in frames:
        looker.start()
        if stills:
            look = search(frame, looker)
            there = look.evidence(ALONE) >= 0
        else:
            look = follow(frame, looker, regions, presence.needed)
            there = presence.update(look.evidence(), frame.time_s)
        named = as_they_are(len(look.seen))
        if there and not stills:
            named = naming.update(look.packet.xy, look.peak**2, frame.time_s)
            look = look.named(named)
        looker.lap("track")
        reading = Reading(None)
        if there and closer is not None:
            look = closely(frame, looker, look, closer)
            looker.lap("decode")
        if there:
            reading = reader.read(look.packet, look.distribution, frame)
        else:
            reader.lost()
        looker.lap("count")
        yield Sighting(frame, there, look, reading, looker.stages_s, named)


def alone(sighting: Sighting) -> tuple[State, Packet | None, Count | None]:
    """What a frame says by itself."""
    if not sighting.there:
        return "no_packet", None, None
    distribution = sighting.reading.distribution
    return "locked", sighting.look.packet, None if distribution is None else count_of(distribution)


class _Film:
    """What is found frame by frame → the same, steady, and with what the frames say together."""

    def __init__(self) -> None:
        self._steady, self._constant = Steady(), ConstantCount()

    def update(self, sighting: Sighting) -> tuple[State, Packet | None, Count | None]:
        """State, corners and count of the next frame."""
        look, time_s = sighting.look, sighting.frame.time_s
        distribution = sighting.reading.distribution
        if not sighting.there:
            self._constant.lost(time_s)
            return "no_packet", None, None
        # the track's corners stay the same ones while the names may change
        found, named = look.packet, sighting.named
        track, names = named.track, named.names
        score, seen = found.score[track], look.seen[track]
        xy, visible = self._steady.update(found.xy[track], score, seen, time_s)
        xy, visible = xy[names], visible[names] & inside(xy[names], sighting.frame.hw)
        packet = replace(found, xy=xy, visible=visible)
        if distribution is None:  # nothing is counted, so nothing has to settle; or it is too far
            self._constant.lost(time_s)
            return "locked" if sighting.reading.doubt is None else "settling", packet, None
        count = count_of(self._constant.update(distribution, time_s))
        return "locked" if self._constant.locked else "settling", packet, count
