"""Whether there is a packet is what several looks say; where none is, the frame is searched."""

from dataclasses import replace

import numpy as np
import pytest
from dotted import CORNERS, Watched, at, film, states

from engines.fake import paint
from stream.estimate import estimate
from stream.frame import Frame


@pytest.mark.parametrize(
    ("weaken", "packet", "state", "looks"),
    [
        (1.0, 0.99, "settling", 2),
        (1.0, 0.9, "no_packet", 2),
        (1.0, 0.5, "no_packet", 2),
        (1.0, 0.1, "no_packet", 1),
        (0.13, 1.0, "no_packet", 2),
        (0.03, 1.0, "no_packet", 1),
    ],
)
def test_probability_and_peaks_must_be_high_and_less_so_for_a_closer_look(
    weaken, packet, state, looks
):
    engine = Watched(weaken=weaken, packet=packet)
    result = next(estimate(film([CORNERS]), engine))
    assert result.state == state
    assert engine.calls == looks
    assert result.score == pytest.approx(packet, abs=1e-5)


class Fickle(Watched):
    """One whose answer to "is there a packet" is another at every look."""

    def __init__(self, probabilities, **settings):
        super().__init__(**settings)
        self._next = iter(probabilities)

    def __call__(self, images):
        self._packet = next(self._next)
        return super().__call__(images)


def odds(*probabilities):
    """The probability that the mean of the logarithms of the odds gives."""
    return 1 / (1 + np.exp(-np.mean([np.log(p / (1 - p)) for p in probabilities])))


@pytest.mark.parametrize(
    ("looks", "found"), [((0.999, 0.9), True), ((0.9, 0.999), True), ((0.97, 0.8), False)]
)
def test_looks_at_a_packet_have_a_say_together(looks, found):
    """One look that errs, near or far, is outvoted by another that is sure."""
    result = next(estimate(film([CORNERS]), Fickle(looks), stills=True))
    assert result.score == pytest.approx(odds(*looks))
    assert (result.packet is not None) == found


def large(xy):
    """A packet in a frame of four times the size."""
    frame = np.full((960, 1280, 3), 128, np.uint8)
    return Frame(paint(frame, xy, 8.0), 0, 1000.0, 0.0, "film")


def test_a_picture_alone_is_searched_from_near_and_a_frame_of_a_film_as_a_whole():
    """The whole frame says nothing; a part of it does."""
    seen = [0.001] * 3 + [0.999] * 40
    result = next(estimate([large(at(640, 500))], Fickle(seen), stills=True))
    assert result.packet is not None
    assert np.nanmax(np.abs(result.packet.xy - at(640, 500))) < 3

    engine = Watched(packet=0.001)
    results = list(
        estimate((replace(large(at(640, 500)), index=i, pts_s=i / 30) for i in range(3)), engine)
    )
    assert states(results) == ["no_packet"] * 3
    assert engine.calls == 3


@pytest.mark.parametrize(
    ("tracked", "elsewhere", "said", "looks"),
    [
        (0.9, (), 0.9, 1),  # clear: its crop alone is looked at
        (0.75, (0.99, 0.99), 0.99, 3),  # the crop has slipped: from afar it is clearer
        (0.75, (0.7, 0.7), 0.75, 3),  # it is as unclear from anywhere: it stays where it was
    ],
)
def test_what_is_followed_unclearly_is_looked_for_everywhere(tracked, elsewhere, said, looks):
    engine = Fickle([0.999, 0.999, tracked, *elsewhere])
    first, second = estimate(film([CORNERS] * 2), engine)
    assert first.packet is not None
    assert second.packet is not None
    assert second.score == pytest.approx(said, abs=1e-5)
    assert engine.calls == 2 + looks
    assert np.abs(second.packet.xy - CORNERS).max() < 0.5
