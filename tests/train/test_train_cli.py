import json
import os
import subprocess
import sys
from dataclasses import fields

import cv2
import numpy as np
import pytest

from stream import picture_file
from train import cli, eval_command, pictures, protocols, showing
from train.config import Config


def failed(capsys, *words):
    """The exit code and the line that the command ends with."""
    try:
        code = cli.main([str(word) for word in words])
    except SystemExit as end:  # argparse's way
        code = end.code
    lines = capsys.readouterr().err.strip().splitlines()
    return code, lines[-1] if lines else ""


def test_every_field_of_the_configuration_is_an_option():
    words = []
    wanted = {}
    samples = {str: "text", int: 7, float: 0.25, tuple: (51, 9), bool: True}
    for field in fields(Config):
        kind = type(field.default)
        wanted[field.name] = samples[kind]
        name = "--" + field.name.replace("_", "-")
        if kind is bool:
            words.append(name)
        else:
            words += [name, "51,9" if kind is tuple else str(samples[kind])]
    got = cli._parser().parse_args(["fit", *words])
    assert {field.name: getattr(got, field.name) for field in fields(Config)} == wanted


def test_no_option_is_the_configuration_as_it_is():
    got = cli._parser().parse_args(["fit"])
    assert Config(**{field.name: getattr(got, field.name) for field in fields(Config)}) == Config()


def test_help_says_which_protocols_run_only_by_name(capsys):
    with pytest.raises(SystemExit):
        cli.main(["eval", "--help"])
    said = " ".join(capsys.readouterr().out.split())
    by_name = [name for name in protocols.PROTOCOLS if name not in protocols.ALL]
    assert f"{' and '.join(by_name)} run only by name" in said


def test_help_needs_no_torch():
    code = (
        "import sys; from train.cli import _parser; _parser().format_help(); "
        "print({'torch', 'cv2', 'matplotlib'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "COMMAND"),
        (["dance"], "invalid choice"),
        (["fit", "--no-such-option"], "unrecognized"),
        (["fit", "--real", "0.9", "--empty", "0.9"], "at most 1"),
        (["fit", "--real", "-0.5"], "real must be 0 or more, got -0.5"),
        (["fit", "--real", "0", "--empty", "-0.1"], "empty must be 0 or more, got -0.1"),
        (["fit", "--only-count", "--start", "bundled"], "from a checkpoint (.pt), got bundled"),
        (["fit", "--only-count", "--start", "m.onnx"], "from a checkpoint (.pt), got m.onnx"),
        (["fit", "--hold-out", "a,b"], "--hold-out"),
        (["fit", "--precision", "bf16-true"], "bf16-true is too coarse to count cards by: take"),
        (["eval", "m.onnx", "--protocols", "empty,dance"], "no 'dance'; there are cardcut,"),
        (["eval", "m.onnx", "--scale", "0"], "--scale must be above 0, got 0"),
        (["eval", "m.onnx", "--size", "8x8"], "16x16"),
        (["synth", "--out", "a.gif"], ".png, .jpg, .mp4 or .npz"),
        (["synth", "--out", "a.png", "--truth", "t.jsonl"], "--truth goes with a clip"),
        (["synth", "--out", "a.npz", "--empty"], "--empty goes with a sheet or a clip"),
        (["synth", "--out", "a.png", "--seed", "-1"], "--seed: -1: a seed is 0 or more"),
        (["eval", "m.onnx", "--seed", "-1"], "--seed: -1: a seed is 0 or more"),
        (["closeups", "--out", "c.npz", "--seed", "-1"], "--seed: -1: a seed is 0 or more"),
        (["synth", "--out", "a.mp4", "--fps", "0"], "--fps must be 1 or more, got 0"),
    ],
)
def test_wrong_usage_is_2_and_says_why(capsys, tmp_path, monkeypatch, words, says):
    monkeypatch.chdir(tmp_path)
    code, line = failed(capsys, *words)
    assert code == 2
    assert says in line


def test_a_failure_is_1_in_one_line(capsys, tmp_path):
    code, line = failed(capsys, "synth", "--out", tmp_path / "none" / "a.png")
    assert (code, line[:22]) == (1, "kpstream-train: error:")
    assert "there is no folder" in line
    not_ours = tmp_path / "a.onnx"
    not_ours.write_text("hello")
    code, line = failed(capsys, "eval", not_ours)
    assert code == 1
    assert "is not an ONNX model" in line
    code, line = failed(capsys, "eval", tmp_path / "none.onnx")
    assert code == 1
    assert "none.onnx" in line
    code, line = failed(capsys, "synth", "--out", tmp_path / "a.mp4", "--size", "65x48")
    assert code == 1
    assert "even, got 65x48" in line


def test_a_sheet_is_rendered(capsys, tmp_path):
    out = tmp_path / "sheet.png"
    assert cli.main(["synth", "--out", str(out), "--n", "10", "--size", "64x48"]) == 0
    assert str(out) in capsys.readouterr().out
    assert cv2.imread(str(out)).shape == (2 * (48 + 22), 8 * 64, 3)


def test_a_sheet_may_have_a_name_that_is_no_text(capsys, tmp_path):
    if sys.platform == "darwin":
        pytest.skip("its file systems refuse such names")
    out = tmp_path / "K\udce4rtchen.JPG"
    assert cli.main(["synth", "--out", str(out), "--n", "1", "--size", "64x48"]) == 0
    assert "K\\udce4rtchen.JPG" in capsys.readouterr().out
    assert picture_file.decoded(out).shape == (48 + 22, 8 * 64, 3)


def test_help_and_names_are_said_where_not_all_of_them_can_be_written():
    # Windows' code pages, wherever standard output is no console
    words = [sys.executable, "-m", "train.cli", "--help"]
    western = {**os.environ, "PYTHONIOENCODING": "cp1252"}
    done = subprocess.run(words, env=western, capture_output=True, check=True)
    assert rb"checkpoint or ONNX \u2192 a runtime's file" in done.stdout


def test_knobs_hands_and_empty_scenes_come_from_the_command(capsys, tmp_path):
    out, knobs, hands = tmp_path / "a.mp4", tmp_path / "knobs.json", tmp_path / "hands"
    truth = tmp_path / "t.jsonl"
    hands.mkdir()
    cv2.imwrite(str(hands / "h.png"), np.full((40, 20, 4), 255, np.uint8))
    knobs.write_text('{"cards": [7, 7], "held": 1}')
    words = ["synth", "--out", out, "--truth", truth, "--seconds", 0.2, "--size", "64x48"]
    words = [*map(str, words), "--config", str(knobs), "--hands", str(hands)]
    for more, cards in (([], 7), (["--cards", "9"], 9), (["--empty"], 0)):
        assert cli.main([*words, *more]) == 0
        line = json.loads(truth.read_text().splitlines()[0])
        assert line["cards"] == cards
    knobs.write_text('{"heldd": 1}')
    capsys.readouterr()
    code, line = failed(capsys, *words)
    assert code == 1
    assert "no knob is called heldd; near it are held" in line


def test_crops_of_packets_that_nobody_sees_come_to_an_end(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(showing, "TRIES", 3)
    knobs = tmp_path / "knobs.json"
    knobs.write_text('{"empty": 1}')
    words = ["synth", "--out", tmp_path / "crops.npz", "--size", "64x64", "--config", knobs]
    code, line = failed(capsys, *words, "--n", 2)
    assert code == 1
    assert "3 pictures in a row show no packet with five corners seen" in line
    code, line = failed(capsys, *words, "--n", 0)
    assert code == 1
    assert "crops are of one packet or more, got 0" in line
    assert not (tmp_path / "crops.npz").exists()


def test_a_clip_is_rendered_with_its_truth(tmp_path):
    out, truth = tmp_path / "a.mp4", tmp_path / "t.jsonl"
    words = ["synth", "--out", out, "--truth", truth, "--seconds", 0.4, "--fps", 10]
    assert cli.main([*map(str, words), "--size", "96x64", "--cards", "12", "--seed", "4"]) == 0
    lines = [json.loads(line) for line in truth.read_text().splitlines()]
    assert [line["cards"] for line in lines] == [12] * 4
    assert out.stat().st_size > 500


@pytest.mark.filterwarnings("ignore:.*TorchVision are deprecated:DeprecationWarning")
@pytest.mark.timeout(400)  # seconds of work, minutes beside a training run
def test_train_score_and_export_through_the_commands(capsys, tmp_path):
    for name in ("torch", "timm", "torchvision", "lightning_fabric", "onnx", "matplotlib"):
        pytest.importorskip(name)
    run = tmp_path / "run"
    words = (
        "fit --encoder-model mobilenetv3_small_050 --weights none --width 8 --input-size 64 "
        "--real 0 --empty 0.3 --epochs 1 --samples 8 --batch 4 --workers 0 --accelerator cpu"
    )
    assert cli.main([*words.split(), "--out", str(run)]) == 0
    model = tmp_path / "m.onnx"
    assert cli.main(["export", str(run / "last.pt"), "--out", str(model), "--half"]) == 0
    scored = tmp_path / "scores"
    words = ["eval", model, "--engine", "ort", "--size", "96x96", "--scale", 0.01, "--out", scored]
    assert cli.main([str(word) for word in words]) == 0
    said = capsys.readouterr().out
    assert "clip end MAE" in said
    assert "skipped cardcut: needs --data" in said
    assert "--hands not given: hands are drawn" in said
    figures = json.loads((scored / "scores.json").read_text())
    assert figures["protocols"]["rendered"]["found"]["n"] == 60
    assert figures["protocols"]["empty"]["called a packet"]["n"] == 3
    assert "ONNX Runtime" in figures["about"]["engine"]
    assert "skipped cardcut-clips: needs --data" in figures["about"]["not measured"]
    assert (scored / "report.html").stat().st_size > 20_000


def test_a_checkpoint_says_what_it_has_seen_of_the_clips_scored(tmp_path):
    torch = pytest.importorskip("torch")
    model = tmp_path / "last.pt"

    def said(scored, **options):
        state = {"model": {}, "spec": "{}", "config": Config(**options).to_json()}
        torch.save(state, model)
        return eval_command.trained_on(model, scored)

    held = {"data": "cardcut", "hold_out": (51, 9)}
    assert said((51, 9), **held).endswith("those held out: 51, 9")
    assert "FLATTER" in said((51, 9, 15), **held)
    assert "FLATTER" in said((), **held)
    assert said((51,)) == "no real packets in this run"
    assert said((51,), start="a.pt").endswith("starts from a.pt")
    assert "does not say" in eval_command.trained_on(tmp_path / "m.onnx", (51,))


def test_a_checkpoint_that_is_none_is_one_line(capsys, tmp_path):
    torch = pytest.importorskip("torch")
    bad = tmp_path / "last.pt"
    torch.save({"weights": torch.zeros(5000)}, bad)
    foreign = (b"not a checkpoint", b".", b"\x8c\x01\xff.")
    for left in (*foreign, bad.read_bytes()[:5000], b""):
        bad.write_bytes(left)
        code, line = failed(capsys, "export", bad, "--out", tmp_path / "m.onnx")
        assert code == 1
        assert line == f"kpstream-train: error: {bad} is not a checkpoint that `fit` wrote"
        assert not (tmp_path / "m.onnx").exists()


def test_what_goes_wrong_in_a_worker_is_one_line_too(tmp_path):
    pytest.importorskip("torch")
    from torch._utils import ExceptionWrapper  # what a DataLoader's workers send their errors in

    try:
        pictures.read(tmp_path / "a.jpg")
    except ValueError as error:
        said = str(error)
        sent = ExceptionWrapper(where="in DataLoader worker process 0")
    with pytest.raises(ValueError, match="Traceback") as caught:
        sent.reraise()
    assert cli._one_line(caught.value) == said == f"there is no picture {tmp_path / 'a.jpg'}"
