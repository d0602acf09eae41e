"""Corners become the cuboid that showed them, with a doubt that is right."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from stream import block
from stream.cuboid import CORNER_RADIUS_MM, FOCAL_REL, solve
from stream.decks import DECKS
from stream.packet import TURN, canonical
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


def shown(
    *,
    thickness_mm=9.3,
    elevation_deg=40.0,
    azimuth_deg=30.0,
    distance_mm=300.0,
    roll_deg=5.0,
    aside_mm=(0.0, 0.0),
    face_up=False,
    focal_px=FOCAL,
    off_px=(0.0, 0.0),
):
    """A packet before a camera → its corners (8, 2), which it does not hide, and the camera."""
    lying = Lying(POKER.width_mm, POKER.height_mm, thickness_mm, face_up=face_up)
    place = on_sphere(np.radians(azimuth_deg), np.radians(elevation_deg), distance_mm)
    centre = ((HW[1] - 1) / 2 + off_px[0], (HW[0] - 1) / 2 + off_px[1])
    target = np.array([*aside_mm, 0.0])
    camera = look_at(place, target, np.radians(roll_deg), intrinsics(focal_px, centre))
    xy = camera.project(lying.corners())
    order = canonical(xy)
    return xy[order], lying.visible(camera.place)[order], camera


def equally(sigma_px=0.5):
    return np.full(8, sigma_px)


def test_the_corners_are_as_round_as_the_renderers():
    assert Lying(63, 88, 1).radius_mm == CORNER_RADIUS_MM


@settings(max_examples=60, deadline=None)
@given(POSES, st.booleans())
def test_exact_corners_give_the_exact_thickness(pose, hidden_too):
    xy, visible, camera = shown(**pose)
    body = solve(np.where(hidden_too | visible[:, None], xy, np.nan), equally(0.05), HW, POKER)
    assert body is not None
    assert body.thickness_mm == pytest.approx(pose["thickness_mm"], abs=1e-3)
    assert body.focal_px == pytest.approx(FOCAL, rel=1e-4)
    assert np.allclose(body.xy, xy, atol=1e-2)
    assert body.near == ("face" if pose["face_up"] else "back")
    assert not body.outliers.any()
    assert np.linalg.norm(body.translation_mm) == pytest.approx(depth_to(camera, pose), rel=1e-3)


def depth_to(camera: Camera, pose) -> float:
    return float(np.linalg.norm(camera.place - (0, 0, pose["thickness_mm"] / 2)))


def test_the_rotation_carries_the_bodys_axes_to_the_cameras():
    xy, _, camera = shown(elevation_deg=60, azimuth_deg=0, roll_deg=0)
    body = solve(xy, equally(), HW, POKER)
    assert body is not None
    turned = camera.R  # world x right, y away = upper, z out of the near face
    assert np.allclose(body.rotation, turned, atol=1e-4)
    assert np.linalg.det(body.rotation) == pytest.approx(1)


@settings(max_examples=30, deadline=None)
@given(POSES)
def test_turned_by_half_a_turn_it_is_as_thick(pose):
    xy, _, _ = shown(**pose)
    sigma = np.linspace(0.3, 1.0, 8)
    body, turned = (
        solve(xy[order], sigma[order], HW, POKER) for order in (list(range(8)), list(TURN))
    )
    assert body is not None
    assert turned is not None
    assert turned.thickness_mm == pytest.approx(body.thickness_mm, abs=1e-3)
    assert turned.thickness_sd_mm == pytest.approx(body.thickness_sd_mm, rel=1e-2)
    assert turned.near == body.near


UNIT = st.floats(-1, 1)


@settings(max_examples=40, deadline=None)
@given(
    turn=st.tuples(UNIT, UNIT, UNIT),
    seven=st.tuples(*[UNIT] * 7),
)
def test_the_jacobian_is_the_slope(turn, seven):
    middle = np.array([0, 0, 0, 0, 0, np.log(1.5), np.log(600)])
    parameters = middle + np.array(seven) * (1, 1, 17, 100, 100, 0.6, 0.6)
    start = np.array([[1.0, 0, 0], [0, -0.7, 0.7], [0, -0.7, -0.7]])
    rotation = block.turned(np.linalg.qr(start)[0], 0.4 * np.array(turn))
    flat, back = block.corners(np.array([30.0, 42.0])), block.BACK[:, None]
    seen = block.project(rotation, parameters, flat, back)
    assume(seen.depth.min() > 0.3)
    found = block.jacobian(seen, rotation, back)
    step = 1e-6
    for k in range(10):
        change = np.zeros(10)
        change[k] = step
        ahead, behind = (
            block.project(
                block.turned(rotation, s * change[:3]), parameters + s * change[3:], flat, back
            ).xy
            for s in (1, -1)
        )
        slope = (ahead - behind) / (2 * step)
        assert np.allclose(found[:, :, k], slope, rtol=1e-4, atol=1e-3 * (1 + abs(slope).max()))


@pytest.mark.parametrize(
    ("lacking", "sigma_px"),
    [
        (range(8), 0.5),
        ((), np.inf),
        ((), np.nan),
        (range(3, 8), 0.5),
        ((1, 3, 5, 7), 0.5),
        ((0, 1, 2, 3), 0.5),
    ],
    ids=["no place", "no precision", "no number", "three corners", "the left side", "a short side"],
)
def test_too_little_is_no_body(lacking, sigma_px):
    xy, _, _ = shown()
    xy[list(lacking)] = np.nan
    assert solve(xy, equally(sigma_px), HW, POKER) is None


def test_corners_without_a_place_or_a_precision_do_not_count():
    xy, _, _ = shown()
    exact = solve(xy, equally(), HW, POKER)
    lacking = xy.copy()
    lacking[0] = np.nan
    unsure = equally()
    unsure[1] = np.inf
    lacking[1] += 300  # where it is does not matter
    body = solve(lacking, unsure, HW, POKER)
    assert exact is not None
    assert body is not None
    assert body.thickness_mm == pytest.approx(exact.thickness_mm, abs=1e-3)
    assert np.allclose(body.xy, xy, atol=1e-2)
    assert not body.outliers.any()
