from dataclasses import replace

import dots
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("timm")

from torch.nn import functional  # noqa: E402

from train import models  # noqa: E402
from train.models import fcn  # noqa: E402

TINY = {"encoder_model": "vgg", "width": 8}
STEPS, NEAR_PX = 60, 1.0


@pytest.mark.parametrize("times", [2, 4])
def test_what_enlarges_starts_as_bilinear(times):
    maps = torch.rand(1, 2, 6, 6, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        got = fcn._enlarging(2, times)(maps)
    want = functional.interpolate(maps, scale_factor=times, mode="bilinear", align_corners=False)
    assert got.shape == want.shape
    inside = slice(times, -times)  # what lies beyond the border is 0 to one, the border to another
    torch.testing.assert_close(got[..., inside, inside], want[..., inside, inside])


def test_stages_coarser_than_the_heatmaps_are_wanted():
    with pytest.raises(ValueError, match="got a stride of 2 for heatmaps of 8"):
        models.build("fcn", replace(dots.SPEC, stride=8), **TINY, layers=4)


def test_a_side_that_halves_to_an_odd_one_is_met():
    spec = replace(dots.SPEC, input_hw=(64, 72))
    model = models.build("fcn", spec, **TINY).eval()
    with torch.no_grad():
        assert model.predict(torch.zeros(1, 3, 64, 72)).heatmaps.shape == (1, 3, 16, 18)
