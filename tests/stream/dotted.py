"""Films of dots, and an engine that sees them and counts its calls."""

import numpy as np

from engines.fake import FakeEngine, paint
from engines.spec import ModelSpec, Prediction
from stream.frame import Frame
from stream.packet import EDGES, FLIP, KEYPOINTS

SPEC = ModelSpec("packet", KEYPOINTS, EDGES, FLIP, (256, 256), 4, 8.0, 52)
SHAPE = np.array(
    [(0, 0), (60, 0), (0, -20), (60, -20), (0, 90), (60, 90), (-10, 70), (70, 70)], float
)
EMPTY = np.full((240, 320, 3), 128, np.uint8)


def at(x, y):
    """Where the corners are of a packet that lies at (x, y)."""
    return SHAPE + np.array([x, y], float)


CORNERS = at(140, 90)


class Watched(FakeEngine):
    """The fake engine, which counts its calls, owns its answer and can leave heads away."""

    def __init__(self, spec=SPEC, *, cards=26, heads=True, weaken=1.0, packet=1.0, up=0, ghost=0.0):
        super().__init__(spec, cards=cards)
        self.calls = 0
        self._heads, self._weaken, self._packet, self._up = heads, weaken, packet, up
        self._ghost = ghost
        self._last = self.picture = None

    def __call__(self, images):
        self.calls += 1
        if self._last is not None:
            self._last.heatmaps.flags.writeable = True
            self._last.heatmaps[:] = np.nan  # valid until the next call, and no longer
        seen = super().__call__(images)
        heatmaps = np.roll(seen.heatmaps, -self._up, axis=2) * np.float32(self._weaken)
        heatmaps[:, 2, 60, 60] += np.float32(self._ghost)
        self.picture = images.copy()
        heatmaps.flags.writeable = False
        count = None if seen.count is None else seen.count * self._packet
        if count is not None:
            count[:, 0] = 1 - count[:, 1:].sum(axis=1)
            count.flags.writeable = False
        heads = (seen.visibility, count) if self._heads else (None, None)
        self._last = Prediction(heatmaps, *heads)
        return self._last


def film(positions, fps=30.0):
    """Corners (8, 2) or None, frame by frame → frames."""
    image, painted = EMPTY, None
    for i, xy in enumerate(positions):
        if xy is not painted:
            image, painted = EMPTY if xy is None else paint(EMPTY, xy, 8.0), xy
        yield Frame(image, i, 1000.0 + i, i / fps, "film")


def states(results):
    return [result.state for result in results]
