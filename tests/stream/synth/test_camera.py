import cv2
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from stream.synth.camera import framed, intrinsics, lift, look_at, on_sphere

angles = st.floats(-3.1, 3.1)


@st.composite
def cameras(draw):
    place = on_sphere(draw(angles), draw(st.floats(0.1, 1.4)), draw(st.floats(150, 900)))
    target = np.array([draw(st.floats(-60, 60)), draw(st.floats(-60, 60)), 0.0])
    k = intrinsics(draw(st.floats(100, 2000)), (draw(st.floats(0, 640)), draw(st.floats(0, 480))))
    return look_at(place, target, draw(st.floats(-0.5, 0.5)), k)


points = st.lists(
    st.tuples(st.floats(-50, 50), st.floats(-50, 50), st.floats(0, 20)), min_size=1, max_size=9
).map(np.array)


@given(cameras(), points)
def test_projects_as_opencv_does(camera, world):
    turn, _ = cv2.Rodrigues(camera.R)
    wanted, _ = cv2.projectPoints(world, turn, camera.t, camera.K, None)
    scale = 1 + np.abs(wanted).max()
    np.testing.assert_allclose(camera.project(world), wanted.reshape(-1, 2), atol=1e-7 * scale)


@given(cameras(), points)
def test_plane_is_the_projection_of_a_level(camera, world):
    flat = lift(world[:, :2], 7.0)
    seen = np.column_stack([world[:, :2], np.ones(len(world))]) @ camera.plane(7.0).T
    np.testing.assert_allclose(seen[:, :2] / seen[:, 2:], camera.project(flat), rtol=1e-9)


@given(cameras())
def test_rotation_is_right_handed_and_place_is_where_the_camera_stands(camera):
    np.testing.assert_allclose(camera.R @ camera.R.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(camera.R) > 0
    np.testing.assert_allclose(camera.R @ camera.place + camera.t, 0, atol=1e-9)


@given(cameras())
def test_look_at_shows_up_as_up_and_its_target_on_the_axis(camera):
    centre = camera.K[:2, 2]
    ahead = camera.place + camera.R[2] * 100
    np.testing.assert_allclose(camera.project(ahead), centre, atol=1e-6)
    # what stands upright rises in the picture, if the camera is rolled by less than a right angle
    assert camera.R[1, 2] < 0


@given(cameras(), points)
def test_turned_sees_the_world_turned_by_180_degrees(camera, world):
    turned = world * (-1, -1, 1)
    np.testing.assert_allclose(camera.turned().project(turned), camera.project(world), rtol=1e-9)


@given(cameras(), st.floats(10, 500), st.floats(0, 200), st.floats(0, 200))
def test_framed_puts_points_where_it_is_told(camera, extent, x, y):
    world = np.array([[-30, -40, 0], [30, -40, 5], [30, 40, 0], [-30, 40, 0.0]])
    xy = camera.project(world)
    shown = framed(camera, xy, np.array([x, y]), extent).project(world)
    low, high = shown.min(axis=0), shown.max(axis=0)
    np.testing.assert_allclose((low + high) / 2, [x, y], atol=1e-6)
    assert abs((high - low).max() - extent) < 1e-6
