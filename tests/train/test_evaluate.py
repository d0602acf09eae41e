import json
import math
from functools import partial

import cv2
import numpy as np
import pytest

from engines.fake import FakeEngine, paint
from engines.spec import ModelSpec
from stream.frame import Count, Packet
from stream.packet import EDGES, FLIP, KEYPOINTS, MAX_CARDS
from train import evaluate
from train.evaluate import Picture
from train.metrics import Judged

SPEC = ModelSpec("fake", KEYPOINTS, EDGES, FLIP, (128, 128), 4, 6.0, MAX_CARDS)
GREY = np.full((240, 320, 3), 90, np.uint8)


def dotted(seed, *, cards=26, shown=True, off_px=0.0):
    """A picture whose dots the fake engine finds, and a truth that is `off_px` beside them."""
    rng = np.random.default_rng(seed)
    box = np.array([[0, 0], [1, 0], [0, 0.3], [1, 0.3], [0, 0.7], [1, 0.7], [0, 1], [1, 1]])
    xy = box * (150, 120) + rng.uniform(30, 60, 2)
    image = paint(GREY, xy) if shown else GREY
    return Picture(
        f"{seed}.png",
        "a clip",
        cards,
        xy + np.array([off_px, 0]),
        np.ones(8, bool),
        partial(np.copy, image),
    )


@pytest.fixture
def engine():
    fake = FakeEngine(SPEC, cards=26)
    yield fake
    fake.close()


def test_a_perfect_engine_gets_perfect_figures(engine):
    got = evaluate.run(engine, [dotted(i) for i in range(4)]).scores
    assert got.pictures == 4
    assert (got.found, got.pck5, got.visibility, got.interval_coverage) == (1, 1, 1, 1)
    assert got.corner_px_median < 1
    assert got.count_mae < 0.1


def test_what_is_off_is_measured_as_far_off(engine):
    got = evaluate.run(engine, [dotted(i, cards=30, off_px=7.0) for i in range(4)]).scores
    assert got.corner_px_median == pytest.approx(7, abs=0.5)
    assert (got.pck5, got.pck10) == (0, 1)
    assert got.count_bias == pytest.approx(-4, abs=0.1)
    assert got.clip_median_error == pytest.approx(4, abs=0.1)


def test_misses_and_false_alarms_are_told_apart(engine):
    nothing = np.full((8, 2), np.nan)
    alarm = dotted(0)
    alarm = Picture("alarm", "none", 0, nothing, np.zeros(8, bool), alarm.read)
    quiet = Picture("quiet", "none", 0, nothing, np.zeros(8, bool), partial(np.copy, GREY))
    missed = dotted(1, shown=False)
    verdict = evaluate.run(engine, [dotted(2), missed, quiet, alarm])
    assert verdict.scores.found == 0.5
    assert verdict.scores.false_alarms == 0.5
    assert {one.name for one, _ in verdict.worst[:2]} == {missed.name, "alarm"}


def test_the_worst_pictures_come_first_with_their_own_results(engine):
    pictures = [dotted(i, off_px=off) for i, off in enumerate((1.0, 9.0, 4.0, 6.0))]
    verdict = evaluate.run(engine, pictures, keep=3)
    assert [one.name for one, _ in verdict.worst] == ["1.png", "3.png", "2.png"]
    for one, result in verdict.worst:
        assert result.frame.source == one.name
        assert result.packet is one.packet


def test_badness_counts_cards_and_corners():
    xy = np.random.default_rng(0).uniform(0, 100, (8, 2))
    seen = np.ones(8, bool)

    def bad(off_px, cards, *, truth=10, found=True):
        packet = Packet(xy + np.array([off_px, 0]), np.ones(8), seen) if found else None
        return evaluate.badness(Judged("", "", truth, xy, seen, packet, Count(cards, 1, 52)))

    assert bad(0, 10) == 0
    assert bad(10, 10) == pytest.approx(1)
    assert bad(0, 8) == pytest.approx(1)
    assert bad(0, 10, found=False) == math.inf
    assert bad(0, 10, truth=0) == math.inf
    assert bad(0, 10, truth=0, found=False) == 0


def test_rendered_pictures_follow_from_the_seed():
    one, two = (evaluate.rendered(3, seed=5, frame_hw=(96, 128)) for _ in range(2))
    other = evaluate.rendered(3, seed=6, frame_hw=(96, 128))
    for a, b in zip(one, two, strict=True):
        np.testing.assert_array_equal(a.read(), b.read())
        np.testing.assert_array_equal(a.xy, b.xy)
        assert a.read().shape == (96, 128, 3)
        np.testing.assert_array_equal(np.isfinite(a.xy[:, 0]), a.visible)
    assert any(not np.array_equal(a.read(), b.read()) for a, b in zip(one, other, strict=True))


def test_pictures_without_a_packet_are_those_that_training_does_not_see(tmp_path):
    for i in range(40):
        cv2.imwrite(str(tmp_path / f"p{i}.png"), GREY[:8, :8])
    held = {p.name for p in evaluate.without_packet(tmp_path)}
    every = {p.name for p in evaluate.without_packet(tmp_path, everything=True)}
    assert len(every) == 40
    assert 0 < len(held) < 40
    assert held < every


def test_figures_are_json_without_nan(engine):
    clip = evaluate.run(engine, [dotted(i, cards=28) for i in range(3)])
    nothing = evaluate.run(engine, [])
    figures = json.loads(evaluate.to_json("fake", {"clip": clip, "nothing": nothing}))
    assert figures["engine"] == "fake"
    assert figures["sets"]["clip"]["clips"]["a clip"]["cards"] == 28
    assert figures["sets"]["clip"]["clips"]["a clip"]["median"] == pytest.approx(26, abs=0.1)
    assert figures["sets"]["nothing"]["pictures"] == 0
    assert figures["sets"]["nothing"]["count_mae"] is None
