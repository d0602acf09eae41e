import base64
import io
import json
import re

import cv2
import numpy as np
import pytest
from rich.console import Console

pytest.importorskip("matplotlib")

from engines.spec import ModelSpec
from stream.frame import Count, Frame, Packet, Result
from stream.packet import EDGES, FLIP, KEYPOINTS, MAX_CARDS
from train import metrics, plots, report
from train.doubt import Figure
from train.evaluate import Verdict
from train.metrics import Judged
from train.protocols import PROTOCOLS, Outcome, Outcomes, Target
from train.truth import Truth, diagonal, nothing

SPEC = ModelSpec("<t>", KEYPOINTS, EDGES, FLIP, (128, 128), 4, 6.0, MAX_CARDS)


def judged(n=6, *, counted=True, placed=True, seed=0):
    rng = np.random.default_rng(seed)
    out = []
    for i in range(n):
        xy = rng.uniform(40, 200, (8, 2))
        packet = Packet(xy + rng.normal(0, 3, (8, 2)), np.ones(8), np.ones(8, bool))
        count = Count(20 + i, 18, 25) if counted and placed else None
        truth = Truth(f"{i}.jpg", "ab"[i % 2], "real", 21, xy, np.ones(8, bool), diagonal(xy))
        out.append(Judged(truth, packet if placed else None, count, 0.9))
    return out


def bare(n=4):
    return [Judged(nothing(f"e{i}", f"e{i}", "scene"), None, None, i / 10) for i in range(n)]


def measured(name, every, *, stream=False):
    worst = []
    for i, one in enumerate(every):
        frame = Frame(np.full((240, 320, 3), 80, np.uint8), i, 0.0, None, one.truth.name)
        state = "locked" if one.packet else "no_packet"
        worst.append((one, Result(frame, state, one.packet, one.count, one.score)))
    figures = metrics.figures(every, stream=stream)
    return Outcome(PROTOCOLS[name], figures, Verdict(every, worst))


@pytest.fixture
def outcomes():
    made = {"cardcut": measured("cardcut", judged()), "empty": measured("empty", bare())}
    speed = {"engine, median ms": Figure(8.0, np.nan, np.nan, 200, 1)}
    return Outcomes(
        "", {**made, "speed": Outcome(PROTOCOLS["speed"], speed)}, {"rendered": "no <art>"}
    )


def test_the_table_says_target_figure_and_n(outcomes):
    console = Console(file=io.StringIO(), width=140)
    console.print(report.table(outcomes))
    text = console.file.getvalue()
    mae = outcomes.measured["cardcut"].figures["count MAE"]
    row = next(line for line in text.splitlines() if "count MAE" in line)
    assert "cardcut" in row
    assert "≤ 1.6" in row
    assert report.measured(mae) in row
    assert " 6 " in row
    assert "nan" not in text
    assert "≥ 75%" in text
    assert "88% to 94%" in text
    assert "8.00" in text


@pytest.mark.parametrize(
    ("figure", "says"),
    [
        (Figure(1.0, 0.8, 1.2, 9, 3), "met"),
        (Figure(1.0, 0.8, 1.9, 9, 3), "met?"),
        (Figure(1.8, 1.7, 1.9, 9, 3), "not met"),
        (Figure(1.8, 1.2, 1.9, 9, 3), "not met?"),
        (Figure(1.0, np.nan, np.nan, 9, 1), "met"),
        (Figure(np.nan, np.nan, np.nan, 0, 0), "not measured"),
    ],
)
def test_a_target_is_met_surely_or_not(figure, says):
    assert report.met(Target("cardcut", "count MAE", high=1.6), figure) == says


def test_a_range_is_missed_on_both_sides_at_once_only_in_doubt():
    target = Target("cardcut", "interval holds", 0.88, 0.94)
    assert report.met(target, Figure(1.0, 0.68, 1.0, 16, 8, share=True)) == "not met?"
    assert report.met(target, Figure(1.0, 0.97, 1.0, 160, 80, share=True)) == "not met"
    assert report.met(target, Figure(0.9, 0.85, 0.95, 160, 80, share=True)) == "met?"


def test_figures_are_json_without_nan(outcomes):
    every = json.loads(report.to_json({"model": "m"}, outcomes))
    assert every["about"]["model"] == "m"
    assert every["skipped"] == {"rendered": "no <art>"}
    mae = every["protocols"]["cardcut"]["count MAE"]
    assert (mae["n"], mae["clips"]) == (6, 2)
    assert mae["low"] <= mae["value"] <= mae["high"]
    assert every["protocols"]["speed"]["engine, median ms"]["low"] is None
    targets = {(t["protocol"], t["figure"]): t for t in every["targets"]}
    assert targets["speed", "engine, median ms"]["said"] == "met"
    assert targets["speed", "engine, median ms"]["low"] is None
    assert ("rendered", "clip end MAE") not in targets


def test_a_figure_that_was_not_measured_does_not_meet_its_target(outcomes):
    del outcomes.measured["cardcut"].figures["count MAE"]
    every = json.loads(report.to_json({}, outcomes))
    (target,) = [t for t in every["targets"] if t["figure"] == "count MAE"]
    assert (target["said"], target["measured"]) == ("not measured", None)


def test_a_caption_says_truth_and_answer():
    one = judged(1)[0]
    errors = metrics.errors_of(one)
    assert report.caption(one) == (
        "0.jpg: 21 cards, said 20.0 (18 to 25), "
        f"corners off by {np.median(errors):.1f} px, the worst by {errors.max():.0f} px"
    )
    assert report.caption(bare(1)[0]) == "e0: no packet, said no packet"
    assert report.caption(judged(1, placed=False)[0]) == "0.jpg: 21 cards, said no packet"


def test_a_close_up_shows_the_packet_and_not_the_rest():
    outcome = measured("cardcut", judged(1))
    one, result = outcome.verdict.worst[0]
    picture = report.close_up(one, result, SPEC)
    assert picture.shape[1] == 420
    assert np.ptp(picture.reshape(-1, 3), axis=0).min() > 100  # the overlay is in it
    small = Packet(one.packet.xy / 10 + 200, one.packet.score, one.packet.visible)
    near = Judged(
        Truth("n", "n", "real", 3, small.xy, one.truth.visible, 20.0), small, one.count, 1.0
    )
    far = Frame(np.zeros((1080, 1920, 3), np.uint8), 0, 0.0, None, "n")
    picture = report.close_up(near, Result(far, "locked", small, one.count, 1.0), SPEC)
    assert (picture.max(axis=2) > 30).mean() > 0.05  # 20 px of 1920 would be nothing
    lost = Judged(nothing("e", "e", "scene"), None, None, 0.0)
    whole = report.close_up(lost, Result(far, "no_packet", None, None, 0.0), SPEC)
    assert whole.shape == (236, 420, 3)


def test_the_page_stands_alone(tmp_path, outcomes):
    report.write(tmp_path / "new", {"model": "a & b"}, SPEC, outcomes)
    assert sorted(p.name for p in (tmp_path / "new").iterdir()) == ["report.html", "scores.json"]
    page = (tmp_path / "new/report.html").read_text(encoding="utf-8")
    assert "<h1>&lt;t&gt;</h1>" in page
    assert "a &amp; b" in page
    assert "<script" not in page
    assert "http" not in page
    sources = re.findall(r'src="([^"]+)"', page)
    images = [
        cv2.imdecode(np.frombuffer(base64.b64decode(data.split(",")[1]), np.uint8), 1)
        for data in sources
    ]
    assert all(source.startswith("data:image/") for source in sources)
    assert all(image is not None and image.std() > 2 for image in images)
    worst = len(
        outcomes.measured["cardcut"].verdict.worst + outcomes.measured["empty"].verdict.worst
    )
    assert len(images) == worst + 5  # coverage; counts, intervals and corners; presence
    assert page.count("<figcaption>") == worst
    assert re.search(r'<b class="yes">met</b>', page)


def test_two_views_of_a_set_show_its_pictures_once(tmp_path, outcomes):
    first = outcomes.measured["cardcut"]
    outcomes.measured["cardcut-clips"] = Outcome(
        PROTOCOLS["cardcut-clips"], first.figures, first.verdict
    )
    report.write(tmp_path, {}, SPEC, outcomes)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert page.count("0.jpg: 21 cards") == 1


@pytest.mark.parametrize("plot", [plots.counts, plots.corners, plots.intervals, plots.presence])
def test_plots_are_pictures_and_show_the_data(plot):
    one, other = plot([*judged(), *bare()]), plot([*judged(3, seed=1), *bare(2)])
    a, b = (cv2.imdecode(np.frombuffer(png, np.uint8), 1) for png in (one, other))
    assert a.std() > 5
    assert a.shape != b.shape or not np.array_equal(a, b)


def test_nothing_to_plot_is_no_picture():
    assert plots.counts(judged(counted=False)) is None
    assert plots.intervals(judged(placed=False)) is None
    assert plots.corners(bare()) is None
    assert plots.presence(judged()) is None
    assert plots.coverage({}, (0.88, 0.94)) is None


def test_coverage_is_plotted_for_each_set():
    held = {"a": Figure(0.9, 0.8, 0.95, 10, 10), "b": Figure(0.4, 0.2, 0.6, 10, 10)}
    one = plots.coverage(held, (0.88, 0.94))
    other = plots.coverage({"a": held["a"]}, (0.88, 0.94))
    assert one
    assert one != other


def test_a_corner_that_was_not_found_does_not_break_the_plot():
    every = judged(1)
    every[0].packet.xy[0] = np.nan
    assert plots.corners(every)
    assert plots.corners(judged(2, placed=False))
