import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from stream.packet import KEYPOINTS
from stream.synth.body import Body, Bow, rounded

SHEETS = 1500  # so fine a staircase that it is as good as smooth


def stacked(thickness_mm, lean_mm, twist_rad, face_up, sag_mm):
    part = np.linspace(-0.5, 0.5, SHEETS)[:, None]
    return Body(
        63.0, 88.0, thickness_mm, face_up=face_up,
        poses=part * [*lean_mm, twist_rad],
        edges=np.linspace(0, 1, SHEETS + 1),
        bow=Bow(sag_mm, 1, 88.0) if sag_mm else None,
    )  # fmt: skip


bodies = st.builds(
    stacked,
    thickness_mm=st.floats(1, 18),
    lean_mm=st.tuples(st.floats(-5, 5), st.floats(-5, 5)),
    twist_rad=st.floats(-0.08, 0.08),
    face_up=st.booleans(),
    sag_mm=st.just(0.0) | st.floats(-3, 3),
)
places = st.tuples(st.floats(-400, 400), st.floats(-400, 400), st.floats(30, 500)).map(np.array)


def inside(body, points):
    """How deep inside the leaning, twisted, bent solid (mm, negative = outside) points lie."""
    steep = 4 * body.bow.sag_mm / 88**2 if body.bow else 0.0
    rise = max(steep * 44**2, 0) - steep * points[:, 1] ** 2
    level = (points[:, 2] - rise) / body.thickness_mm
    x, y, turn = (np.clip(level, 0, 1)[:, None] - 0.5).T * (body.poses[-1] - body.poses[0])[:, None]
    dx, dy = points[:, 0] - x, points[:, 1] - y
    across = 31.5 - np.abs(np.cos(turn) * dx + np.sin(turn) * dy)
    along = 44 - np.abs(np.cos(turn) * dy - np.sin(turn) * dx)
    return np.min([across, along, np.minimum(level, 1 - level) * body.thickness_mm], axis=0)


@given(bodies, places)
def test_visible_is_what_a_ray_towards_the_camera_says(body, place):
    assume(inside(body, place[None])[0] < -20)
    steps = np.concatenate([np.geomspace(1e-5, 1e-3, 40), np.arange(1e-3, 1, 1e-3)])
    for corner, seen in zip(body.sharp_corners(), body.visible(place), strict=True):
        depth = inside(body, corner + steps[:, None] * (place - corner)).max()
        if depth <= 1e-9:
            assert seen
        elif depth > 0.05:  # closer than that the ray runs along a side: either answer is right
            assert not seen


@given(bodies)
def test_corners_lie_where_their_names_say(body):
    for name, (x, y, z) in zip(KEYPOINTS, body.corners(), strict=True):
        side, hand, large = name.split("_")
        assert (y > 0) == (side == "upper")
        assert (x > 0) == (hand == "right")
        rise = body.bow.rise(np.array([x, y])) if body.bow else 0.0
        top = (large == "back") != body.face_up
        assert z - rise == pytest.approx(body.thickness_mm if top else 0.0)


def test_a_bow_bends_the_packet_by_its_sag():
    plain, hump, bowl = (
        Body(63.0, 88.0, 5.0, bow=b) for b in (None, Bow(3, 1, 88), Bow(-3, 1, 88))
    )
    middle = np.array([[0.0, 0.0], [20.0, 0.0], [0.0, 44.0], [5.0, -44.0]])
    np.testing.assert_allclose(hump.bow.rise(middle), [3, 3, 0, 0], atol=1e-12)
    np.testing.assert_allclose(bowl.bow.rise(middle), [0, 0, 3, 3], atol=1e-12)
    np.testing.assert_allclose(hump.sharp_corners(), plain.sharp_corners(), atol=1e-12)
    np.testing.assert_allclose(bowl.sharp_corners() - plain.sharp_corners(), [[0, 0, 3]] * 8)


def test_a_hump_hides_the_corners_behind_it():
    low = np.array([0.0, -600.0, 15.0])
    assert Body(63.0, 88.0, 2.0).visible(low)[[2, 3]].all()
    assert not Body(63.0, 88.0, 2.0, bow=Bow(6, 1, 88)).visible(low)[[2, 3]].any()


def test_a_sheet_that_sticks_out_hides_what_lies_below_it():
    above = np.array([0.0, -300.0, 500.0])
    poses = np.zeros((10, 3))
    edges = np.linspace(0, 1, 11)
    assert Body(63.0, 88.0, 3.0, poses=poses, edges=edges).visible(above)[[4, 5]].all()
    poses[5, 1] = -4.0
    assert not Body(63.0, 88.0, 3.0, poses=poses, edges=edges).visible(above)[[4, 5]].any()


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
