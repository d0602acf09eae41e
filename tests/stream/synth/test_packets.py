from dataclasses import fields, replace

import numpy as np
import pytest

from stream.decks import DECKS
from stream.synth import Art, SceneConfig
from stream.synth.art import Texture
from stream.synth.mixing import mixed_back
from stream.synth.packets import draw_body, draw_packet
from stream.synth.stock import textures_of

NOUGHT = dict.fromkeys(
    ("squeezed", "squeezed_full", "loose", "lean", "brushed", "twist", "fan", "stray_sheet",
     "breaks", "bowed", "marked", "dirty", "gilt", "specks", "photo_back", "recoloured", "worn",
     "gloss", "face_up", "bridge", "tarot", "jumbo", "mini"),
    0.0,
)  # fmt: skip
STILL = dict.fromkeys(
    ("size_jitter", "misaligned_mm", "turned_deg", "sheet_jitter", "stick", "air", "tone_jitter"),
    (0.0, 0.0),
)
PLAIN = SceneConfig(**NOUGHT, **STILL, darker_below=(1.0, 1.0))
SEEDS = range(40)


@pytest.fixture(scope="module")
def stock():
    return textures_of(Art.procedural(np.random.default_rng(0), each=2))


def bodies(config, cards=30):
    return [draw_body(np.random.default_rng(seed), config, cards) for seed in SEEDS]


def packets(config, stock, cards=30):
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        body = draw_body(rng, config, cards)
        yield body, draw_packet(rng, config, stock, body, cards)


def test_every_knob_at_nought_gives_the_plain_packet(stock):
    for body, block in packets(PLAIN, stock, cards=12):
        assert (body.width_mm, body.height_mm) == (63.0, 88.0)
        assert not body.poses.any()
        np.testing.assert_allclose(body.edges, np.arange(13) / 12)
        assert body.bow is None
        assert not block.poses().any()
        assert not block.lie.gaps.any()
        assert block.ink is block.gloss is block.edge.speck is None
        assert block.edge.dirt == 0
        np.testing.assert_array_equal(block.tones, 1)


@pytest.mark.parametrize("name", DECKS)
def test_decks_are_drawn_by_their_weights_and_sizes_jitter(name):
    weights = dict.fromkeys(DECKS, 0.0) | {name: 1.0}
    deck = DECKS[name]
    drawn = bodies(replace(PLAIN, **weights, size_jitter=(-0.015, 0.015)))
    for length, wanted in (("width_mm", deck.width_mm), ("height_mm", deck.height_mm)):
        found = np.array([getattr(body, length) for body in drawn]) / wanted
        assert 0.985 <= found.min() < 0.995
        assert 1.005 < found.max() <= 1.015


def test_all_decks_and_radii_appear():
    drawn = bodies(SceneConfig())
    assert len({round(body.width_mm, -1) for body in drawn}) >= 4
    radii = [body.radius_mm for body in drawn]
    assert 1.5 <= min(radii) < 3
    assert 4.5 < max(radii) <= 5.5


@pytest.mark.parametrize("cards", [1, 2, 7, 30, 52])
def test_thickness_is_that_of_the_cards_their_air_and_the_squeeze(cards):
    plain = np.array([body.thickness_mm for body in bodies(PLAIN, cards)]) / cards
    assert 0.265 <= plain.min() < plain.max() <= 0.35
    tight = replace(PLAIN, squeezed=1.0, squeezed_full=1.0, squeeze=(0.5, 0.5))
    np.testing.assert_allclose([b.thickness_mm for b in bodies(tight, cards)], plain * cards / 2)
    airy = replace(PLAIN, loose=1.0, slack_mm=(0.6, 0.6))
    more = np.median([b.thickness_mm for b in bodies(airy, cards)]) - np.median(plain) * cards
    assert more == pytest.approx(0.6 * min(1, (cards - 1) / 15), abs=0.03 * cards)


@pytest.mark.parametrize("cards", [1, 2, 5, 52])
def test_sheets_share_the_thickness(cards):
    for body in bodies(SceneConfig(breaks=1.0), cards):
        assert body.edges.shape == (cards + 1,)
        assert body.edges[[0, -1]].tolist() == [0.0, 1.0]
        assert (np.diff(body.edges) > 0).all()
        assert body.gaps.shape == (cards,)
        assert ((body.gaps >= 0) & (body.gaps < 1)).all()
        assert body.gaps[0] == 0


def test_a_break_is_wider_than_any_other_gap():
    for body in bodies(replace(PLAIN, breaks=1.0, break_mm=(1.0, 1.0))):
        air = np.diff(body.edges) * body.gaps * body.thickness_mm
        assert 1 <= (air > 0.2).sum() <= 3
        assert (air < 0.2).sum() >= 27


def test_each_way_to_lie_moves_the_sheets_it_should():
    reach = replace(PLAIN, brushed=1.0, brushed_mm=(6.0, 6.0))
    for body in bodies(reach):
        assert np.hypot(*(body.poses[-1] - body.poses[0])[:2]) == pytest.approx(6)
        way = body.poses[:, :2] @ (body.poses[-1] - body.poses[0])[:2]
        assert (np.diff(way) > -1e-9).mean() > 0.9
    for body in bodies(replace(PLAIN, twist=1.0, twist_deg=(3.0, 3.0))):
        assert body.poses[-1, 2] - body.poses[0, 2] == pytest.approx(np.radians(3))
        assert not body.poses[:, :2].any()
    for body in bodies(replace(PLAIN, stray_sheet=1.0)):
        assert body.poses.any(axis=1).sum() == 1
        assert not body.poses[[0, -1]].any()
    for body in bodies(replace(PLAIN, fan=1.0)):
        assert not body.poses[:-5].any()
        assert body.poses[-1].any()


def test_bows_are_drawn_both_ways_along_both_sides():
    bows = [body.bow for body in bodies(replace(PLAIN, bowed=1.0, bow_rel=(-0.02, 0.02)))]
    assert {(bow.axis, bow.sag_mm > 0) for bow in bows} == {(a, b) for a in (0, 1) for b in (0, 1)}
    assert all(abs(bow.sag_mm) <= 0.02 * bow.length_mm for bow in bows)
    assert {bow.length_mm for bow in bows} == {63.0, 88.0}


def test_the_large_faces_lie_where_the_truth_says(stock):
    for body, block in packets(SceneConfig(misaligned_mm=(0.2, 0.2)), stock):
        np.testing.assert_array_equal(block.poses()[[0, -1]], body.poses[[0, -1]])
        assert (block.poses()[1:-1] != body.poses[1:-1]).any()


def test_looks_that_are_asked_for_are_there(stock):
    config = replace(PLAIN, gilt=0.0, specks=1.0, dirty=1.0, worn=1.0, recoloured=1.0, marked=1.0)
    for _, block in packets(config, stock):
        assert block.edge.speck is not None
        assert block.edge.dirt > 0
        assert not any(v is None for v in (block.ink.mix, block.ink.stain, block.ink.bare))
        assert 1 <= (block.tones != 1).sum() <= 3
    papers = np.array([block.paper for _, block in packets(PLAIN, stock)])
    gilt = np.array([block.paper for _, block in packets(replace(PLAIN, gilt=1.0), stock)])
    assert np.ptp(papers, axis=1).max() <= 60
    assert np.ptp(gilt, axis=1).max() > 100


def test_a_photograph_may_be_a_back(stock):
    tables = {id(texture) for texture in stock.tables}
    assert all(id(b.top) in tables for _, b in packets(replace(PLAIN, photo_back=1.0), stock))
    faces = {id(texture) for texture in stock.faces}
    up = replace(PLAIN, photo_back=1.0, face_up=1.0)
    assert all(id(b.top) in faces for _, b in packets(up, stock))


def test_a_back_may_be_put_together_of_others(stock):
    backs = {id(texture) for texture in stock.backs}
    mixing = replace(stock, mixed_back=1.0)
    tops = [block.top for _, block in packets(PLAIN, mixing)]
    assert not backs & {id(top) for top in tops}
    assert len({top.levels[0].tobytes() for top in tops}) == len(tops)  # none comes again
    known = {texture.levels[0].shape for texture in stock.backs}
    assert all(top.levels[0].shape in known for top in tops)
    assert all(id(b.top) in backs for _, b in packets(PLAIN, replace(stock, mixed_back=0.0)))


def test_a_mixed_back_shows_parts_of_those_given():
    flat = [Texture.of(np.full((528, 378, 3), level, np.uint8)) for level in (40, 160)]
    for seed in range(40):
        rng = np.random.default_rng(seed)
        levels, counts = np.unique(mixed_back(rng, flat).levels[0][..., 1], return_counts=True)
        own = np.isin(levels, [40, 160, 255 - 40, 255 - 160])
        assert counts[own].sum() > 0.25 * counts.sum()


@pytest.mark.parametrize("hw", [(400, 400), (250, 350), (40, 6), (1, 1)])
def test_backs_of_any_shape_can_be_mixed(hw):
    rng = np.random.default_rng(0)
    given = [Texture.of(rng.integers(0, 255, (*hw, 3), dtype=np.uint8))]
    for seed in range(150):
        mixed = mixed_back(np.random.default_rng(seed), given)
        assert mixed.levels[0].shape == (*hw, 3)


def test_white_stays_white_in_other_colours(stock):
    white = np.full((20, 20, 3), 255, dtype=np.uint8)
    red = np.zeros_like(white)
    red[..., 2] = 200
    seen = set()
    for _, block in packets(replace(PLAIN, recoloured=1.0), stock):
        assert (block.ink.on(white) >= 254).all()
        seen.add(int(block.ink.on(red)[0, 0].argmax()))
    assert seen == {0, 1, 2}


def test_one_seed_is_one_packet(stock):
    for (a, first), (b, again) in zip(
        packets(SceneConfig(), stock), packets(SceneConfig(), stock), strict=True
    ):
        assert all(np.array_equal(getattr(a, f.name), getattr(b, f.name)) for f in fields(a))
        np.testing.assert_array_equal(first.poses(), again.poses())
        np.testing.assert_array_equal(first.tones, again.tones)
