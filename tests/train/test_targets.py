import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

from engines.spec import ModelSpec  # noqa: E402
from stream.decode import decode  # noqa: E402
from stream.geometry import input_from_cell  # noqa: E402
from stream.packet import EDGES, FLIP, KEYPOINTS  # noqa: E402
from train import targets  # noqa: E402
from train.targets import CIRCLE_SIGMA_CELLS, circles, gaussians  # noqa: E402

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


def in_the_middle_of(x, y):
    """A cell → its centre in px, for each keypoint."""
    return np.tile(input_from_cell(np.array([x, y], float), SPEC.stride), (1, 8, 1))


def opencvs(cells, hw):
    """OpenCV's filled circle and its 5×5 Gaussian, divided by the middle of one that is whole."""
    drawn = np.zeros((hw[0] + 10, hw[1] + 10), np.float32)
    cv2.circle(drawn, (int(cells[0]) + 5, int(cells[1]) + 5), 2, 1.0, -1)
    return cv2.GaussianBlur(drawn, (5, 5), 0)[5:-5, 5:-5] / 0.859375


@given(st.integers(0, 31), st.integers(0, 23))
def test_a_circle_is_what_opencv_draws_and_blurs(x, y):
    maps = circles(torch.tensor(in_the_middle_of(x, y)), SPEC).numpy()
    np.testing.assert_allclose(maps[0, 0], opencvs((x, y), (24, 32)), atol=1e-6)
    assert maps[0, 0, y, x] == 1


@given(st.integers(0, 2**32 - 1))
def test_a_circle_stands_on_the_cell_that_holds_its_point(seed):
    xy = np.random.default_rng(seed).uniform(-0.5, (127.5, 95.5), (2, 8, 2))
    maps = circles(torch.tensor(xy), SPEC).numpy()
    highest = maps.reshape(2, 8, -1).argmax(axis=2)
    cells = np.stack([highest % 32, highest // 32], axis=2)
    assert np.abs(input_from_cell(cells, SPEC.stride) - xy).max() <= SPEC.stride / 2


def test_a_circles_sigma_is_that_of_its_cells():
    x, y = 16, 12
    heights = circles(torch.tensor(in_the_middle_of(x, y)), SPEC)[0, 0].numpy()
    variance = (heights.sum(axis=0) * (np.arange(32) - x) ** 2).sum() / heights.sum()
    assert np.sqrt(variance) == pytest.approx(CIRCLE_SIGMA_CELLS)


@pytest.mark.parametrize("name", ["gaussian", "circle"])
@settings(max_examples=20)
@given(seed=st.integers(0, 2**32 - 1), count=st.integers(0, 4))
def test_several_points_of_a_kind_share_a_channel_as_its_maximum(name, seed, count):
    rng = np.random.default_rng(seed)
    xy = rng.uniform(0, (127, 95), (2, count, 8, 2))
    xy[rng.random((2, count, 8)) < 0.3] = np.nan
    draw = targets.of_name(name)
    together = draw(torch.tensor(xy), SPEC)
    assert together.shape == (2, 8, 24, 32)
    each = [draw(torch.tensor(xy[:, i]), SPEC) for i in range(count)]
    want = torch.stack(each).amax(dim=0) if each else torch.zeros_like(together)
    assert torch.equal(together, want)
    assert not together[torch.tensor(np.isnan(xy[..., 0]).all(axis=1))].any()


def test_an_unknown_target_is_told_what_there_is():
    with pytest.raises(ValueError, match="'circel', there are gaussian, circle; did you mean 'cir"):
        targets.of_name("circel")
