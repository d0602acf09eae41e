import math
from itertools import chain, islice

import cv2
import numpy as np
import pytest

from engines.fake import FakeEngine
from engines.spec import ModelSpec
from stream.decks import DECKS
from stream.frame import Count, Packet
from stream.packet import EDGES, FLIP, KEYPOINTS, MAX_CARDS
from stream.synth import SceneConfig
from train import metrics, protocols, sets
from train.datasets import rendered
from train.datasets.held_out import is_held_out
from train.metrics import Judged
from train.protocols import ALL, PROTOCOLS, TARGETS, Target
from train.sets import SETS, Given
from train.truth import diagonal

SPEC = ModelSpec("fake", KEYPOINTS, EDGES, FLIP, (64, 64), 4, 6.0, MAX_CARDS)
TINY = Given(hw=(90, 160), scale=0.01)


@pytest.fixture(scope="module")
def art():
    return rendered.held_out_art(None, None, None)


def table(folder, counts=(9, 12), frames=3):
    """A folder like cardcut's: a clip of `frames` pictures for each count."""
    (folder / "images").mkdir(parents=True)
    names = [f"{k}_{part}" for k in KEYPOINTS for part in ("visible", "x", "y")]
    lines = [",".join(["imageName", "cards_counted", "videoId", *names])]
    for cards in counts:
        for i in range(frames):
            name = f"v{cards}_{i}.jpg"
            cv2.imwrite(str(folder / "images" / name), np.full((48, 64, 3), 90, np.uint8))
            places = [f"1,{0.1 * k + 0.1:.2f},{0.9 - 0.1 * k:.2f}" for k in range(8)]
            lines.append(",".join([name, str(cards), f"v{cards}", *places]))
    (folder / "cardpoints.csv").write_text("\n".join(lines))
    return folder


def answered(truth):
    """What a model says that is right."""
    if truth.cards == 0:
        return Judged(truth, None, None, 0.0)
    packet = Packet(truth.xy, np.ones(8), truth.visible)
    return Judged(truth, packet, Count(truth.cards, truth.cards, truth.cards), 1.0)


def run(names, given):
    asked = []

    def running(name, pictures):
        asked.append((name, pictures))
        return lambda: asked.append(name)

    engine = FakeEngine(SPEC)
    return protocols.measure(engine, names, given, running), asked


def test_every_target_is_of_a_figure_that_its_protocol_measures(tmp_path, art):
    given = Given(data=table(tmp_path, (9,), 50), clips=(), hw=(60, 80), scale=0.04)
    measured = {"speed": set(protocols.speed(FakeEngine(SPEC), art, given))}
    for name, source in SETS.items():
        _, clips = source.open(given, art)
        truths = [sight.truth for clip in clips for sight in islice(clip, 2)]
        judged = [answered(truth) for truth in truths]
        measured[name] = set(metrics.figures(judged, stream=not source.stills))
    assert {protocol.set for protocol in PROTOCOLS.values()} == set(measured)
    for name, protocol in PROTOCOLS.items():
        assert set(protocol.shows) <= measured[protocol.set]
        asked = {target.figure for target in TARGETS if target.protocol == name}
        assert asked
        assert asked <= (set(protocol.shows) or measured[protocol.set])


def test_a_target_is_a_range():
    target = Target("cardcut", "interval holds", 0.88, 0.94)
    assert [target.met(v) for v in (0.87, 0.88, 0.94, 0.95, math.nan)] == [
        False,
        True,
        True,
        False,
        False,
    ]


def test_all_of_them_run_with_nothing_given_but_the_real_ones():
    names = ["empty", "speed", "cardcut", "cardcut-clips"]
    outcomes, asked = run(names, TINY)
    assert set(outcomes.measured) == {"empty", "speed"}
    assert outcomes.skipped == dict.fromkeys(["cardcut", "cardcut-clips"], "needs --data")
    assert outcomes.artwork == "24 backs, 24 faces, 24 tables, 0 hands"
    assert asked[0] == ("empty", 3)
    assert asked[1:] == ["empty"] * 3
    assert outcomes.measured["empty"].figures["called a packet"].n == 3
    assert outcomes.measured["speed"].figures["engine, median ms"].n == 2


def test_two_views_of_a_set_are_run_once(tmp_path):
    given = Given(data=table(tmp_path), clips=(9,), hw=(60, 80))
    outcomes, asked = run(["cardcut", "cardcut-clips"], given)
    assert [entry for entry in asked if isinstance(entry, tuple)] == [("cardcut", 3)]
    frames, clips = outcomes.measured["cardcut"], outcomes.measured["cardcut-clips"]
    assert frames.verdict is clips.verdict
    assert "corners within 5 px" in frames.figures
    assert [one.truth.clip for one in frames.verdict.judged] == ["v9"] * 3


def test_a_stream_is_run_as_one():
    outcomes, _ = run(["empty-video"], TINY)
    judged = outcomes.measured["empty-video"].verdict.judged
    assert len(judged) == rendered.FRAMES
    assert len({one.truth.clip for one in judged}) == 1


def test_a_model_of_something_else_is_refused():
    spec = ModelSpec("eyes", ("left", "right"), (), (1, 0), (64, 64), 4, 6.0, None)
    with pytest.raises(ValueError, match="corners of a packet, this model finds"):
        protocols.measure(FakeEngine(spec), ALL, TINY, lambda *_: lambda: None)


def test_a_clip_whose_deck_is_named_shows_the_same(art):
    stage = rendered.Stage(art, (90, 160), 3)
    config = SceneConfig(**{name: float(name == "tarot") for name in DECKS})
    (plain,), (named,) = (list(stage.clips(1, config, named=told)) for told in (False, True))
    for was, now in islice(zip(plain, named, strict=True), 2):
        assert np.array_equal(was.image, now.image)
        assert was.deck is None
        assert now.deck == DECKS["tarot"]


@pytest.mark.parametrize("kind", sorted(DECKS))
def test_a_kind_is_known_by_the_size_of_its_cards(art, kind):
    config = SceneConfig(**{name: float(name == kind) for name in DECKS})
    for clip in rendered.Stage(art, (48, 64), 5).clips(8, config, named=True):
        assert next(clip).deck == DECKS[kind]


def test_rendered_clips_follow_from_the_seed(art):
    def clips(seed):
        stage = rendered.Stage(art, (60, 80), seed)
        return [list(islice(clip, 2)) for clip in stage.clips(2)]

    one, two, other = clips(5), clips(5), clips(6)
    for a, b in zip(chain(*one), chain(*two), strict=True):
        np.testing.assert_array_equal(a.image, b.image)
        np.testing.assert_array_equal(a.truth.xy, b.truth.xy)
    assert not np.array_equal(one[0][0].image, other[0][0].image)
    assert [s.pts_s for s in one[0]] == [0, 1 / 30]
    first, second = (clip[0].truth for clip in one)
    assert first.clip != second.clip
    assert first.cards == one[0][1].truth.cards > 0
    np.testing.assert_array_equal(np.isfinite(first.xy[:, 0]), first.visible)
    assert first.diagonal_px >= diagonal(first.xy)  # of hidden corners too


def test_what_is_covered_has_a_packet_and_what_is_empty_has_none(art):
    _, clips = SETS["covered"].open(Given(hw=(60, 80), scale=0.02), art)
    covered = [sight.truth for clip in clips for sight in clip]
    assert len(covered) == 4
    assert all(truth.cards > 0 for truth in covered)
    assert len({truth.clip for truth in covered}) == 4
    _, clips = SETS["empty"].open(Given(hw=(60, 80), scale=0.02), art)
    bare = [sight.truth for clip in clips for sight in clip]
    assert len(bare) == 6
    assert all(truth.cards == 0 and not truth.visible.any() for truth in bare)


def test_photographs_are_those_that_training_does_not_see(tmp_path, art):
    for i in range(20):
        for crop in range(2):
            cv2.imwrite(str(tmp_path / f"p{i}_c{crop}.png"), np.full((8, 9, 3), 10 * i, np.uint8))
    given = Given(backgrounds=tmp_path, hw=(60, 80), scale=0.1)
    count, clips = SETS["empty"].open(given, art)
    truths = [sight.truth for clip in clips for sight in clip]
    assert count == len(truths) == 30
    photographs = [t for t in truths if t.kind == "photograph"]
    assert photographs
    for truth in photographs:
        assert is_held_out(tmp_path / truth.name)
        assert truth.clip == truth.name[: truth.name.index("_")]


def test_artwork_is_what_training_does_not_see(tmp_path, art):
    for folder in ("backs", "faces"):
        (tmp_path / folder).mkdir()
        for i in range(24):
            path = tmp_path / folder / f"{folder}{i}.png"
            cv2.imwrite(str(path), np.full((40, 30, 3), 10 * i, np.uint8))
    given = rendered.held_out_art(tmp_path, None, None)
    for folder in ("backs", "faces"):
        names = {int(p[0, 0, 0]) // 10 for p in getattr(given, folder)}
        want = {i for i in range(24) if is_held_out(tmp_path / f"{folder}{i}.png")}
        assert 0 < len(want) < 24
        assert names == want
    assert len(given.backgrounds) == len(art.backgrounds)


def test_drawn_artwork_is_not_that_of_training(art):
    from stream.synth.art import built_in

    for name in ("backs", "faces", "backgrounds"):
        used = [p.tobytes() for p in getattr(built_in(), name)]
        assert not [p for p in getattr(art, name) if p.tobytes() in used]


def test_what_is_missing_is_said():
    lines = Given().missing()
    assert [line.split()[0] for line in lines] == ["--data", "--art", "--backgrounds", "--hands"]
    assert len(Given(data=sets.Path("x")).missing()) == 3


def test_a_part_is_evenly_chosen():
    assert sets._thinned(range(10), 4) == [0, 3, 6, 9]
    assert sets._thinned([1, 2], 5) == [1, 2]
    assert Given(scale=0.001).some(300) == 1
