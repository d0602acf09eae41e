import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from stream.packet import KEYPOINTS
from stream.synth.body import Body, rounded

bodies = st.builds(
    Body,
    width_mm=st.just(63.0),
    height_mm=st.just(88.0),
    thickness_mm=st.floats(0.3, 18),
    lean_mm=st.tuples(st.floats(-1.5, 1.5), st.floats(-1.5, 1.5)),
    face_up=st.booleans(),
)
places = st.tuples(st.floats(-400, 400), st.floats(-400, 400), st.floats(5, 500)).map(np.array)


def margin(body, points):
    """How deep inside the block (mm, negative = outside) points (N, 3) lie, straight from z."""
    level = points[:, 2] / body.thickness_mm
    middle = (level - 0.5)[:, None] * np.array(body.lean_mm)
    flat = np.array([body.width_mm, body.height_mm]) / 2 - np.abs(points[:, :2] - middle)
    height = np.minimum(points[:, 2], body.thickness_mm - points[:, 2])
    return np.minimum(flat.min(axis=1), height)


@given(bodies, places)
def test_visible_is_what_a_ray_towards_the_camera_says(body, place):
    assume(margin(body, place[None])[0] < -1)
    steps = np.geomspace(1e-5, 1, 60)
    seen = []
    for corner in body.sharp_corners():
        depth = margin(body, corner + steps[:, None] * (place - corner))
        assume(abs(depth[0]) > 1e-6)  # the ray runs along a face: either answer is right
        seen.append(depth.max() <= 1e-9)
    assert body.visible(place).tolist() == seen


@given(bodies)
def test_corners_lie_where_their_names_say(body):
    for name, (x, y, z) in zip(KEYPOINTS, body.corners(), strict=True):
        side, hand, large = name.split("_")
        assert (y > 0) == (side == "upper")
        assert (x > 0) == (hand == "right")
        assert (z > 0) == ((large == "back") != body.face_up)


def test_corners_are_the_points_of_the_round_corners_nearest_to_the_sharp_ones():
    body = Body(63.0, 88.0, 10.0, radius_mm=3.5)
    away = np.linalg.norm(body.corners() - body.sharp_corners(), axis=1)
    np.testing.assert_allclose(away, (np.sqrt(2) - 1) * 3.5)
    outline = rounded(63.0, 88.0, 3.5, per_corner=201)
    for sharp, corner in zip(body.sharp_corners(), body.corners(), strict=True):
        nearest = outline[np.linalg.norm(outline - sharp[:2], axis=1).argmin()]
        np.testing.assert_allclose(nearest, corner[:2], atol=0.02)


@pytest.mark.parametrize(("width", "height", "radius"), [(63, 88, 3.5), (20, 10, 8), (30, 30, 0)])
def test_outline_is_convex_anticlockwise_and_as_large_as_asked_for(width, height, radius):
    outline = rounded(width, height, radius)
    np.testing.assert_allclose(np.ptp(outline, axis=0), [width, height])
    a, b = np.roll(outline, -1, axis=0) - outline, outline - np.roll(outline, 1, axis=0)
    assert (b[:, 0] * a[:, 1] - b[:, 1] * a[:, 0] >= -1e-9).all()
    following = np.roll(outline, -1, axis=0)
    area = (outline[:, 0] * following[:, 1] - outline[:, 1] * following[:, 0]).sum() / 2
    r = min(radius, width / 2, height / 2)
    assert area == pytest.approx(width * height - (4 - np.pi) * r * r, rel=0.01)
