"""Which parameter learns at which rate, and what becomes of it from step to step."""

from dataclasses import replace

import pytest
from tiny import TINY

torch = pytest.importorskip("torch")
for _name in ("timm", "torchvision", "lightning_fabric", "onnx"):
    pytest.importorskip(_name)

from lightning_fabric import Fabric  # noqa: E402
from lightning_fabric.plugins import MixedPrecision  # noqa: E402

from train import loop, optimizers  # noqa: E402

CONFIG = replace(TINY, lr=0.01, weight_decay=0.3)


def network():
    heat = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 1), torch.nn.BatchNorm2d(4))
    return torch.nn.ModuleDict({"heat": heat, "count": torch.nn.Linear(2, 1)})


def test_weights_decay_and_the_count_head_learns_faster():
    model = network()
    of = {id(p): name for name, p in model.named_parameters()}
    got = {
        of[id(p)]: (group["peak"], group["weight_decay"])
        for group in optimizers.groups(model, CONFIG)
        for p in group["params"]
    }
    assert got == {
        "heat.0.weight": (0.01, 0.3),
        "heat.0.bias": (0.01, 0),
        "heat.1.weight": (0.01, 0),
        "heat.1.bias": (0.01, 0),
        "count.weight": (0.02, 0.3),
        "count.bias": (0.02, 0),
    }


def rates(steps, **more):
    config = replace(CONFIG, **more)
    optimizer = optimizers.of(optimizers.groups(network(), config), config)
    for step in range(steps):
        loop.schedule(optimizer, config, step, steps)
        yield optimizer.param_groups[0]["lr"], optimizer.param_groups[-1]["lr"]


def test_the_rate_warms_up_and_falls_as_half_a_cosine_to_nearly_nothing():
    slow, fast = zip(*rates(100), strict=True)
    assert slow[:5] == pytest.approx([0.002, 0.004, 0.006, 0.008, 0.01])
    assert slow[5] == max(slow) == 0.01
    assert slow[5 + 95 // 2] == pytest.approx(0.005, rel=0.02)
    assert sorted(slow[5:], reverse=True) == list(slow[5:])
    assert 0 < slow[-1] < 1e-5
    assert fast == pytest.approx([2 * rate for rate in slow])


def test_a_constant_rate_stays_and_a_run_of_one_step_takes_it():
    assert {slow for slow, _ in rates(7, schedule="constant")} == {0.01}
    assert [slow for slow, _ in rates(1)] == [0.01]


@pytest.mark.parametrize("name", ["adam", "adamw"])
def test_decay_is_part_of_adams_gradient_only(name):
    """Without a slope AdamW takes lr · decay off a weight, and Adam a step of lr."""
    weight = torch.nn.Parameter(torch.full((1, 1), 2.0))
    config = replace(CONFIG, optimizer=name)
    optimizer = optimizers.of(optimizers.decaying({"w": weight}, 0.01, config), config)
    weight.grad = torch.zeros(1, 1)
    optimizer.step()
    assert weight.item() == pytest.approx({"adam": 2 - 0.01, "adamw": 2 - 0.01 * 0.3 * 2}[name])


@pytest.mark.parametrize("half", [True, False])
def test_a_gradient_that_overflows_is_left_out_in_half_precision_and_else_an_error(half):
    more = {"plugins": [MixedPrecision("16-mixed", device="cpu")]} if half else {}
    fabric = Fabric(accelerator="cpu", devices=1, **more)
    layer = torch.nn.Linear(2, 1)
    module, optimizer = fabric.setup(layer, torch.optim.SGD(layer.parameters(), 0.1))
    before = layer.weight.detach().clone()
    fabric.backward(module(torch.ones(1, 2)).sum())
    layer.weight.grad.fill_(torch.inf)
    if not half:
        with pytest.raises(RuntimeError, match="non-finite"):
            loop.clip(fabric, module, optimizer)
        return
    loop.clip(fabric, module, optimizer)
    optimizer.step()
    assert torch.equal(layer.weight, before)
