import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import engines
from engines import parity, plans, trust
from engines.fake import FakeEngine
from engines.parity import Reading, compare, read
from engines.spec import Disagreement, ModelSpec, Prediction, read_spec

SPEC = read_spec(engines.DEFAULT_MODEL)


class Scripted:
    """An engine whose answer to any picture is given; `spec` is the bundled model's."""

    def __init__(self, xy=(80.0, 60.0), cards=20.0, presence=1.0, nan=False) -> None:
        self.spec = SPEC
        self.calls = 0
        h, w = SPEC.heatmap_hw
        cell = (np.array(xy) + 0.5) / SPEC.stride - 0.5
        y, x = np.mgrid[:h, :w]
        bump = np.exp(-((x - cell[0]) ** 2 + (y - cell[1]) ** 2) / 8)
        self.heatmaps = np.broadcast_to(bump, (1, len(SPEC.keypoints), h, w)).astype(np.float32)
        self.count = np.zeros((1, SPEC.max_cards + 1), np.float32)
        low = int(cards)
        self.count[0, low], self.count[0, low + 1] = low + 1 - cards, cards - low
        self.count *= presence
        self.count[0, 0] = 1 - presence
        if nan:
            self.count[0, 3] = np.nan

    def __str__(self) -> str:
        return f"scripted {id(self)}"

    def __call__(self, _) -> Prediction:
        self.calls += 1
        return Prediction(self.heatmaps, None, self.count)

    def close(self) -> None:
        pass


def apart(a: Scripted, b: Scripted) -> parity.Parity:
    return compare(read(a), read(b))


@given(dx=st.floats(-8, 8), dy=st.floats(-8, 8), more=st.floats(-2, 2), start=st.floats(60, 180))
def test_the_distance_and_the_difference_of_the_count_are_what_they_are(dx, dy, more, start):
    got = apart(Scripted((start + dx, start + dy), 20 + more), Scripted((start, start), 20.0))
    assert got.corners_px == pytest.approx(np.hypot(dx, dy), abs=0.05)
    assert got.cards == pytest.approx(abs(more), abs=1e-3)
    assert got.finite
    assert got.corners == got.pictures * 8
    assert got.holds == (got.corners_px <= 0.5 and got.cards <= 0.25)


@pytest.mark.parametrize(
    ("engine", "holds"),
    [
        (Scripted((80.3, 60.3)), True),
        (Scripted((80.4, 60.4)), False),
        (Scripted(cards=20.2), True),
        (Scripted(cards=19.7), False),
        (Scripted(nan=True), False),
    ],
)
def test_the_limits(engine, holds):
    assert apart(engine, Scripted()).holds == holds


@pytest.mark.parametrize(("moved", "holds"), [(0.9, True), (1.3, False)])
def test_a_count_in_doubt_may_move_by_a_tenth_of_its_doubt(moved, holds):
    """Half 8, half 28: 18 cards, give or take 10."""
    engines_ = [Scripted(), Scripted()]
    for engine, more in zip(engines_, (0.0, moved), strict=True):
        engine.count[:] = 0
        engine.count[0, [8, 28]] = 0.5 - more / 20, 0.5 + more / 20
    got = apart(engines_[1], engines_[0])
    assert got.cards == pytest.approx(moved, abs=1e-3)
    assert got.cards_allowed == pytest.approx(1.0, abs=1e-3)
    assert got.holds == holds


def test_a_count_without_a_packet_is_not_compared():
    assert apart(Scripted(cards=40, presence=0.3), Scripted(cards=10, presence=0.3)).holds
    assert not apart(Scripted(cards=40, presence=0.3), Scripted(cards=10)).holds


def test_nan_is_named():
    assert str(apart(Scripted(nan=True), Scripted())).startswith("NaN in the answer")


def test_a_reading_survives_its_text():
    reading = read(Scripted())
    again = Reading.from_json(reading.to_json())
    for name in ("xy", "peak", "present", "cards", "doubt"):
        np.testing.assert_allclose(getattr(again, name), getattr(reading, name), atol=1e-4)
    assert compare(reading, again).holds


def test_a_reading_from_before_doubts_were_written_is_held_to_the_plain_limit():
    values = json.loads(read(Scripted()).to_json())
    del values["doubt"]
    old = Reading.from_json(json.dumps(values))
    assert compare(read(Scripted(cards=20.2)), old).holds
    assert not compare(read(Scripted(cards=20.3)), old).holds


def test_a_model_that_counts_nothing_has_only_its_corners_compared():
    spec = ModelSpec("dots", ("a", "b"), (), (0, 1), (64, 64), 4, 8.0)
    reading = read(FakeEngine(spec))
    assert np.isnan(reading.cards).all()
    got = compare(reading, Reading.from_json(reading.to_json()))
    assert got.holds


@pytest.mark.parametrize("hw", [(256, 256), (64, 96), (320, 192)])
def test_the_pictures_fit_any_network(hw):
    images = parity.pictures(hw)
    assert images.shape == (24, *hw, 3)
    assert images.dtype == np.uint8
    assert images.flags.c_contiguous
    assert images.std(axis=(1, 2, 3)).min() > 10  # there is something on each


def test_the_reference_sees_packets_on_them():
    reading = trust.reference(engines.DEFAULT_MODEL)
    assert (reading.present >= 0.5).mean() > 0.9
    assert (reading.peak >= 0.25).mean() > 0.8


@pytest.fixture
def own_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.mark.usefixtures("own_cache")
class TestTrust:
    def test_an_engine_that_differs_is_refused_with_the_figures(self):
        wanted = read(Scripted())
        with pytest.raises(Disagreement, match=r"corners 4\.\d+ px .*count 0\.00 cards"):
            trust.check(Scripted((84.0, 62.0)), engines.DEFAULT_MODEL, wanted)

    def test_a_verdict_is_taken_once_and_remembered(self):
        wanted, good, bad = read(Scripted()), Scripted(), Scripted(cards=22)
        trust.check(good, engines.DEFAULT_MODEL, wanted)
        asked = good.calls
        trust.check(good, engines.DEFAULT_MODEL, wanted)
        assert good.calls == asked
        for _ in range(2):
            with pytest.raises(Disagreement):
                trust.check(bad, engines.DEFAULT_MODEL, wanted)
        assert bad.calls == asked

    def test_another_model_is_another_verdict(self, tmp_path):
        wanted, engine = read(Scripted()), Scripted()
        trust.check(engine, engines.DEFAULT_MODEL, wanted)
        other = tmp_path / "other.onnx"
        other.write_bytes(engines.DEFAULT_MODEL.read_bytes() + b"\0")
        trust.check(engine, other, wanted)
        assert engine.calls == 2 * 24

    def test_weights_in_a_file_beside_it_are_part_of_a_model(self, tmp_path):
        wanted, engine = read(Scripted()), Scripted()
        model, weights = tmp_path / "packet.xml", tmp_path / "packet.bin"
        model.write_bytes(b"the same")
        for content in (b"1", b"2"):
            weights.write_bytes(content)
            trust.check(engine, model, wanted)
        assert engine.calls == 2 * 24

    def test_where_nothing_can_be_kept_it_is_asked_each_time(self, monkeypatch):
        monkeypatch.setattr(plans, "recall", lambda _: None)
        monkeypatch.setattr(plans, "remember", lambda *_: None)
        engine = Scripted()
        for _ in range(2):
            trust.check(engine, engines.DEFAULT_MODEL, read(Scripted()))
        assert engine.calls == 2 * 24
