"""Packets of a known thickness before a camera: their corners, results, pictures with dots."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from pieces import SPEC

from engines.fake import paint
from stream.decks import DECKS, Deck
from stream.frame import Count, Frame, Packet, Result
from stream.packet import canonical
from stream.synth.body import Body
from stream.synth.camera import intrinsics, look_at, on_sphere

HW = (480, 640)
BLANK = np.full((*HW, 3), 90, np.uint8)
BLANK.flags.writeable = False
FINE = replace(SPEC, input_hw=(256, 256), sigma_px=6.0)
"""Markers that are seen at a network's usual size."""


def corners(
    thickness_mm: float, azimuth_deg: float = 30.0, elevation_deg: float = 30.0, kind: str = "poker"
) -> NDArray[np.float64]:
    """Corners (8, 2) px of a packet, NaN for those that it hides itself."""
    deck: Deck = DECKS[kind]
    body = Body(deck.width_mm, deck.height_mm, thickness_mm)
    place = on_sphere(np.radians(azimuth_deg), np.radians(elevation_deg), 260.0)
    k = intrinsics(576.0, ((HW[1] - 1) / 2, (HW[0] - 1) / 2))
    camera = look_at(place, np.zeros(3), 0.0, k)
    xy = np.where(body.visible(camera.place)[:, None], camera.project(body.corners()), np.nan)
    return xy[canonical(xy)]


def result(
    index: int, xy: NDArray[np.float64] | None, *, cards: float = 40.0, state: str = "locked"
) -> Result:
    """What a network would have said of that frame, of a camera of 30 fps."""
    frame = Frame(BLANK, index, index / 30, None, "camera 0")
    if xy is None:
        return Result(frame, "no_packet", None, None, 0.0)
    seen = np.isfinite(xy[:, 0])
    packet = Packet(xy, np.where(seen, 0.9, 0.0), seen)
    count = Count(cards, round(cards) - 2, round(cards) + 2)
    return Result(frame, state, packet, count, 1.0)


def pictures(folder: Path, thickness_mm: float, count: int = 6, kind: str = "poker") -> Path:
    """A folder of pictures of one packet, its corners marked for the fake engine."""
    folder.mkdir()
    for i in range(count):
        xy = corners(thickness_mm, 25.0 + 9 * i, 27.0 + 2 * i, kind)
        cv2.imwrite(str(folder / f"{i}.png"), paint(BLANK, xy, 4.0))
    return folder
