import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

from engines.spec import ModelSpec  # noqa: E402
from stream.decode import decode  # noqa: E402
from stream.geometry import input_from_cell  # noqa: E402
from stream.packet import EDGES, FLIP, KEYPOINTS  # noqa: E402
from train.targets import gaussians  # noqa: E402

SPEC = ModelSpec("t", KEYPOINTS, EDGES, FLIP, (96, 128), 4, 6.0)


@given(st.integers(0, 2**32 - 1))
def test_targets_decode_back_to_their_points(seed):
    xy = np.random.default_rng(seed).uniform(0, (127, 95), (2, 8, 2))
    maps = gaussians(torch.tensor(xy, dtype=torch.float32), SPEC).numpy()
    assert maps.shape == (2, 8, 24, 32)
    back = input_from_cell(decode(maps, SPEC.sigma_px / SPEC.stride).xy, SPEC.stride)
    np.testing.assert_allclose(back, xy, atol=0.5)


def test_a_target_is_a_gaussian_in_input_pixels():
    x, y = 41.5, 25.5  # the centre of cell (10, 6) is at 4·10 + 1.5
    maps = gaussians(torch.tensor([[[x, y]] * 8]), SPEC)[0, 0].numpy()
    assert maps[6, 10] == pytest.approx(1.0)
    assert maps[6, 11] == pytest.approx(np.exp(-(4**2) / (2 * 6.0**2)))
    assert maps[8, 10] == pytest.approx(np.exp(-(8**2) / (2 * 6.0**2)))


def test_no_point_is_an_empty_map():
    xy = torch.full((1, 8, 2), float("nan"))
    xy[0, 0] = 30.0
    maps = gaussians(xy, SPEC)
    assert maps[0, 0].max() > 0.9
    assert (maps[0, 1:] == 0).all()
