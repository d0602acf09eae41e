"""Corners become the cuboid that showed them, with a doubt that is right."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from lying import FOCAL, HW, POKER, POSES, equally, shown

from stream import block, cuboid
from stream.cuboid import CORNER_RADIUS_MM, WORST_SIGMA, Body, doubt, solve
from stream.decks import DECKS
from stream.packet import TURN
from stream.synth.body import Body as Lying
from stream.synth.camera import Camera


def test_the_corners_are_as_round_as_the_renderers():
    assert Lying(63, 88, 1).radius_mm == CORNER_RADIUS_MM


@settings(max_examples=60, deadline=None)
@given(POSES, st.booleans())
def test_exact_corners_give_the_exact_thickness(pose, hidden_too):
    xy, visible, camera = shown(**pose)
    assume(hidden_too or visible.sum() > 4)  # from above one face alone: no thickness to tell
    body = solve(np.where(hidden_too | visible[:, None], xy, np.nan), equally(0.01), HW, POKER)
    assert body is not None
    # seen from very near the valley is narrow, and the search may end before its very bottom
    thickness, focal = (max(1e-3, 0.2 * sd) for sd in (body.thickness_sd_mm, body.focal_log_sd))
    assert body.thickness_mm == pytest.approx(pose["thickness_mm"], abs=thickness)
    assert body.focal_px == pytest.approx(FOCAL, rel=focal)
    assert np.allclose(body.xy, xy, atol=1e-2)
    assert body.near == ("face" if pose["face_up"] else "back")
    assert np.linalg.norm(body.translation_mm) == pytest.approx(depth_to(camera, pose), rel=focal)


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


def near(**changes):
    """A pose of `POSES`, from as near as the camera comes."""
    scene = {"thickness_mm": 8.0, "elevation_deg": 12.0, "azimuth_deg": 30.0, "distance_mm": 180.0}
    return scene | {"roll_deg": 0.0, "aside_mm": (0.0, 0.0), "face_up": False} | changes


@settings(max_examples=20, deadline=None)
@given(POSES)
@example(near(azimuth_deg=12.0))  # the camera is beyond half a card's width, not its height
@example(near(azimuth_deg=78.0))
@example(near(elevation_deg=3.2))  # just above the upper face
def test_a_block_hides_the_corners_that_the_renderer_hides(pose):
    xy, visible, camera = shown(**pose)
    half_mm = np.array([POKER.width_mm, POKER.height_mm]) / 2
    assume((np.abs(np.abs(camera.place[:2]) - half_mm) > 3).all())  # not along one of its sides
    body = solve(xy, equally(0.01), HW, POKER)
    assert body is not None
    seen = block.visible(body.rotation, cuboid._parameters(body), half_mm)
    assert seen.tolist() == visible.tolist()


UNIT = st.floats(-1, 1)


@settings(max_examples=40, deadline=None)
@given(
    turn=st.tuples(UNIT, UNIT, UNIT),
    nine=st.tuples(*[UNIT] * 9),
)
def test_the_jacobian_is_the_slope(turn, nine):
    middle = np.array([0, 0, 0, 0, 0, np.log(1.5), np.log(600), 0, 0])
    parameters = middle + np.array(nine) * (1, 1, 17, 100, 100, 0.6, 0.6, 50, 50)
    start = np.array([[1.0, 0, 0], [0, -0.7, 0.7], [0, -0.7, -0.7]])
    rotation = block.turned(np.linalg.qr(start)[0], 0.4 * np.array(turn))
    flat, back = block.corners(np.array([30.0, 42.0])), block.BACK[:, None]
    seen = block.project(rotation, parameters, flat, back)
    assume(seen.depth.min() > 0.3)
    found = block.jacobian(seen, rotation, back)
    step = 1e-6
    for k in range(12):
        change = np.zeros(12)
        change[k] = step
        ahead, behind = (
            block.project(
                block.turned(rotation, s * change[:3]), parameters + s * change[3:], flat, back
            ).xy
            + s * change[10:]
            for s in (1, -1)
        )
        slope = (ahead - behind) / (2 * step)
        assert np.allclose(found[:, :, k], slope, rtol=1e-4, atol=1e-3 * (1 + abs(slope).max()))


@pytest.mark.parametrize("wrong", range(8))
def test_a_corner_that_is_wrong_has_no_pull(wrong):
    xy, visible, _ = shown()
    given_xy = np.where(visible[:, None], xy, np.nan)
    given_xy[wrong] = xy[wrong] + (25, -15)
    body = solve(given_xy, equally(), HW, POKER)
    assert body is not None
    assert body.thickness_mm == pytest.approx(9.3, abs=0.2)
    assert np.allclose(body.xy, xy, atol=1.0)


def test_the_last_frames_body_leads_to_the_same():
    rng = np.random.default_rng(2)
    last = None
    for azimuth in range(0, 180, 6):
        xy, visible, _ = shown(azimuth_deg=azimuth, distance_mm=300 + azimuth)
        xy = np.where(visible[:, None], xy + rng.normal(0, 0.5, (8, 2)), np.nan)
        cold = solve(xy, equally(), HW, POKER)
        warm = solve(xy, equally(), HW, POKER, start=last)
        assert cold is not None
        assert warm is not None
        apart = abs(warm.thickness_mm - cold.thickness_mm)
        assert apart < 0.05 * cold.thickness_sd_mm
        last = warm


def test_a_start_that_is_far_off_is_given_up():
    xy, _, _ = shown(azimuth_deg=10)
    other, _, _ = shown(azimuth_deg=100, elevation_deg=20, distance_mm=500, face_up=True)
    start = solve(other, equally(), HW, POKER)
    body = solve(xy, equally(), HW, POKER, start=start)
    assert body is not None
    assert body.thickness_mm == pytest.approx(9.3, abs=1e-2)


@pytest.mark.parametrize("azimuth_deg", [20.0, 110.0, 200.0, 290.0])
def test_a_start_that_is_tilted_the_other_way_is_given_up(azimuth_deg):
    """The search ends beside it, and every frame after that would begin there."""
    xy, visible, _ = shown(azimuth_deg=azimuth_deg)
    seen = np.where(visible[:, None], xy, np.nan)
    cold = solve(seen, equally(), HW, POKER)
    assert cold is not None
    tilted = replace(cold, rotation=block.mirrored(cold.rotation, cuboid._parameters(cold)))
    body = solve(seen, equally(), HW, POKER, start=tilted)
    assert body is not None
    assert body.thickness_mm == pytest.approx(9.3, abs=1e-2)
    assert np.allclose(body.xy, xy, atol=0.1)


@pytest.mark.parametrize("sigma_px", [0.5, 2.0])
def test_the_doubt_is_right(sigma_px):
    rng = np.random.default_rng(11)
    errors = []
    for _ in range(250):
        truth = rng.uniform(0.31, 16.1)
        focal = FOCAL * np.exp(rng.normal(0, 0.25))
        xy, visible, _ = shown(
            thickness_mm=truth,
            elevation_deg=rng.uniform(20, 70),
            azimuth_deg=rng.uniform(0, 360),
            distance_mm=rng.uniform(200, 450),
            focal_px=focal,
            lean_mm=rng.normal(0, 0.5, 2),
        )
        xy = np.where(visible[:, None], xy + rng.normal(0, sigma_px, (8, 2)), np.nan)
        body = solve(xy, equally(sigma_px), HW, POKER)
        assert body is not None
        errors.append((body.thickness_mm - truth) / body.thickness_sd_mm)
    assert 0.7 < np.var(errors) < 1.3
    assert 0.85 < np.mean(np.abs(errors) < 1.645) < 0.95
    assert abs(np.mean(errors)) < 0.2


def test_a_crop_that_hides_where_the_axis_is_brings_doubt():
    rng = np.random.default_rng(12)
    wrong, widths = [], {0.0: [], 0.4: []}
    for part in np.repeat([0.0, 0.4], 150):
        way, truth = rng.uniform(0, 2 * np.pi), rng.uniform(0.31, 16.1)
        xy, visible, _ = shown(
            thickness_mm=truth,
            distance_mm=rng.uniform(180, 500),
            elevation_deg=rng.uniform(20, 65),
            azimuth_deg=rng.uniform(0, 360),
            off_px=(part * HW[1] * np.cos(way), part * HW[0] * np.sin(way)),
        )
        xy = np.where(visible[:, None], xy + rng.normal(0, 0.5, (8, 2)), np.nan)
        body = solve(xy, equally(), HW, POKER)
        if body is None or doubt(body, POKER) is not None:
            continue
        sd = body.thickness_sd_mm * max(1.0, body.residual_sigma)  # what `cards_of` counts with
        wrong.append(abs(body.thickness_mm - truth) > 1.645 * sd)
        widths[part].append(sd)
    assert len(wrong) > 200
    assert np.mean(wrong[-len(widths[0.4]) :]) <= 0.12
    assert np.median(widths[0.4]) > 1.4 * np.median(widths[0.0])


def seen_from(distance_mm, **changes) -> Body:
    xy, _, _ = shown(distance_mm=distance_mm, **changes)
    body = solve(xy, equally(), HW, POKER)
    assert body is not None
    return body


def test_a_packet_that_is_all_there_leaves_no_doubt():
    assert doubt(seen_from(300), POKER) is None
    assert doubt(seen_from(300, thickness_mm=16.8), POKER) is None


def test_a_packet_too_far_away_says_how_far():
    body = seen_from(1200)
    across = np.ptp(body.xy, axis=0).max()
    assert across < 60
    assert doubt(body, POKER) == f"too far: the packet is {across:.0f} px across, wanted 60"


@pytest.mark.parametrize("seed", range(8))
def test_corners_of_no_cuboid_are_doubted(seed):
    xy, _, _ = shown()
    xy += np.random.default_rng(seed).normal(0, 20, (8, 2))
    body = solve(xy, equally(), HW, POKER)
    assert body is not None
    assert body.residual_sigma > WORST_SIGMA
    said = doubt(body, POKER)
    assert said is not None
    assert f"{body.residual_px:.1f} px off" in said


def test_more_than_the_deck_holds_is_doubted():
    said = doubt(seen_from(300, thickness_mm=26.0), POKER)
    assert said is not None
    assert said.startswith("too thick: the packet is 26.0 mm, a whole deck of 52 is 15.3")
    assert doubt(seen_from(300, thickness_mm=21.0), DECKS["tarot"]) is None


def test_a_deck_whose_packets_lie_unevenly_is_not_called_too_thick():
    even = replace(POKER, card_sd_mm=0.002)
    body = replace(seen_from(300, thickness_mm=17.0), thickness_sd_mm=0.1)
    said = doubt(body, even)
    assert said is not None
    assert said.startswith("too thick")
    assert doubt(body, replace(even, laid_sd=0.05)) is None


def test_a_covariance_weighs_each_way_by_itself():
    xy, visible, _ = shown()
    along = np.array([0.8, 0.6])
    across = np.array([-0.6, 0.8])
    wrong = np.where(visible[:, None], xy + 6.0 * along, np.nan)
    wrong[0] = xy[0]
    loose = np.outer(along, along) * 100.0 + np.outer(across, across) * 0.01
    truth = solve(np.where(visible[:, None], xy, np.nan), np.full(8, 0.1), HW, POKER)
    alike = solve(xy, np.where(visible, 0.5, np.inf), HW, POKER)
    same = solve(xy, np.where(visible[:, None, None], 0.25 * np.eye(2), np.inf), HW, POKER)
    assert same.thickness_mm == pytest.approx(alike.thickness_mm)
    assert same.thickness_sd_mm == pytest.approx(alike.thickness_sd_mm)
    held = solve(wrong, np.tile(loose, (8, 1, 1)), HW, POKER)
    assert held.residual_sigma < 3
    assert np.abs((held.xy - truth.xy) @ across)[visible].max() < 1.0
