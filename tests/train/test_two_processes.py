"""Two processes, as torchrun starts them, train as one does."""

import json
import subprocess
import sys

import dots
import pytest

for _name in ("torch", "timm", "torchvision", "lightning_fabric", "onnx"):
    pytest.importorskip(_name)

import torch  # noqa: E402

from train import cli  # noqa: E402

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*TorchVision are deprecated:DeprecationWarning"),
    pytest.mark.timeout(900),  # seconds of work, minutes beside a training run
]

ALL = """
import json, sys
from train import cli
sys.exit(any(cli.main(words) for words in json.loads(sys.argv[1])))
"""
"""One command after the other: to start Python and torch takes longer than what is trained."""

FIT = "fit --weights none --input-size 64 --workers 0 --accelerator cpu".split()  # noqa: SIM905
PACKETS = [*FIT, *"--encoder-model mobilenetv3_small_050 --width 8".split()]  # noqa: SIM905
PACKETS += "--real 0 --empty 0.25 --epochs 1 --samples 64 --batch 16".split()  # noqa: SIM905
# no batch norm, which would count over one process's half of a batch
DOTS = [*FIT, *"--dataset coco --sigma-px 4 --view whole --decoder bilinear".split()]  # noqa: SIM905
DOTS += "--encoder-model test_convnext --layers 2 --width 16 --epochs 2 --batch 4".split()  # noqa: SIM905


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Folders of packets/ and dots/ that one process has trained, and that two have."""
    folder = tmp_path_factory.mktemp("runs")
    dots.write(folder / "data")
    commands = {"packets": PACKETS, "dots": [*DOTS, "--data", str(folder / "data")]}

    def into(out):
        return [[*words, "--out", str(folder / out / name)] for name, words in commands.items()]

    assert not any(cli.main(words) for words in into("one"))
    (folder / "all.py").write_text(ALL)
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    done = subprocess.run(
        [*launch, folder / "all.py", json.dumps(into("two"))],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("wrote ") == 2  # one of the two speaks
    return folder / "one", folder / "two"


def logs(runs, name):
    """What each has logged, a line an epoch."""
    return [
        [json.loads(line) for line in (run / name / "log.jsonl").read_text().splitlines()]
        for run in runs
    ]


def states(runs, name):
    return [torch.load(run / name / "last.pt", weights_only=True) for run in runs]


def test_packets_are_learnt_in_halves_of_every_batch(runs):
    """The losses differ by what batch norm makes of halves."""
    ([one], [two]) = logs(runs, "packets")
    for name in ("heatmap", "visible", "present", "count"):
        assert two[name] == pytest.approx(one[name], rel=0.15)
    one, two = states(runs, "packets")
    assert one["model"].keys() == two["model"].keys()
    # as many steps, so each process saw half
    assert [run["optimizer"]["state"][0]["step"].item() for run in (one, two)] == [4, 4]


def test_without_batch_norm_they_are_one_to_float_rounding(runs):
    one, two = logs(runs, "dots")
    assert [line["heatmap"] for line in two] == pytest.approx([a["heatmap"] for a in one], rel=1e-3)
    assert one[1]["heatmap"] < one[0]["heatmap"]
    one, two = (state["model"] for state in states(runs, "dots"))
    for name, value in one.items():
        torch.testing.assert_close(value, two[name], rtol=1e-3, atol=1e-5)
