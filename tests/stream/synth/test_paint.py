from dataclasses import replace

import cv2
import numpy as np
import pytest

from stream.synth import Art, SceneConfig
from stream.synth.art import Texture
from stream.synth.body import Body, Bow, placed, rounded
from stream.synth.light import Light
from stream.synth.packets import draw_body, draw_packet
from stream.synth.paint import Block, Lie, paint
from stream.synth.scene import draw_camera
from stream.synth.sides import Edge
from stream.synth.stock import textures_of

HW = (300, 300)
FLAT = Light(np.array([0.0, 0.0, 1.0]), 1.0, 0.0, 0.01)
BLACK = Texture.of(np.zeros((64, 64, 3), np.uint8))
NEAR = SceneConfig(extent=(0.7, 0.9), outside=0.0, off_axis_deg=(0, 0))
WILD = replace(
    NEAR, brushed=0.3, twist=0.6, fan=0.3, stray_sheet=0.4, bowed=0.5, misaligned_mm=(0, 0.1)
)


@pytest.fixture(scope="module")
def stock():
    return textures_of(Art.procedural(np.random.default_rng(0), each=2))


def scenes(config, stock, count, cards=25):
    for seed in range(count):
        rng = np.random.default_rng(seed)
        body = draw_body(rng, config, cards)
        block = draw_packet(rng, config, stock, body, cards)
        yield body, block, draw_camera(rng, config, body, HW)


def drawn(block, camera):
    image = np.zeros((*HW, 3), np.uint8)
    painted = paint(image, block, camera, FLAT)
    mask = np.zeros(HW, np.uint8)
    height, width = painted.alpha.shape
    mask[painted.y : painted.y + height, painted.x : painted.x + width] = painted.alpha
    return image, mask


def silhouette(block, camera):
    """The union of all sheets' outlines at both ends of every sheet, point by point."""
    mask = np.zeros(HW, np.uint8)
    for k, pose in enumerate(block.poses()):
        fine = rounded(*block.size_mm, 3.5, 6, 40)
        for part in np.linspace(block.lie.edges[k], block.lie.edges[k + 1], 4):
            px = camera.project(block.lifted(placed(fine, pose), part))
            cv2.fillPoly(mask, [np.rint(px * 16).astype(np.int32)], 255, cv2.LINE_8, 4)
    return mask


def test_nothing_is_drawn_outside_the_sheets_and_nothing_left_out(stock):
    config = replace(WILD, radius_mm=(3.5, 3.5))
    for _, block, camera in scenes(config, stock, 40):
        _, mask = drawn(block, camera)
        wanted = silhouette(block, camera)
        disc = np.ones((5, 5), np.uint8)
        assert not ((mask > 127) & (cv2.dilate(wanted, disc) == 0)).any()
        assert not ((mask < 127) & (cv2.erode(wanted, disc) > 0)).any()


def test_every_visible_corner_lies_on_the_packet(stock):
    for body, block, camera in scenes(WILD, stock, 60):
        _, mask = drawn(block, camera)
        grown = cv2.dilate(mask, np.ones((5, 5), np.uint8))
        for (x, y), seen in zip(
            camera.project(body.corners()), body.visible(camera.place), strict=True
        ):
            if seen:
                assert grown[round(y), round(x)] > 127


def shown(body, camera, sheet):
    """A picture in which only one sheet's edge is bright, the others and the top dark."""
    n = len(body.poses)
    tones = np.full(n, 0.05)
    tones[sheet] = 1.2
    block = Block(
        outline=rounded(body.width_mm, body.height_mm, 0.3, 2, 12),
        size_mm=(body.width_mm, body.height_mm), thickness_mm=body.thickness_mm,
        top=BLACK, paper=np.full(3, 220.0), tones=tones, shifts=body.poses[:, :2],
        edge=Edge(line=1.0, grain=0.0),
        lie=Lie(body.poses[:, 2], body.edges, np.zeros(n), body.bow),
    )  # fmt: skip
    return drawn(block, camera)[0].max(axis=2)


@pytest.mark.parametrize("sag_mm", [0.0, 2.5, -2.5])
def test_the_corners_said_to_be_visible_are_those_that_are_painted(sag_mm):
    rng = np.random.default_rng(5)
    both = set()
    for _ in range(60):
        part = np.linspace(-0.5, 0.5, 12)[:, None]
        body = Body(
            63.0, 88.0, 14.0, radius_mm=0.3,
            poses=part * [*rng.uniform(-6, 6, 2), rng.uniform(-0.06, 0.06)],
            edges=np.linspace(0, 1, 13),
            bow=Bow(sag_mm, 1, 88.0) if sag_mm else None,
        )  # fmt: skip
        camera = draw_camera(rng, NEAR, body, HW)
        picture = shown(body, camera, 0)
        shaken = []
        for step in np.concatenate([np.eye(3), -np.eye(3)])[[0, 1, 3, 4]] * [1.5, 1.5, 0]:
            poses = body.poses.copy()
            poses[0] += step
            shaken.append(replace(body, poses=poses).visible(camera.place))
        seen = body.visible(camera.place)
        xy = camera.project(body.corners())
        for i in np.flatnonzero(~body.on_top()):
            if all(other[i] == seen[i] for other in shaken):  # not on the edge of being seen
                x, y = np.rint(xy[i]).astype(int)
                around = picture[max(y - 4, 0) : y + 5, max(x - 4, 0) : x + 5]
                assert (around.max() > 60) == seen[i]
                both.add(bool(seen[i]))
    assert both == {True, False}


def plain_block(top, bow=None, turn=0.0, shift=(0.0, 0.0)):
    lie = Lie(np.array([turn]), np.array([0.0, 1.0]), np.zeros(1), bow)
    return Block(
        outline=rounded(63, 88, 3.5, 6, 8 if bow else 1), size_mm=(63.0, 88.0), thickness_mm=8.0,
        top=top, paper=np.full(3, 60.0), tones=np.ones(1), shifts=np.array([shift]), lie=lie,
    )  # fmt: skip


@pytest.mark.parametrize("bow", [None, Bow(3.0, 1, 88.0), Bow(-3.0, 1, 88.0), Bow(2.5, 0, 63.0)])
@pytest.mark.parametrize(("x", "y"), [(0, 0), (20, 0), (-22, 30), (24, -36)])
def test_print_is_shown_where_it_is_on_the_sheet(bow, x, y):
    art = np.zeros((529, 379, 3), np.uint8)
    cv2.circle(art, (round((x + 31.5) * 6), round((44 - y) * 6)), 15, (255, 255, 255), -1)
    turn, shift = 0.05, (3.0, -2.0)
    block = plain_block(Texture.of(art), bow, turn, shift)
    body = Body(63.0, 88.0, 8.0, bow=bow)
    for seed in range(6):
        camera = draw_camera(np.random.default_rng(seed), NEAR, body, HW)
        grey = drawn(block, camera)[0].max(axis=2).astype(float)
        rows, columns = np.nonzero(grey > 128)
        place = placed(np.array([float(x), float(y)]), np.array([*shift, turn]))
        wanted = camera.project(block.lifted(place, 1.0))
        assert np.hypot(columns.mean() - wanted[0], rows.mean() - wanted[1]) < 1.2


def test_a_bend_too_small_to_see_changes_nothing_that_is_seen(stock):
    config = replace(NEAR, bowed=0.0, worn=0.0)
    for body, block, camera in scenes(config, stock, 8):
        flat, _ = drawn(block, camera)
        hardly = replace(
            block,
            outline=rounded(body.width_mm, body.height_mm, body.radius_mm, 6, 8),
            lie=replace(block.lie, bow=Bow(1e-4, 1, body.height_mm)),
        )
        bent, _ = drawn(hardly, camera)
        assert np.abs(flat.astype(int) - bent).mean() < 1.5


def test_gaps_are_as_dark_as_the_edge_says():
    camera = draw_camera(
        np.random.default_rng(1), replace(NEAR, elevation_deg=(10, 10)), Body(63.0, 88.0, 20.0), HW
    )
    darkest = []
    for line in (1.0, 0.6, 0.2):
        gaps = np.array([0.0, 0.4, 0.4, 0.4])
        block = replace(
            plain_block(BLACK), thickness_mm=20.0, tones=np.ones(4), shifts=np.zeros((4, 2)),
            paper=np.full(3, 200.0), edge=Edge(line=line, grain=0.0),
            lie=Lie(np.zeros(4), np.linspace(0, 1, 5), gaps),
        )  # fmt: skip
        picture, _ = drawn(block, camera)
        side = picture[..., 0][picture[..., 0] > 0]
        darkest.append(np.quantile(side, 0.12) / np.quantile(side, 0.9))
    assert darkest[0] > darkest[1] + 0.15 > darkest[2] + 0.3


def test_dirt_darkens_the_middle_of_a_side_and_specks_colour_it():
    body = Body(63.0, 88.0, 20.0)
    camera = draw_camera(np.random.default_rng(1), replace(NEAR, elevation_deg=(10, 10)), body, HW)
    bare = replace(plain_block(BLACK), paper=np.full(3, 200.0), thickness_mm=20.0)
    clean, _ = drawn(replace(bare, edge=Edge(grain=0.0)), camera)
    dirty, _ = drawn(replace(bare, edge=Edge(grain=0.0, dirt=0.5)), camera)
    lost = clean[..., 0].astype(int) - dirty[..., 0]
    assert (lost >= 0).all()
    assert lost.max() > 50
    red = np.array([0.0, 0.0, 255.0])
    specks, _ = drawn(replace(bare, edge=Edge(grain=0.0, speck=red)), camera)
    colour = specks[..., 2].astype(int) - specks[..., 0]
    assert 0.01 < (colour > 40).sum() / (clean[..., 0] > 50).sum() < 0.6
