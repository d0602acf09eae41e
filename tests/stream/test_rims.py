"""Sides are cut out where they are, and what is read of their rims holds the corners."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from lying import POSES, shown

from engines.fake import FakeEngine
from engines.spec import ModelSpec
from stream import rims
from stream.colour import TAGS
from stream.frame import Frame, Packet
from stream.looking import Look, Looker, closely
from stream.packet import EDGES, FLIP, KEYPOINTS, corner_covariance
from stream.planes import converted
from stream.rim_network import CENTRES, RimNetwork
from stream.rims import COLUMNS, ROWS, Rims
from stream.synth import Renderer, SceneConfig

CLEAR = SceneConfig(
    held=0.0, occluder=0.0, fan=0.0, brushed=0.0, twist=0.0, bowed=0.0, motion=0.0, dark=0.0,
    wide=0.0, stray_sheet=0.0, webcam=0.0, outside=0.0, extent=(0.5, 0.9), cards=(10, 52),
)  # fmt: skip


def flags(*seen):
    return np.isin(np.arange(8), seen)


def test_sides_lie_below_the_large_face_that_is_seen():
    assert rims.sides(flags(0, 1, 2, 3, 4, 5, 6)) == [(0, 1, 2, 3), (0, 4, 2, 6)]
    assert rims.sides(flags(1, 2, 3, 5, 6, 7)) == [(3, 7, 1, 5)]


def strips_of(xy, visible):
    return list(rims.cut(np.zeros((480, 640, 3), np.uint8), xy, rims.sides(visible)))


@pytest.mark.parametrize("seen", [range(8), (0, 1, 2, 3), (2, 3, 6, 7), ()])
def test_without_one_large_face_and_a_whole_side_there_is_none(seen):
    assert rims.sides(flags(*seen)) == []


@given(POSES)
def test_a_strip_shows_the_side_between_the_rows_that_it_names(pose):
    xy, visible, _ = shown(**pose)
    for strip in strips_of(xy, visible):
        four = xy[list(strip.corners)]
        tl, tr, bl, br = four
        assert strip.normal @ (bl + br - tl - tr) >= 0
        assert strip.normal @ (tr - tl + br - bl) == pytest.approx(0, abs=1e-6)
        down = (four - four.mean(axis=0)) @ strip.normal
        np.testing.assert_allclose(strip.rows * strip.height_px, down, atol=1e-6)
        assert np.abs(strip.rows).max() < 0.5


def test_a_strips_pixels_are_means_of_what_lies_there():
    xy, visible, _ = shown()
    along, down = np.meshgrid(np.arange(640), np.arange(480))
    image = np.stack([along / 4, down / 4, np.full_like(along, 9)], axis=2).round().astype(np.uint8)
    (strip, *_) = rims.cut(image, xy, rims.sides(visible))
    middle = xy[list(strip.corners)].mean(axis=0)
    wanted = middle + strip.normal * CENTRES[:, None] * strip.height_px
    seen = strip.picture[:, COLUMNS // 2 - 1 : COLUMNS // 2 + 1].mean(axis=1)
    np.testing.assert_allclose(seen[:, :2], wanted / 4, atol=0.8)
    assert strip.picture.shape == (ROWS, COLUMNS, 3)


def each_way(sigma_px):
    return np.square(sigma_px)[:, None, None] * np.eye(2)


def said(strip, off_px=0.0, sd_px=1.0):
    return Rims(strip.rows + off_px / strip.height_px, np.full(2, sd_px) / strip.height_px)


def test_a_corner_between_two_sure_rims_lies_where_they_cross():
    xy, visible, _ = shown()
    moved = xy + (3.0, -2.0)
    strips = strips_of(moved, visible)
    assert len(strips) == 2
    read = [said(s, (xy - moved)[0] @ s.normal, 1e-3) for s in strips]
    held, covariance = rims.held(moved, each_way(np.full(8, 5.0)), strips, read)
    shared = list(set(strips[0].corners) & set(strips[1].corners))
    assert len(shared) == 2
    np.testing.assert_allclose(held[shared], xy[shared], atol=0.01)
    assert np.abs(covariance[shared]).max() < 1e-4
    apart = ~np.isin(np.arange(8), [c for s in strips for c in s.corners])
    np.testing.assert_array_equal(held[apart], moved[apart])
    np.testing.assert_array_equal(covariance[apart], np.broadcast_to(25 * np.eye(2), (2, 2, 2)))


@given(
    hnp.arrays(np.float64, 8, elements=st.floats(0.5, 20)),
    st.floats(-5, 5),
    st.floats(0.1, 50),
)
def test_what_holds_a_corner_weighs_by_its_precision(sigma_px, off_px, sd_px):
    xy, visible, _ = shown()
    strip = strips_of(xy, visible)[0]
    held, after = rims.held(xy, each_way(sigma_px), [strip], [said(strip, off_px, sd_px)])
    for corner in strip.corners:
        share = sigma_px[corner] ** 2 / (sigma_px[corner] ** 2 + sd_px**2)
        np.testing.assert_allclose(
            held[corner] - xy[corner], share * off_px * strip.normal, atol=1e-9
        )
        before = sigma_px[corner] ** 2
        along = np.array([-strip.normal[1], strip.normal[0]])
        assert strip.normal @ after[corner] @ strip.normal == pytest.approx(before * (1 - share))
        assert along @ after[corner] @ along == pytest.approx(before)


def test_the_bundled_network_finds_the_rims_of_rendered_packets():
    renderer, rng = Renderer(CLEAR), np.random.default_rng(7)
    before, after, doubts = [], [], []
    for _ in range(40):
        shot = renderer.sample(rng, (480, 640))
        sides = rims.sides(shot.visible)
        if not sides:
            continue
        off = rng.normal(0, 0.012 * np.ptp(shot.xy, axis=0).max(), (8, 2))
        strips = list(rims.cut(shot.image, shot.xy + off, sides))
        for strip, read in zip(strips, RimNetwork.bundled()(strips), strict=True):
            truth = strip.rows - off[list(strip.corners)] @ strip.normal / strip.height_px
            tall = truth[2:] - truth[:2]
            before.append(np.abs(strip.rows[2:] - strip.rows[:2] - tall).mean())
            after.append(np.abs(read.rows[2:] - read.rows[:2] - tall).mean())
            doubts.append(np.abs(read.rows - truth) / np.repeat(read.sd, 2))
    assert len(before) > 30
    assert np.median(after) < 0.6 * np.median(before)
    assert 0.5 < (np.concatenate(doubts) < 1).mean() < 0.95


def test_a_strip_without_contrast_is_no_reason_to_be_sure():
    xy, visible, _ = shown()
    grey = np.full((480, 640, 3), 128, np.uint8)
    strips = list(rims.cut(grey, xy, rims.sides(visible)))
    doubts = [
        read.sd * s.height_px for s, read in zip(strips, RimNetwork.bundled()(strips), strict=True)
    ]
    assert np.min(doubts) > 1.0
    assert RimNetwork.bundled()([]) == []


SPEC = ModelSpec("packet", KEYPOINTS, EDGES, FLIP, (256, 256), 4, 6.0, 52)


def looked_at(xy, visible):
    packet = Packet(xy, np.full(8, 0.9), visible)
    return Look(packet, visible.astype(float), None, 1.0, 0.9)


def test_corners_come_nearer_in_bgr_and_in_planes_alike():
    renderer, rng = Renderer(CLEAR), np.random.default_rng(11)
    looker, read = Looker(FakeEngine(SPEC)), RimNetwork.bundled()
    before, after = [], []
    for _ in range(12):
        shot = renderer.sample(rng, (720, 960))
        held = [c for side in rims.sides(shot.visible) for c in side]
        if not held:
            continue
        off = rng.normal(0, 0.01 * np.ptp(shot.xy, axis=0).max(), (8, 2))
        look = looked_at(shot.xy + off, shot.visible)
        frames = [
            Frame(pixels, 0, 0.0, 0.0, "test")
            for pixels in (shot.image, converted(shot.image, TAGS))
        ]
        packets = [closely(frame, looker, look, read).packet for frame in frames]
        np.testing.assert_allclose(packets[0].xy, packets[1].xy, atol=1.5)
        before.extend(np.linalg.norm(off, axis=1)[held])
        after.extend(np.linalg.norm(packets[0].xy - shot.xy, axis=1)[held])
        spread = [
            np.trace(one, axis1=1, axis2=2)
            for one in map(corner_covariance, (packets[0], look.packet))
        ]
        assert (spread[0] < spread[1])[held].all()
        np.testing.assert_array_equal(look.packet.xy, shot.xy + off)  # nothing is changed in place
    assert len(before) > 40
    assert np.mean(after) < 0.8 * np.mean(before)


def test_a_packet_of_which_no_side_is_seen_stays_as_it_is():
    xy, visible, _ = shown()
    look = looked_at(xy, visible & flags(0, 1, 4, 5))
    frame = Frame(np.zeros((480, 640, 3), np.uint8), 0, 0.0, 0.0, "test")
    assert closely(frame, Looker(FakeEngine(SPEC)), look, RimNetwork.bundled()) is look
