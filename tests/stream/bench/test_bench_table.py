"""What is read at a terminal of 80 columns."""

from __future__ import annotations

import io
import math
import re
from dataclasses import replace

import pytest
from rich.console import Console
from runs import engine, report, run

from stream.bench.figures import measured
from stream.bench.report import Measured, Report
from stream.bench.table import number, show, show_pair
from stream.console import Stdout


def printed(report: Report, other: Report | None = None, width: int = 80) -> str:
    console = Console(file=io.StringIO(), width=width)
    if other is None:
        show(report, console)
    else:
        show_pair(report, other, ("old.json", "new.json"), console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def row(text: str, title: str) -> list[str]:
    """The cells of the first row that begins so."""
    (found, *_) = [line for line in text.splitlines() if line.strip().startswith(title)]
    return found.strip().removeprefix(title).split()


def stages(text: str) -> str:
    return text[text.index("p50 ms") :]


def camera(name: str = "ov") -> Measured:
    indices = [i for i in range(100) if i not in {60, 70, 71}]
    late = [0.001] * 200
    return measured([run(indices, engine=name, late_s=late, skipped=[60])], cores=2)


def test_a_report_names_what_was_measured_and_how():
    text = printed(report())
    for word in (
        "AMD EPYC, 2 cores, 25 GB",
        "kpstream 0.1.0",
        "packet, sha256 abababababab",
        "rendered clip, 1280x720, written to a video file",
        "ov: ov on CPU",
        "n = 240 frames",
        "first 20 frames",
        "warm-up",
    ):
        assert word in " ".join(text.split())
    assert "so far" not in text


def test_the_figures_of_one_engine_stand_in_their_rows():
    text = printed(report())
    assert row(text, "frames counted") == ["240"]
    assert row(text, "fps") == ["31.0"]
    assert row(text, "slowest round") == ["30.0"]
    assert row(text, "fastest round") == ["32.0"]
    assert row(text, "dropped") == ["0"]
    assert row(text, "CPU ms a frame") == ["20.0"]
    assert row(text, "of all cores") == ["31.0", "%"]
    assert row(text, "all else took") == ["25.0", "%"]
    assert row(text, "memory resident MB") == ["300"]
    assert row(text, "at most MB") == ["400"]
    assert row(stages(text), "engine")[:5] == ["59.0", "95.0", "99.0", "99.0", "16.9"]
    assert row(text, "end to end") == ["40.0", "40.0", "40.0", "40.0"]
    assert "×" not in text


def test_engines_stand_beside_each_other_with_their_ratio_by_rounds():
    # each round of ort has 0.9 of ov's rate, whatever the machine did to both
    ov, ort = engine("ov", (20.0, 40.0, 60.0)), engine("ort", (18.0, 36.0, 54.0))
    text = printed(report(ov, ort))
    assert row(text, "fps") == ["40.0", "36.0"]
    assert row(text, "× ov") == ["1.00", "0.90"]
    assert row(stages(text), "engine")[1:3] == ["59.0", "95.0"]
    assert row(stages(text), "ort")[-1] == "1.00"


def test_a_camera_says_whose_fault_the_drops_are():
    text = printed(report(camera(), live=True))
    assert row(text, "dropped by the program") == ["2"]
    assert row(text, "dropped, camera too late") == ["1"]
    assert row(text, "camera late, p95 ms") == ["1.00"]
    assert row(text, "age, first to last fifth") == ["+0.0", "ms"]
    assert row(text, "of it the camera's") == ["2.00"]
    assert "round" not in text.split("stage")[0].replace("1 round, in", "")


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("live", [False, True])
def test_nothing_is_cut_off_or_broken(width, live):
    engines = [camera(name) if live else engine(name) for name in ("ov", "ort", "trt", "ov")]
    text = printed(report(*engines, live=live), width=width)
    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text
    for title in ("end to end", "first frame after s", "alone fps", "ov (2)"):
        assert title in text


def test_a_name_stands_as_it_is(capsys):
    name = "[x264] :smile: [/x].mp4"
    show(replace(report(), source=replace(report().source, name=name)), Stdout())
    assert name in capsys.readouterr().out


def test_a_stop_is_told():
    assert "stopped before the end" in printed(replace(report(), complete=False))


def test_a_comparison_has_no_warning_where_there_is_nothing_to_warn_of():
    text = printed(report(engine("ov", (30.0,))), report(engine("ov", (45.0,))))
    assert "differ" not in text
    assert "old.json" in text
    assert row(text, "fps") == ["30.0", "45.0"]
    assert row(text, "× A") == ["1.00", "1.50"]


def test_a_comparison_says_first_that_it_is_none():
    other = report(engine("ort"), live=True)
    text = printed(report(), other)
    assert text.index("Not comparable") < text.index("frames counted")
    assert "live: False | True" in text
    assert "output: video | display" in text
    assert re.search(r"A +ov: ov on CPU\s+B +ort: ort on CPU", text)


def test_a_stage_that_only_one_has_is_shown():
    ov = engine()
    more = replace(ov, stages={**ov.stages, "upload": ov.age})
    text = printed(report(ov), report(more))
    assert row(text, "upload")[:2] == ["B", "40.0"]


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0.00"), (1.234, "1.23"), (-12.34, "-12.3"), (1234.5, "1234"), (math.nan, "–")],
)
def test_numbers_have_three_digits(value, text):
    assert number(value) == text
