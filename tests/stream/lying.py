"""A packet that lies on a table before a camera, and where its corners are seen."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from stream.cuboid import FOCAL_REL
from stream.decks import DECKS
from stream.packet import canonical
from stream.synth.body import Body as Lying
from stream.synth.camera import Camera, intrinsics, look_at, on_sphere

HW = (480, 640)
POKER = DECKS["poker"]
FOCAL = FOCAL_REL * 800

POSES = st.fixed_dictionaries(
    {
        "thickness_mm": st.floats(0.31, 17.0),
        "elevation_deg": st.floats(12.0, 75.0),
        "azimuth_deg": st.floats(0.0, 360.0),
        "distance_mm": st.floats(180.0, 700.0),
        "roll_deg": st.floats(-30.0, 30.0),
        "aside_mm": st.tuples(st.floats(-50, 50), st.floats(-50, 50)),
        "face_up": st.booleans(),
    }
)
"""What `shown` takes, of any packet on a table."""


def shown(
    *,
    thickness_mm: float = 9.3,
    elevation_deg: float = 40.0,
    azimuth_deg: float = 30.0,
    distance_mm: float = 300.0,
    roll_deg: float = 5.0,
    aside_mm: tuple[float, float] = (0.0, 0.0),
    face_up: bool = False,
    focal_px: float = FOCAL,
    off_px: tuple[float, float] = (0.0, 0.0),
    lean_mm: tuple[float, float] = (0.0, 0.0),
) -> tuple[NDArray[np.float64], NDArray[np.bool_], Camera]:
    """A packet before a camera → its corners (8, 2), which it does not hide, and the camera."""
    half = np.array([*lean_mm, 0.0]) / 2
    lying = Lying(
        POKER.width_mm,
        POKER.height_mm,
        thickness_mm,
        face_up=face_up,
        poses=np.stack([-half, half]),
        edges=np.array([0.0, 0.5, 1.0]),
        gaps=np.zeros(2),
    )
    place = on_sphere(np.radians(azimuth_deg), np.radians(elevation_deg), distance_mm)
    centre = ((HW[1] - 1) / 2 + off_px[0], (HW[0] - 1) / 2 + off_px[1])
    target = np.array([*aside_mm, 0.0])
    camera = look_at(place, target, np.radians(roll_deg), intrinsics(focal_px, centre))
    xy = camera.project(lying.corners())
    order = canonical(xy)
    return xy[order], lying.visible(camera.place)[order], camera


def equally(sigma_px: float = 0.5) -> NDArray[np.float64]:
    """One precision for all corners."""
    return np.full(8, sigma_px)
