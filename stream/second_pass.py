"""A file read twice: first to find, then, all of it known, to draw and write without any lag."""

from __future__ import annotations

from array import array
from collections.abc import Generator, Iterable

import numpy as np
from numpy.typing import NDArray

from engines.spec import Engine, ModelSpec
from stream.constancy import stretches
from stream.decks import Deck
from stream.decode import count_of
from stream.estimate import Sighting, alone, sightings
from stream.frame import Count, Frame, Packet, Result, SourceError, State
from stream.geometry import inside
from stream.looking import STAGES, mean_peak
from stream.naming import naming_of
from stream.reading import bins
from stream.steady import steady_both_ways

Floats = NDArray[np.float64]


class SecondPass:
    """What both passes share: `first` takes notes of what it finds, `second` makes the most of it.

    Both are ways to find what is in a source, for `stream.pipeline.run`. The notes take less than
    400 bytes a frame, 42 MB for an hour at 30 frames a second, and the second pass half of that.
    """

    def __init__(self, deck: Deck | None = None) -> None:
        self._deck = deck
        self._doubts: dict[int, str] = {}
        self._times_s = array("d")
        self._there = array("b")
        self._numbers = array("f")  # rows of what `_row` puts together

    def __len__(self) -> int:
        """How many frames the first pass found."""
        return len(self._times_s)

    def first(
        self, frames: Iterable[Frame], engine: Engine, *, stills: bool = False
    ) -> Generator[Result, None, None]:
        """Frames → what each says by itself, noted for later."""
        for sighting in sightings(frames, engine, stills=stills, deck=self._deck):
            if sighting.reading.doubt is not None:
                self._doubts[len(self._times_s)] = sighting.reading.doubt
            self._times_s.append(sighting.frame.time_s)
            self._there.append(sighting.there)
            self._numbers.frombytes(_row(sighting, bins(engine.spec, self._deck)).tobytes())
            state, packet, count = alone(sighting)
            score, doubt = sighting.look.score, sighting.reading.doubt
            yield Result(sighting.frame, state, packet, count, score, sighting.stages_s, doubt)

    def second(
        self, frames: Iterable[Frame], engine: Engine, *, stills: bool = False
    ) -> Generator[Result, None, None]:
        """The same frames again → the results, by all that the first pass found.

        Of the engine only the spec is read. Raises SourceError if the frames are not the same.
        """
        del stills  # one is judged alone, so that there is nothing to gain
        counts = bins(engine.spec, self._deck)
        notes = _Notes(self._numbers, self._times_s, self._there, engine.spec, counts)
        xy, score, visible = notes.corners()
        said = notes.counts()
        index = -1
        for index, frame in enumerate(frames):
            self._check(index, frame)
            state, count = said[index]
            packet = None
            if state != "no_packet":
                shown = visible[index] & inside(xy[index], frame.hw)
                packet = Packet(xy[index], score[index], shown)
            stages_s = dict(zip(STAGES, notes.stages_s[index].tolist(), strict=True))
            doubt = self._doubts.get(index)
            yield Result(frame, state, packet, count, float(notes.found[index]), stages_s, doubt)
        if index + 1 != len(self._times_s):
            raise SourceError(
                f"the second pass ended after {index + 1} frames, the first after "
                f"{len(self._times_s)}: is the file being written?"
            )

    def _check(self, index: int, frame: Frame) -> None:
        time_s = frame.time_s
        if index >= len(self._times_s) or time_s != self._times_s[index]:
            was = f"at {self._times_s[index]:g} s" if index < len(self._times_s) else "not there"
            raise SourceError(
                f"frame {index} of {frame.source} is at {time_s:g} s in the second pass and was "
                f"{was} in the first: is the file being written?"
            )


def _row(sighting: Sighting, counts: int) -> NDArray[np.float32]:
    look, distribution = sighting.look, sighting.reading.distribution
    parts = [
        look.packet.xy.ravel(),
        look.packet.score,
        look.seen,
        np.array([look.score, *sighting.stages_s.values()]),
        np.zeros(counts) if distribution is None else distribution,
    ]
    return np.concatenate(parts).astype(np.float32)


class _Notes:
    """The rows of a first pass, by what they mean; N frames."""

    def __init__(
        self,
        numbers: array[float],
        times_s: array[float],
        there: array[int],
        spec: ModelSpec,
        counts: int,
    ) -> None:
        self._naming = naming_of(spec)
        self.times_s: Floats = np.array(times_s)
        self.there = np.array(there, np.bool_)
        count, k = len(self.times_s), len(spec.keypoints)
        ends = np.cumsum([2 * k, k, k, 1, len(STAGES)])
        rows = np.array(numbers, np.float32).reshape(count, ends[-1] + counts)
        xy, score, seen, found, stages_s, self._distributions = np.split(rows, ends, axis=1)
        self._xy, self._score, self._seen = xy.reshape(count, k, 2), score, seen
        self.found, self.stages_s = found[:, 0], stages_s

    def corners(self) -> tuple[Floats, Floats, NDArray[np.bool_]]:
        """Where they are (N, K, 2), how surely (N, K) and which are visible (N, K).

        Anything without a packet.
        """
        xy, score, seen = (a.astype(np.float64) for a in (self._xy, self._score, self._seen))
        frames = np.flatnonzero(self.there)
        sure = (mean_peak(score, seen)[frames] ** 2).tolist()
        orders = self._naming.all_at_once(xy[frames], sure, self.times_s[frames].tolist())
        for i, order in zip(frames, orders, strict=True):
            xy[i], score[i], seen[i] = xy[i][order], score[i][order], seen[i][order]
        visible = np.zeros(score.shape, np.bool_)
        found = (xy[frames], score[frames], seen[frames], self.times_s[frames])
        xy[frames], visible[frames] = steady_both_ways(*found)
        return xy, score, visible

    def counts(self) -> list[tuple[State, Count | None]]:
        """State and count of each frame: one count for every stretch in which it is constant."""
        counting = self._distributions.shape[1] > 0
        # where nothing is counted, nothing has to settle
        seen: State = "settling" if counting else "locked"
        states: list[tuple[State, Count | None]] = [
            (seen if there else "no_packet", None) for there in self.there
        ]
        if not counting:
            return states
        said = [
            d if there and d.any() else None
            for d, there in zip(self._distributions, self.there, strict=True)
        ]
        for stretch in stretches(said, self.times_s.tolist()):
            count = count_of(stretch.distribution)
            for i in range(stretch.start, stretch.stop):
                if said[i] is not None:
                    states[i] = ("locked" if stretch.settled else "settling", count)
        return states
