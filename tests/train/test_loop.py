import json
import signal
from dataclasses import replace

import numpy as np
import pytest
from tiny import TINY

torch = pytest.importorskip("torch")
for _name in ("timm", "torchvision", "lightning_fabric", "onnx"):
    pytest.importorskip(_name)

from torch.utils.data import DistributedSampler  # noqa: E402

from stream.decode import decode  # noqa: E402
from stream.geometry import input_from_cell  # noqa: E402
from train import loop, material  # noqa: E402
from train.example import Example  # noqa: E402
from train.mixture import Mixture, read_pictures  # noqa: E402
from train.models import heatmap  # noqa: E402

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*TorchVision are deprecated:DeprecationWarning"),
    pytest.mark.timeout(400),  # seconds of work, minutes beside a training run
]


def state(path):
    return torch.load(path, weights_only=True)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """An uninterrupted run of two epochs."""
    config = replace(TINY, out=str(tmp_path_factory.mktemp("run")))
    return config, loop.fit(config)


def test_a_run_leaves_a_checkpoint_and_a_log(finished):
    config, last = finished
    assert last == config.folder / "last.pt"
    lines = [json.loads(line) for line in (config.folder / "log.jsonl").read_text().splitlines()]
    assert [repr(line["epoch"]) for line in lines] == ["1", "2"]
    assert all(np.isfinite(line[name]) for line in lines for name in ("heatmap", "count"))
    model, read = loop.load_checkpoint(last)
    assert read == config
    assert not model.training
    assert model.spec == material.packet_spec(config)


def test_a_run_that_was_broken_off_ends_as_if_it_had_not_been(finished, tmp_path):
    _, uninterrupted = finished
    config = replace(TINY, out=str(tmp_path))
    log = tmp_path / "log.jsonl"

    def interrupt(_signal, _frame):
        if log.exists() and log.read_text().count("\n"):
            signal.setitimer(signal.ITIMER_REAL, 0)
            raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)
    try:
        with pytest.raises(KeyboardInterrupt):
            loop.fit(config)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert state(tmp_path / "last.pt")["epoch"] == 1  # it was in the second

    resumed = loop.fit(replace(config, resume=True))
    one, two = state(uninterrupted)["model"], state(resumed)["model"]
    assert one.keys() == two.keys()
    for name in one:
        torch.testing.assert_close(two[name], one[name], msg=lambda text, n=name: f"{n}: {text}")
    assert len(log.read_text().splitlines()) == 2


@pytest.mark.parametrize("samples", [0, 3])
def test_a_run_without_a_whole_batch_writes_nothing(tmp_path, samples):
    config = replace(TINY, samples=samples, out=str(tmp_path / "run"))
    with pytest.raises(ValueError, match=f"a batch is 4 pictures, got {samples}: raise samples"):
        loop.fit(config)
    assert not config.folder.exists()


def test_what_fills_no_batch_is_left_out_on_any_number_of_devices():
    """Of seven in batches of four, two devices took a second batch, with the first one again."""

    class Seven:
        epoch = 0

        def __len__(self):
            return 7

        def __getitem__(self, index):
            return torch.tensor(index)

    loader = loop.example_loader(Seven(), TINY)
    assert [batch.tolist() for batch in loader] == [[0, 1, 2, 3]]
    for world in (2, 4):
        shares = [DistributedSampler(loader.dataset, world, rank, False) for rank in range(world)]
        assert sorted(index for share in shares for index in share) == [0, 1, 2, 3]


def test_a_run_in_the_place_of_another_says_so_and_begins_its_log_anew(tmp_path, capsys):
    config = replace(TINY, samples=4, epochs=1, out=str(tmp_path))
    loop.fit(config)
    assert "replaced" not in capsys.readouterr().out
    loop.fit(config)
    said = f"{tmp_path} holds a run: last.pt and log.jsonl are replaced after an epoch"
    assert said in capsys.readouterr().out.splitlines()
    loop.fit(replace(config, resume=True))
    assert "replaced" not in capsys.readouterr().out
    assert (tmp_path / "log.jsonl").read_text().count("\n") == 1


def test_another_seed_is_another_run(finished, tmp_path):
    _, one = finished
    two = loop.fit(replace(TINY, seed=1, epochs=1, out=str(tmp_path)))
    a, b = state(one)["model"], state(two)["model"]
    assert not torch.equal(a["decoder.laterals.0.weight"], b["decoder.laterals.0.weight"])


def test_only_a_run_of_the_same_configuration_is_resumed(finished, tmp_path):
    config, _ = finished
    with pytest.raises(ValueError, match=r"was trained with lr 0\.001, got 0\.5: go on with the"):
        loop.fit(replace(config, resume=True, lr=0.5))
    with pytest.raises(FileNotFoundError, match="no checkpoint"):
        loop.fit(replace(config, resume=True, out=str(tmp_path)))


def test_a_few_pictures_are_learnt_by_heart():
    """Targets, losses, decoder and geometry agree: else these corners could not be met."""
    config = replace(TINY, width=32, empty=0.0, samples=4, sigma_px=5.0)
    spec = material.packet_spec(config)
    mixture = Mixture(config, read_pictures(config, []))
    batch = Example(*map(torch.stack, zip(*(mixture[i] for i in range(4)), strict=True)))
    torch.manual_seed(0)
    model = heatmap.build(spec, config.encoder_model, config.layers, "none", config.width)
    optimizer = torch.optim.AdamW(model.parameters(), 3e-3)
    for _ in range(150):
        parts = loop.losses(model.train(), model, batch)
        optimizer.zero_grad()
        sum(parts.values()).backward()
        optimizer.step()
    with torch.inference_mode():  # in training mode, for the statistics of so few steps are young
        out = model(batch.image.float())
    peaks = decode(out.heatmaps.numpy(), spec.sigma_px / spec.stride)
    xy = input_from_cell(peaks.xy, spec.stride)
    true = batch.xy[:, 0].numpy()
    shown = np.isfinite(true).all(axis=2) & (batch.known.numpy() > 0)
    errors = np.linalg.norm(xy - true, axis=2)[shown]
    assert shown.sum() >= 16
    assert errors.max() < 1.5
    counted = batch.countable.numpy() > 0
    assert counted.any()
    off = (out.mean - batch.cards[:, None]).abs().numpy()
    assert off[counted].mean() < 4


def test_a_run_that_starts_from_a_checkpoint_needs_no_other_weights(finished, tmp_path):
    _, last = finished
    nowhere = str(tmp_path / "none.safetensors")
    config = replace(TINY, start=str(last), weights=nowhere, epochs=1, samples=8)
    assert loop.fit(replace(config, out=str(tmp_path / "run"))).is_file()
    with pytest.raises(FileNotFoundError, match="no weights"):
        loop.fit(replace(config, start="", out=str(tmp_path / "run")))
