"""What a look is shown of a frame is the frame, whatever was looked at before."""

import numpy as np
import pytest
from dotted import SPEC

from engines.fake import FakeEngine
from stream.colour import TAGS
from stream.frame import Frame
from stream.geometry import Region
from stream.looking import Looker
from stream.planes import converted

HW = (144, 240)
REGIONS = (Region(40, 30, 60, 60), Region(50, 40, 20, 20), Region(-30, 60, 150, 200))


def frame(seed):
    picture = np.random.default_rng(seed).integers(0, 256, (*HW, 3), np.uint8)
    return Frame(converted(picture, TAGS), seed, 0.0, 0.0, "noise")


@pytest.mark.parametrize("order", [(0, 0, 1, 1), (0, 1, 0, 1)])
def test_a_region_is_seen_as_the_frame_has_it(order):
    looker, frames = Looker(FakeEngine(SPEC)), (frame(0), frame(1))
    for which in order:
        for x, y, width, height in ((r.x, r.y, r.width, r.height) for r in REGIONS):
            seen = looker.seen(frames[which], Region(x, y, width, height))
            inside = np.s_[max(0, y) : y + height, max(0, x) : x + width]
            np.testing.assert_array_equal(seen[inside], frames[which].image[inside])


def test_what_was_seen_of_a_frame_is_not_converted_again():
    looker, one = Looker(FakeEngine(SPEC)), frame(0)
    looker.seen(one, REGIONS[0])[64, 64] = 1, 2, 3
    assert looker.seen(one, REGIONS[1])[64, 64].tolist() == [1, 2, 3]
    assert looker.seen(one, Region(120, 0, 20, 20))[64, 64].tolist() == [1, 2, 3]
    assert looker.seen(frame(1), REGIONS[0])[64, 64].tolist() != [1, 2, 3]
