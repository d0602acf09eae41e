import math
from dataclasses import replace

import numpy as np
import pytest

from engines.fake import FakeEngine, paint
from engines.spec import ModelSpec
from stream.decks import DECKS
from stream.frame import Count, Packet
from stream.packet import EDGES, FLIP, KEYPOINTS, MAX_CARDS
from train import evaluate, metrics
from train.metrics import Judged
from train.truth import Sight, Truth, diagonal, nothing

SPEC = ModelSpec("fake", KEYPOINTS, EDGES, FLIP, (128, 128), 4, 6.0, MAX_CARDS)
GREY = np.full((240, 320, 3), 90, np.uint8)


def dotted(seed, *, cards=26, shown=True, off_px=0.0, clip=None, pts_s=None):
    """A picture whose dots the fake engine finds, and a truth that is `off_px` beside them."""
    rng = np.random.default_rng(seed)
    rows = (0, 0.14, 0.7, 0.84)  # as 26 cards lie, seen from a quarter of a right angle above
    box = np.array([[x, y] for y in rows for x in (0, 1)])
    xy = box * (150, 120) + rng.uniform(30, 60, 2)
    image = paint(GREY, xy) if shown else GREY
    name, true = f"{seed}.png", xy + np.array([off_px, 0])
    truth = Truth(name, clip or name, "dots", cards, true, np.ones(8, bool), diagonal(true))
    return Sight(image, truth, pts_s)


@pytest.fixture
def engine():
    fake = FakeEngine(SPEC, cards=26)
    yield fake
    fake.close()


def stills(engine, sights, **options):
    verdict = evaluate.run(engine, [iter(sights)], stills=True, **options)
    return verdict, metrics.figures(verdict.judged, stream=False)


def test_a_perfect_engine_gets_perfect_figures(engine):
    _, got = stills(engine, [dotted(i) for i in range(4)])
    perfect = ("found", "corners within 5 px", "visibility right", "interval holds")
    assert [got[name].value for name in perfect] == [1, 1, 1, 1]
    assert got["corner error, median px"].value < 1
    assert got["count MAE"].value < 0.1


def test_what_is_off_is_measured_as_far_off(engine):
    _, got = stills(engine, [dotted(i, cards=30, off_px=7.0, clip="a") for i in range(4)])
    assert got["corner error, median px"].value == pytest.approx(7, abs=0.5)
    assert (got["corners within 5 px"].value, got["corners within 10 px"].value) == (0, 1)
    assert got["count bias"].value == pytest.approx(-4, abs=0.1)
    assert got["clip median MAE"].value == pytest.approx(4, abs=0.1)


def test_misses_and_false_alarms_are_told_apart(engine):
    alarm = Sight(dotted(0).image, nothing("alarm", "alarm", "dots"))
    quiet = Sight(GREY, nothing("quiet", "quiet", "dots"))
    missed = dotted(1, shown=False)
    verdict, got = stills(engine, [dotted(2), missed, quiet, alarm])
    assert got["found"].value == 0.5
    assert got["called a packet"].value == 0.5
    assert {one.truth.name for one, _ in verdict.worst[:2]} == {missed.truth.name, "alarm"}


def test_the_worst_pictures_come_first_with_their_own_results(engine):
    sights = [dotted(i, off_px=off) for i, off in enumerate((1.0, 9.0, 4.0, 6.0))]
    verdict, _ = stills(engine, sights, keep=3)
    assert [one.truth.name for one, _ in verdict.worst] == ["1.png", "3.png", "2.png"]
    for one, result in verdict.worst:
        assert result.frame.source == one.truth.name
        assert result.packet is one.packet


def test_one_clip_does_not_fill_the_list_of_the_worst(engine):
    bad = [dotted(i, off_px=20.0 + i, clip="bad") for i in range(5)]
    verdict, _ = stills(engine, [*bad, dotted(9, off_px=3.0)])
    names = [one.truth.name for one, _ in verdict.worst]
    assert names == ["4.png", "3.png", "2.png", "9.png"]
    verdict = evaluate.run(engine, [bad, [dotted(9, off_px=3.0)]], stills=False)
    assert [one.truth.name for one, _ in verdict.worst] == ["4.png", "9.png"]


def test_a_clip_is_a_stream_of_its_own(engine):
    def clip(name, cards, shown):
        return [dotted(3, cards=cards, clip=name, shown=shown, pts_s=i / 30) for i in range(30)]

    clips = [clip("a", 26, True), clip("gone", 26, False), clip("b", 20, True)]
    seen = []
    verdict = evaluate.run(engine, clips, stills=False, told=lambda: seen.append(1))
    assert len(seen) == len(verdict.judged) == 90
    got = metrics.figures(verdict.judged, stream=True)
    assert got["found"].value == pytest.approx(60 / 90)
    assert got["clip end MAE"].value == pytest.approx((0 + 26 + 6) / 3, abs=0.2)
    assert [one.truth.clip for one in verdict.judged] == ["a"] * 30 + ["gone"] * 30 + ["b"] * 30


def test_a_stream_carries_over_and_stills_do_not():
    frames = [dotted(3, clip="a", pts_s=i / 30) for i in range(4)]
    calls = []

    class Counting(FakeEngine):
        def __call__(self, images):
            calls.append(1)
            return super().__call__(images)

    counting = Counting(SPEC)
    evaluate.run(counting, [frames], stills=True)
    alone = len(calls)
    evaluate.run(counting, [frames], stills=False)
    assert len(calls) - alone < alone


@pytest.mark.parametrize("as_stills", [True, False])
def test_a_deck_that_is_named_is_counted_as_that(engine, as_stills):
    counts = []
    for deck in (None, DECKS["mini"]):
        sights = [replace(dotted(i, clip="a", pts_s=0.2 * i), deck=deck) for i in range(4)]
        verdict = evaluate.run(engine, [sights], stills=as_stills)
        counts.append(np.mean([one.count.median for one in verdict.judged]))
    assert counts[1] < 0.85 * counts[0]  # smaller cards that look alike are nearer


def test_no_pictures_are_no_answers(engine):
    assert evaluate.run(engine, [[], []], stills=False).judged == []


def test_badness_counts_cards_and_corners():
    xy = np.random.default_rng(0).uniform(0, 100, (8, 2))
    seen = np.ones(8, bool)

    def bad(off_px, cards, *, truth=10, found=True):
        packet = Packet(xy + np.array([off_px, 0]), np.ones(8), seen) if found else None
        what = Truth("", "", "", truth, xy, seen, diagonal(xy))
        return evaluate.badness(Judged(what, packet, Count(cards, 1, 52), 1.0))

    assert bad(0, 10) == 0
    assert bad(10, 10) == pytest.approx(1)
    assert bad(0, 8) == pytest.approx(1)
    assert bad(0, 10, found=False) == math.inf
    assert bad(0, 10, truth=0) == math.inf
    assert bad(0, 10, truth=0, found=False) == 0


def test_the_engine_s_time_is_that_of_its_calls():
    slow = FakeEngine(SPEC, delay_s=0.004)
    took = evaluate.engine_times(slow, np.zeros((1, 128, 128, 3), np.uint8), 5)
    assert took.shape == (5,)
    assert (took >= 4).all()
    assert np.median(took) < 400
