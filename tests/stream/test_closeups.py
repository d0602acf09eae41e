"""Short edges are cut out where they are, and corners lie where the close-ups show them."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given
from lying import POSES, shown

from engines.fake import FakeEngine
from engines.spec import ModelSpec
from stream import closeups
from stream.closeup_network import (
    CELLS,
    PIXELS,
    CloseUpNetwork,
    Said,
    covariance_of,
    lines,
)
from stream.colour import TAGS
from stream.frame import Frame, Packet
from stream.looking import Look, Looker, closely
from stream.packet import EDGES, FLIP, KEYPOINTS, corner_covariance, extent_px
from stream.planes import converted
from stream.synth import Renderer, SceneConfig

CLEAR = SceneConfig(
    held=0.0, occluder=0.0, fan=0.0, brushed=0.0, twist=0.0, bowed=0.0, motion=0.0, dark=0.0,
    wide=0.0, stray_sheet=0.0, webcam=0.0, outside=0.0, extent=(0.5, 0.9), cards=(10, 52),
)  # fmt: skip
GREY = np.full((480, 640, 3), 128, np.uint8)
SPEC = ModelSpec("packet", KEYPOINTS, EDGES, FLIP, (256, 256), 4, 6.0, 52)


def edges_of(xy, seen, image=GREY):
    return list(closeups.cut(image, xy, seen.astype(float)))


@given(POSES)
def test_every_edge_is_cut_out_with_the_large_face_to_the_right(pose):
    xy, visible, _ = shown(**pose)
    assume(extent_px(xy) >= closeups.SMALLEST_PX)
    edges = edges_of(xy, visible)
    assert sorted(min(edge.corners) for edge in edges) == [0, 1, 4, 5]
    back = visible[[2, 3, 6, 7]].sum() > visible[[0, 1, 4, 5]].sum()
    for edge in edges:
        near, far = edge.corners
        assert near ^ far == 2
        assert bool(near & 2) == back
        u, v = edge.axes
        assert u @ v == pytest.approx(0, abs=1e-6)
        assert np.hypot(*u) == pytest.approx(np.hypot(*v))
        to_side, across = (edge.neighbours - edge.thought[:, None]).transpose(1, 0, 2)
        arms = [each / np.linalg.norm(each, axis=1, keepdims=True) for each in (to_side, across)]
        assert (arms[0] + arms[1]).sum(axis=0)[0] > -1e-9  # the faces lie to the right,
        assert (arms[0] - arms[1]).sum(axis=0)[1] > -1e-9  # the side's neighbour below


@given(POSES)
def test_places_in_a_patch_and_in_the_frame_are_the_same(pose):
    xy, visible, _ = shown(**pose)
    extent = extent_px(xy)
    for edge in edges_of(xy, visible):
        both = xy[list(edge.corners)]
        np.testing.assert_allclose(edge.middle + edge.thought @ edge.axes, both, atol=1e-6)
        neighbours = xy[[[one ^ 1, one ^ 4] for one in edge.corners]]
        np.testing.assert_allclose(edge.there(neighbours), edge.neighbours, atol=1e-9)
        half = np.hypot(*edge.axes[0])
        length = min(np.hypot(*(both[1] - both[0])), closeups.LONGEST * extent)
        assert half == pytest.approx(closeups.BEYOND * extent + length / 2)


def test_a_patchs_pixels_are_means_of_what_lies_there():
    xy, visible, _ = shown()
    along, down = np.meshgrid(np.arange(640), np.arange(480))
    ramp = np.stack([along / 4, down / 4, np.full_like(along, 9)], axis=2).round().astype(np.uint8)
    edge = edges_of(xy, visible, ramp)[0]
    u, v = np.meshgrid(PIXELS, PIXELS)
    wanted = edge.middle + np.stack([u, v], axis=2) @ edge.axes
    inside = ((wanted > 2) & (wanted < (637, 477))).all(axis=2)
    np.testing.assert_allclose(edge.picture[inside][:, :2], wanted[inside] / 4, atol=0.8)


def test_what_is_far_away_or_without_direction_is_not_cut_out():
    xy, visible, _ = shown()
    assert edges_of(xy * 0.1, visible) == []
    assert edges_of(np.full((8, 2), np.nan), visible) == []
    alone = np.where((np.arange(8) == 3)[:, None], xy, np.nan)
    assert edges_of(alone, visible) == []


def test_an_edge_of_which_one_corner_was_found_is_cut_out_round_that_one():
    xy, visible, _ = shown()
    xy[2] = np.nan
    (edge,) = (one for one in edges_of(xy, visible) if 2 in one.corners)
    missing = edge.corners.index(2)
    assert np.isnan(edge.thought[missing]).all()
    np.testing.assert_allclose(edge.thought[1 - missing], 0, atol=1e-9)
    assert np.isfinite(edge.picture).all()


def test_lines_run_from_a_corner_to_its_neighbours_and_no_further():
    thought = np.array([[[0, 0], [np.nan, np.nan]], [[0, 0], [0.5, 0]]], np.float32)
    neighbours = np.full((2, 2, 2, 2), np.nan, np.float32)
    neighbours[0, 0] = (0.5, 0), (0, 3)
    drawn = lines(thought, neighbours)
    assert drawn.shape == (2, 2, len(PIXELS), len(PIXELS))

    def at(n, which, u, v):
        return drawn[n, which, np.abs(PIXELS - v).argmin(), np.abs(PIXELS - u).argmin()]

    assert min(at(0, 0, 0.25, 0), at(0, 0, 0.5, 0), at(0, 0, 0, 0.9)) > 0.9
    assert max(at(0, 0, 0.8, 0), at(0, 0, -0.3, 0), at(0, 0, 0, -0.3), at(0, 0, 0.5, 0.5)) < 0.01
    assert drawn[0, 1].max() == 0  # not found
    assert at(1, 1, 0.5, 0) > 0.9  # without neighbours a point
    assert at(1, 1, 0.2, 0) < 0.01


def test_a_covariance_is_that_of_the_precision_which_the_factors_make():
    rng = np.random.default_rng(0)
    numbers = rng.uniform(-1.9, 3, (20, 3)).astype(np.float32)
    for said, made in zip(numbers.astype(float), covariance_of(numbers), strict=True):
        a, c = np.exp(said[0]), np.exp(said[2])
        upper = np.array([[a, said[1] * np.sqrt(a * c)], [0, c]])
        np.testing.assert_allclose(2 * np.linalg.inv(upper.T @ upper), made, rtol=1e-6)


class Told:
    """A network that says the same places of every edge."""

    def __init__(self, off, seen):
        self.off, self.seen = off, seen

    def __call__(self, edges):
        spread = np.broadcast_to(np.eye(2) * 0.01, (2, 2, 2))
        odds = np.full(2, self.seen)
        return [Said(edge.thought + self.off, spread, odds) for edge in edges]


class There(Told):
    """A network that says one and the same place in the patch of every corner."""

    def __init__(self, place):
        super().__init__(place, 4.0)

    def __call__(self, edges):
        return [replace(said, places=np.tile(self.off, (2, 1))) for said in super().__call__(edges)]


def looked_at(xy, seen):
    packet = Packet(xy, np.full(8, 0.9), seen >= 0.5)
    return Look(packet, seen.astype(float), None, 1.0, 0.9)


def test_a_corner_that_is_seen_is_the_mean_of_both_looks_by_precision():
    xy, visible, _ = shown()
    look = looked_at(xy, np.where(visible, 0.9, 0.1))
    frame, looker = Frame(GREY, 0, 0.0, 0.0, "test"), Looker(FakeEngine(SPEC))
    after = closely(frame, looker, look, Told(np.array([0.1, 0.0]), 0.0))
    before = corner_covariance(look.packet)
    for edge in edges_of(xy, visible):
        for corner in edge.corners:
            moved = after.packet.xy[corner] - xy[corner]
            if not visible[corner]:
                np.testing.assert_array_equal(moved, 0)
                continue
            first, close = before[corner][0, 0], 0.01 * np.square(edge.axes[0]).sum()
            share = first / (first + close)
            np.testing.assert_allclose(moved, share * 0.1 * edge.axes[0], atol=1e-9)
            spread = after.packet.covariance[corner]
            np.testing.assert_allclose(spread, share * close * np.eye(2), atol=1e-9)
    np.testing.assert_array_equal(after.packet.visible, visible)
    np.testing.assert_array_equal(look.packet.xy, xy)  # nothing is changed in place


def test_a_corner_that_was_not_found_is_where_the_close_up_has_it():
    xy, _, _ = shown()
    xy[2] = np.nan
    look = looked_at(xy, np.full(8, 0.9))
    frame, looker = Frame(GREY, 0, 0.0, 0.0, "test"), Looker(FakeEngine(SPEC))
    (edge,) = (one for one in edges_of(xy, look.seen) if 2 in one.corners)
    after = closely(frame, looker, look, There(np.array([0.3, -0.2])))
    wanted = edge.middle + np.array([0.3, -0.2]) @ edge.axes
    np.testing.assert_allclose(after.packet.xy[2], wanted, atol=1e-9)
    assert after.packet.visible[2]


@pytest.mark.parametrize(("odds", "shown_now"), [(8.0, True), (-8.0, False)])
def test_what_is_seen_of_a_corner_is_what_both_looks_say(odds, shown_now):
    xy, _, _ = shown()
    frame, looker = Frame(GREY, 0, 0.0, 0.0, "test"), Looker(FakeEngine(SPEC))
    for doubtful in (0.3, 0.7):
        look = looked_at(xy, np.full(8, doubtful))
        after = closely(frame, looker, look, Told(np.zeros(2), odds))
        assert (after.packet.visible == shown_now).all()
        assert ((after.seen > 0.5) == shown_now).all()


def test_the_bundled_network_brings_corners_nearer_in_bgr_and_in_planes_alike():
    renderer, rng = Renderer(CLEAR), np.random.default_rng(11)
    looker, read = Looker(FakeEngine(SPEC)), CloseUpNetwork.bundled()
    before, after, doubts = [], [], []
    for _ in range(20):
        shot = renderer.sample(rng, (720, 960))
        off = rng.normal(0, 0.012 * extent_px(shot.xy), (8, 2))
        look = looked_at(shot.xy + off, np.where(shot.visible, 0.95, 0.05))
        frames = [
            Frame(pixels, 0, 0.0, 0.0, "test")
            for pixels in (shot.image, converted(shot.image, TAGS))
        ]
        packets = [closely(frame, looker, look, read).packet for frame in frames]
        both = shot.visible & packets[0].visible & packets[1].visible
        np.testing.assert_allclose(packets[0].xy[both], packets[1].xy[both], atol=3)
        left = (packets[0].xy - shot.xy)[both]
        before += np.linalg.norm(off, axis=1)[both].tolist()
        after += np.linalg.norm(left, axis=1).tolist()
        precision = np.linalg.inv(corner_covariance(packets[0])[both])
        doubts += np.sqrt(np.einsum("ni,nij,nj->n", left, precision, left)).tolist()
    assert len(before) > 80
    assert np.median(after) < 0.4 * np.median(before)
    assert 0.25 < np.mean(np.array(doubts) < 1) < 0.7


def test_a_patch_without_contrast_is_no_reason_to_be_sure():
    xy, visible, _ = shown()
    read = CloseUpNetwork.bundled()
    flat = [said.covariance for said in read(edges_of(xy, visible))]
    assert np.sqrt(np.trace(flat, axis1=2, axis2=3)).min() > 2 / len(CELLS)
    assert read([]) == []


def test_a_packet_too_far_away_stays_as_it_is():
    xy, visible, _ = shown()
    look = looked_at(xy * 0.1, np.where(visible, 0.9, 0.1))
    frame = Frame(GREY, 0, 0.0, 0.0, "test")
    after = closely(frame, Looker(FakeEngine(SPEC)), look, CloseUpNetwork.bundled())
    np.testing.assert_array_equal(after.packet.xy, look.packet.xy)
