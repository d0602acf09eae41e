"""Frames → results: what is looked at, what is read of it and what time adds, as a plain generator.

frame ─▶ look (network) ─▶ read (count, doubt) ─▶ what the frames around it say
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from dataclasses import dataclass
from time import perf_counter

from engines.spec import Engine, ModelSpec
from stream.closeup_network import CloseUpNetwork
from stream.constancy import ConstantCount
from stream.decks import Deck
from stream.decode import count_of
from stream.frame import Count, Frame, Packet, Result, State
from stream.looking import ALONE, Look, Looker, closely, follow, inside, search
from stream.packet import KEYPOINTS, TURN
from stream.presence import Presence
from stream.reading import Reader, Reading
from stream.steady import Naming, Steady
from stream.track import RegionTracker


@dataclass(frozen=True, slots=True, eq=False)
class Sighting:
    """What was found in a frame, before anything is made of the frames around it."""

    frame: Frame
    there: bool  # whether there is a packet
    look: Look
    reading: Reading
    stages_s: dict[str, float]


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
    film = None if stills else _Film(engine.spec)
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
    for frame in frames:
        looker.start()
        if stills:
            look = search(frame, looker)
            there = look.evidence(ALONE) >= 0
        else:
            look = follow(frame, looker, regions, presence.needed)
            there = presence.update(look.evidence(), frame.time_s)
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
        yield Sighting(frame, there, look, reading, looker.stages_s)


def alone(sighting: Sighting) -> tuple[State, Packet | None, Count | None]:
    """What a frame says by itself."""
    if not sighting.there:
        return "no_packet", None, None
    distribution = sighting.reading.distribution
    return "locked", sighting.look.packet, None if distribution is None else count_of(distribution)


def naming_of(spec: ModelSpec) -> Naming:
    """How a model's keypoints may be named: a packet's in two ways, others in one."""
    turns = spec.keypoints == KEYPOINTS
    return Naming(TURN if turns else tuple(range(len(spec.keypoints))))


class _Film:
    """What is found frame by frame → the same, steady, and with what the frames say together."""

    def __init__(self, spec: ModelSpec) -> None:
        self._naming, self._steady, self._constant = naming_of(spec), Steady(), ConstantCount()

    def update(self, sighting: Sighting) -> tuple[State, Packet | None, Count | None]:
        """State, corners and count of the next frame."""
        look, time_s = sighting.look, sighting.frame.time_s
        distribution = sighting.reading.distribution
        if not sighting.there:
            self._constant.lost(time_s)
            return "no_packet", None, None
        order = self._naming.update(look.packet.xy, time_s)
        score = look.packet.score[order]
        xy, visible = self._steady.update(look.packet.xy[order], score, look.seen[order], time_s)
        covariance = look.packet.covariance
        covariance = None if covariance is None else covariance[order]
        packet = Packet(xy, score, visible & inside(xy, sighting.frame.hw), covariance)
        if distribution is None:  # nothing is counted, so nothing has to settle; or it is too far
            self._constant.lost(time_s)
            return "locked" if sighting.reading.doubt is None else "settling", packet, None
        count = count_of(self._constant.update(distribution, time_s))
        return "locked" if self._constant.locked else "settling", packet, count
