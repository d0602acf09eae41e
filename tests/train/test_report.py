import io
import json
import math

import cv2
import numpy as np
import pytest
from rich.console import Console

pytest.importorskip("matplotlib")

from engines.spec import ModelSpec
from stream.frame import Count, Frame, Packet, Result
from stream.packet import EDGES, FLIP, KEYPOINTS, MAX_CARDS, TURN
from train import metrics, report
from train.evaluate import Verdict
from train.metrics import Judged

SPEC = ModelSpec("t", KEYPOINTS, EDGES, FLIP, (128, 128), 4, 6.0, MAX_CARDS)


def judged(n=5, *, counted=True, placed=True):
    rng = np.random.default_rng(0)
    out = []
    for i in range(n):
        xy = rng.uniform(40, 200, (8, 2))
        packet = Packet(xy + rng.normal(0, 3, (8, 2)), np.ones(8), np.ones(8, bool))
        count = Count(20 + i, 18, 25) if counted else None
        packet = packet if placed else None
        out.append(Judged(f"{i}.jpg", "a", 21, xy, np.ones(8, bool), packet, count))
    return out


def test_the_table_says_every_figure():
    console = Console(file=io.StringIO(), width=100)
    scores = metrics.score(judged(), TURN)
    console.print(report.table({"real": scores, "none": metrics.score([])}))
    text = console.file.getvalue()
    for name in ("found", "pck10", "count mae", "false alarms"):
        assert name in text
    assert "100.0%" in text
    assert f"{scores.count_mae:.2f}" in text
    assert "–" in text
    assert "nan" not in text


def test_a_table_of_nothing_is_a_table():
    assert report.table({}).row_count == 0


@pytest.mark.parametrize("plot", [report.plot_counts, report.plot_corners])
def test_plots_are_pictures_and_show_the_data(tmp_path, plot):
    assert plot(judged(), tmp_path / "a.png")
    other = judged(2)
    assert plot(other, tmp_path / "b.png")
    a, b = (cv2.imread(str(tmp_path / name)) for name in ("a.png", "b.png"))
    assert a.std() > 5
    assert not np.array_equal(a, b)


def test_nothing_to_plot_is_no_file(tmp_path):
    assert not report.plot_counts(judged(counted=False), tmp_path / "a.png")
    assert not report.plot_corners(judged(placed=False), tmp_path / "a.png")
    assert list(tmp_path.iterdir()) == []


def test_a_corner_that_was_not_found_does_not_break_the_plot(tmp_path):
    one = judged(1)[0]
    one.packet.xy[0] = np.nan
    assert math.isinf(metrics.corner_errors(one.packet.xy, one.xy, TURN).max())
    assert report.plot_corners([one], tmp_path / "a.png")


def test_a_caption_says_truth_and_answer():
    one = judged(1)[0]
    assert report.caption(one) == "0.jpg: 21 cards, said 20.0 (18-25)"
    empty = Judged("x", "x", 0, one.xy, one.visible, None, None)
    assert report.caption(empty) == "x: no packet, said no packet"


def test_a_report_is_a_folder(tmp_path):
    every = judged()
    shown = []
    for i, one in enumerate(every):
        frame = Frame(np.full((240, 320, 3), 80, np.uint8), i, 0.0, None, one.name)
        shown.append((one, Result(frame, "locked", one.packet, one.count, 0.9)))
    verdict = Verdict(every, metrics.score(every, TURN), shown)
    report.write(tmp_path / "new", "an engine", SPEC, {"real": verdict})
    names = sorted(path.name for path in (tmp_path / "new").iterdir())
    assert names == ["real-corners.png", "real-count.png", "real-worst.png", "scores.json"]
    assert json.loads((tmp_path / "new/scores.json").read_text())["engine"] == "an engine"
    sheet = cv2.imread(str(tmp_path / "new/real-worst.png"))
    assert sheet.shape == (2 * 262, 4 * 320, 3)
    first = sheet[:240, :320]
    assert np.ptp(first.reshape(-1, 3), axis=0).min() > 100  # the overlay is in it
