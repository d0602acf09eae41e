from dataclasses import replace

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("timm")

from tiny import TINY  # noqa: E402

from train import cli, loop  # noqa: E402
from train.average import average  # noqa: E402
from train.config import Config  # noqa: E402
from train.eval_command import trained_on  # noqa: E402
from train.material import packet_spec  # noqa: E402


def written(path, seed: int, config: Config = TINY) -> dict[str, torch.Tensor]:
    torch.manual_seed(seed)
    model = loop.build(config, packet_spec(config), weights="none")
    loop.save(path, model, torch.optim.AdamW(model.parameters()), 1, config)
    return {name: value.clone() for name, value in model.state_dict().items()}


def test_the_mean_of_two_is_a_checkpoint_of_that_network(tmp_path, capsys):
    first = written(tmp_path / "a.pt", 1, replace(TINY, hold_out=(3, 9)))
    second = written(tmp_path / "b.pt", 2, replace(TINY, hold_out=(9, 12)))
    paths = [str(tmp_path / name) for name in ("a.pt", "b.pt", "mean.pt")]
    assert cli.main(["average", *paths[:2], "--out", paths[2]]) == 0
    assert "mean.pt" in capsys.readouterr().out
    model, config = loop.load_checkpoint(tmp_path / "mean.pt")
    for name, value in model.state_dict().items():
        if value.is_floating_point():
            torch.testing.assert_close(value, (first[name] + second[name]) / 2)
    assert config.hold_out == (9,)


def test_a_mean_has_seen_the_clips_that_any_of_them_has_seen(tmp_path):
    written(tmp_path / "rendered.pt", 1, replace(TINY, hold_out=(51,)))
    written(tmp_path / "real.pt", 2, replace(TINY, data="cardcut", hold_out=(9, 15)))
    average([tmp_path / "rendered.pt", tmp_path / "real.pt"], tmp_path / "mean.pt")
    assert "FLATTER" in trained_on(tmp_path / "mean.pt", (51,))
    assert trained_on(tmp_path / "mean.pt", (9,)).endswith("those held out: 9, 15")


def test_a_mean_is_not_resumed(tmp_path):
    written(tmp_path / "a.pt", 1)
    average([tmp_path / "a.pt", tmp_path / "a.pt"], tmp_path / "last.pt")
    model = loop.build(TINY, packet_spec(TINY), weights="none")
    with pytest.raises(ValueError, match=r"last\.pt is a mean of runs, none to go on with"):
        loop._resume(tmp_path / "last.pt", model, torch.optim.AdamW(model.parameters()), TINY)


def test_another_network_has_no_part_in_a_mean(tmp_path, capsys):
    written(tmp_path / "a.pt", 1)
    written(tmp_path / "wide.pt", 1, replace(TINY, width=TINY.width * 2))
    words = [str(tmp_path / "a.pt"), str(tmp_path / "wide.pt"), "--out", str(tmp_path / "mean.pt")]
    assert cli.main(["average", *words]) == 1
    assert "wide.pt is another network" in capsys.readouterr().err
    assert not (tmp_path / "mean.pt").exists()


def test_one_checkpoint_is_no_mean(tmp_path, capsys):
    with pytest.raises(SystemExit):
        cli.main(["average", str(tmp_path / "a.pt"), "--out", str(tmp_path / "mean.pt")])
    assert "two checkpoints" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["mean", "mean.onnx"])
def test_a_mean_that_nothing_would_know_for_a_checkpoint_is_not_written(tmp_path, capsys, name):
    written(tmp_path / "a.pt", 1)
    with pytest.raises(SystemExit):
        cli.main(["average", *[str(tmp_path / "a.pt")] * 2, "--out", str(tmp_path / name)])
    assert "--out must end in .pt" in capsys.readouterr().err
    assert not (tmp_path / name).exists()
