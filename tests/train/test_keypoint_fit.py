"""From a folder of labelled pictures to a model that streams, by the commands."""

import json
import re

import dots
import pytest

for _name in ("torch", "timm", "torchvision", "lightning_fabric", "onnx", "matplotlib"):
    pytest.importorskip(_name)

import torch  # noqa: E402

from stream.cli import main as kpstream  # noqa: E402
from train import cli, loop  # noqa: E402

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*TorchVision are deprecated:DeprecationWarning"),
    pytest.mark.timeout(400),  # seconds of work, minutes beside a training run
]

SMALL = "--input-size 64 --sigma-px 4 --workers 0 --accelerator cpu".split()  # noqa: SIM905


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return dots.write(tmp_path_factory.mktemp("data") / "dots")


def run(*words):
    assert cli.main([str(word) for word in words]) == 0


def test_a_folder_becomes_a_model_that_streams(data, tmp_path, capsys):
    bad = data / "train" / "keypoints.json"
    good = bad.read_text()
    spoilt = json.loads(good)
    spoilt["annotations"][5]["keypoints"][0] = 1000
    bad.write_text(json.dumps(spoilt))
    learn = "--approach unet --loss mse --width 16 --view whole --no-augment --batch 8 --lr 5e-3"
    out = tmp_path / "run"
    words = [*learn.split(), *SMALL, "--epochs", 60, "--out", out]
    run("fit", "--dataset", "coco", "--data", data, *words, "--skip-bad")
    bad.write_text(good)
    said = capsys.readouterr().out
    skipped = re.findall(
        r"^skipped .*keypoints\.json, line \d+: blue at x 1000", said, re.MULTILINE
    )
    assert len(skipped) == 1
    assert "no picture is mirrored" in said
    lines = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    assert lines[-1]["px"] < 8
    assert lines[-1]["pck10"] > 0.5
    assert lines[-1]["heatmap"] < 0.2 * lines[0]["heatmap"]

    words = ["fit", "--dataset", "coco", "--data", data, *SMALL, "--start", out / "last.pt"]
    says = "last.pt is of another network (approach unet): start from one of the same"
    _fails([str(word) for word in words], 1, says, capsys)

    model, scores = tmp_path / "dots.onnx", tmp_path / "scores"
    run("export", out / "last.pt", "--out", model)
    words = ["--dataset", "coco", "--data", data, "--split", "train", "--engine", "ort"]
    for view in ("whole", "stream"):
        run("eval", model, *words, "--view", view, "--out", scores)
        found = json.loads((scores / "scores.json").read_text())["figures"]
        assert found["PCK@0.2 of box"]["n"] == 24
    assert "PCK@0.2 of box: " in capsys.readouterr().out
    run("eval", out / "last.pt", *words[:-1], "eager", "--view", "whole", "--out", scores)
    found = json.loads((scores / "scores.json").read_text())["figures"]
    assert found["PCK@0.1 of box"]["value"] > 0.8
    assert found["distance to the nearest, mean px"]["value"] < 3

    picture, written = data / "train" / "0.png", tmp_path / "found.jsonl"
    words = [picture, "--model", model, "--engine", "ort", "--json", written]
    assert kpstream([str(word) for word in words]) == 0
    line = json.loads(written.read_text())
    assert line["state"] == "locked"
    assert line["cards"] is None
    assert [point["name"] for point in line["keypoints"]] == list(dots.NAMES)


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["--real", "0.3"], 2, "real goes with packets: not with dataset coco"),
        (["--hold-out", "51"], 2, "hold_out goes with packets"),
        (["--approach", "magic"], 1, "no approach is called 'magic'; there are box, fcn, grid"),
        (["--approach", "unet", "--layers", "3"], 1, "the approach unet takes no layers; it takes"),
        (["--approach", "unet", "--loss", "oks"], 1, "no loss of heatmaps is called 'oks'"),
        (["--approach", "grid", "--loss", "awing"], 1, "no loss of points is called 'awing'"),
        (["--view", "cat", "--input-size", "60"], 2, "multiple of 32"),
        (["--loss", "magic"], 1, "no loss of heatmaps is called 'magic'"),  # before a download
        (["--batch", "0"], 2, "batch must be 1 or more, got 0"),
        (["--dataset-options", "points=a"], 1, "the dataset coco has no option 'points'; it has"),
        (["--view", "sideways"], 2, "view must be whole or box or mixed or cat, got 'sideways'"),
        (["--preset", "cats"], 1, "no preset is called 'cats', there are adam-3e-4-l2, cat"),
        (["--start", "a.pt", "--detector", "b.pt"], 2, "start brings a detector of its own"),
        (["--layers", "-1"], 2, "layers must be 1 or more, got -1"),
        (["--encoder-model=vgg", "--weights=none", "--frozen=-1"], 1, "has 5 stages, got -1 that"),
    ],
)
def test_what_does_not_go_together_is_one_line(data, capsys, words, code, says):
    _fails(["fit", "--dataset", "coco", "--data", str(data), *SMALL, *words], code, says, capsys)


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["fit", "--view", "box"], 2, "view goes with keypoints: name a dataset too"),
        (["fit", "--skip-bad"], 2, "skip_bad goes with keypoints: name a dataset too"),
        (["fit", "--dataset", "coco"], 2, "where is the dataset coco? Name its folder with data"),
        (["fit", "--approach", "grid"], 1, "grid counts no cards: take heatmap or unet"),
        (["eval", "m.onnx", "--dataset", "coco"], 2, "where is the dataset coco?"),
        (
            ["eval", "m.onnx", "--dataset=coco", "--data=x", "--view=stream", "--decoder=mean"],
            *(2, "--view stream has its own way from heatmaps to points: leave --decoder out"),
        ),
        (
            ["eval", "m.onnx", "--dataset=coco", "--data=x", "--scale=0.1"],
            *(2, "--scale goes with packets: leave it or --dataset out"),
        ),
        (["eval", "m.onnx", "--view", "whole"], 2, "--view goes with --dataset: name one"),
        (["eval", "m.onnx", "--measure", "px"], 2, "--measure goes with --dataset: name one"),
        (["eval", "m.onnx", "--skip-bad"], 2, "--skip-bad goes with --dataset: name one"),
    ],
)
def test_packets_have_no_dataset(capsys, words, code, says):
    _fails(words, code, says, capsys)


def _fails(words, code, says, capsys):
    try:
        got = cli.main(words)
    except SystemExit as end:  # argparse's way
        got = end.code
    line = capsys.readouterr().err.strip().splitlines()[-1]
    assert got == code, line
    assert says in line


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--split", "test"], "split test but 8 in train, 4 in val, 0 in test: name another with"),
        (["--measure", "torso"], "torso needs keypoints called left_shoulder and right_hip"),
    ],
)
def test_what_cannot_be_scored_is_told_before_the_model_is_opened(data, capsys, words, says):
    _fails(["eval", "none.onnx", "--dataset", "coco", "--data", str(data), *words], 1, says, capsys)


def test_a_dataset_whose_points_are_all_unlabelled_teaches_nothing(tmp_path, capsys):
    folder = dots.write(tmp_path / "dots")
    labels = folder / "train" / "keypoints.json"
    said = json.loads(labels.read_text())
    for entry in said["annotations"]:
        entry["keypoints"] = [0] * len(entry["keypoints"])
    labels.write_text(json.dumps(said))
    words = ["fit", "--dataset", "coco", "--data", str(folder), *SMALL, "--view", "whole"]
    says = "dots has no labelled point to train on"
    _fails([*words, "--out", str(tmp_path / "run")], 1, says, capsys)
    assert not (tmp_path / "run").exists()


def test_a_run_is_not_resumed_on_labels_of_other_keypoints(tmp_path, capsys):
    labels = dots.write(tmp_path / "dots") / "train" / "keypoints.json"
    (tmp_path / "dots" / "val" / "keypoints.json").unlink()
    words = ["fit", "--dataset", "coco", "--data", str(labels), *SMALL, "--view", "whole"]
    words += ["--approach=unet", "--width=8", "--epochs=1", f"--out={tmp_path / 'run'}"]
    run(*words)
    labels.write_text(labels.read_text().replace('"green"', '"lime"'))
    says = "last.pt has learnt blue, green, red, and the labels now have blue, lime, red: start it"
    _fails([*words, "--resume"], 1, says, capsys)


def test_a_model_is_watched_in_its_own_precision(data, tmp_path):
    words = ["fit", "--dataset", "coco", "--data", data, *SMALL, "--view", "whole"]
    words += ["--approach=unet", "--width=8", "--epochs=1", "--precision=bf16-true"]
    run(*words, f"--out={tmp_path / 'run'}")
    model, _ = loop.load_checkpoint(tmp_path / "run" / "last.pt")
    assert {p.dtype for p in model.parameters()} == {torch.float32}


def test_what_was_not_measured_is_null_in_the_scores(data, tmp_path):
    words = ["--dataset", "coco", "--data", data]
    fit = ["--approach=unet", "--width=8", "--epochs=1", "--lr=0", f"--out={tmp_path}"]
    run("fit", *words, *SMALL, *fit)
    run("eval", tmp_path / "last.pt", *words, "--engine=eager", "--view=stream", "--out", tmp_path)

    def strange(word):
        raise AssertionError(f"{word} is no JSON")

    found = json.loads((tmp_path / "scores.json").read_text(), parse_constant=strange)["figures"]
    assert found["PCK@0.1 of box"]["value"] == 0  # nothing is found
    assert found["NME by box"]["value"] is None


def test_a_batch_is_shared_among_all_processes(data, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(loop.lightning_fabric.Fabric, "launch", lambda _: None)
    monkeypatch.setattr(loop.lightning_fabric.Fabric, "world_size", 3)
    words = ["fit", "--dataset", "coco", "--data", str(data), "--out", str(tmp_path / "run")]
    _fails(words, 1, "a batch of 16 is not to be shared among 3 devices: take a multiple", capsys)
