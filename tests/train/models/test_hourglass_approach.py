from dataclasses import replace

import dots
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("timm")

from train import models  # noqa: E402

TINY = {"width": 16}
STEPS, NEAR_PX = 70, 1.0


def test_every_stack_is_supervised():
    torch.manual_seed(0)
    model, batch = models.build("hourglass", dots.SPEC, width=8, stacks=3).train(), dots.batch(2)
    out = model(batch.image.float())
    assert len(out.earlier) == 2
    whole = model.loss(out, batch)["heatmap"]
    each = [
        model.loss(out._replace(heatmaps=maps, earlier=()), batch)["heatmap"]
        for maps in (*out.earlier, out.heatmaps)
    ]
    torch.testing.assert_close(whole, torch.stack(each).mean())
    each[0].backward()
    assert model.heat[0].weight.grad.any()
    assert model.heat[2].weight.grad is None


@pytest.mark.parametrize(("stride", "stacks"), [(8, 2), (4, 0)])
def test_what_it_cannot_be_is_one_line(stride, stacks):
    with pytest.raises(ValueError, match=f"got {stride}, {stacks}"):
        models.build("hourglass", replace(dots.SPEC, stride=stride), stacks=stacks)
