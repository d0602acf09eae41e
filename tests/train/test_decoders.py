"""What targets are made of, each decoder finds again, within the bounds that it states."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch")
pytest.importorskip("sklearn")

from engines.spec import ModelSpec  # noqa: E402
from stream.geometry import cell_from_input, input_from_cell  # noqa: E402
from train import decoders  # noqa: E402
from train.targets import CIRCLE_SIGMA_CELLS, circles, gaussians  # noqa: E402

HW = (32, 40)  # cells
STRIDE = 4
NAMES = ["argmax", "mean", "peak", "mean-shift"]
seeds = st.integers(0, 2**32 - 1)
few = settings(max_examples=10)


def spec(sigma):
    return ModelSpec("t", ("a", "b"), (), (0, 1), (HW[0] * 4, HW[1] * 4), STRIDE, sigma * STRIDE)


def drawn(seed, margin):
    """Points (3, 2, 2) in cells, no nearer to the picture's edge than `margin`."""
    size = np.array(HW[::-1])
    return np.random.default_rng(seed).uniform(margin - 0.5, size - 0.5 - margin, (3, 2, 2))


def maps_of(cells, sigma, draw=gaussians):
    return draw(torch.tensor(input_from_cell(cells, STRIDE)), spec(sigma)).numpy()


@pytest.mark.parametrize(
    ("name", "margin_sigma", "bound"),
    [
        ("argmax", 0, lambda _: 0.501),
        ("mean", 4, lambda _: 0.02),
        ("mean", 0, lambda sigma: 0.85 * sigma),
        ("peak", 0, lambda _: 0.13),
        ("mean-shift", 2, lambda _: 0.501),
        ("mean-shift", 0, lambda sigma: 0.5 * sigma + 0.251),
    ],
)
@few
@given(seed=seeds, sigma=st.sampled_from([1.0, 1.5, 2.0, 3.0]))
def test_the_points_of_gaussians_are_found(name, margin_sigma, bound, seed, sigma):
    truth = drawn(seed, margin_sigma * sigma)
    found = decoders.decode(name, maps_of(truth, sigma), spec(sigma))
    assert found.xy.shape == (3, 2, 1, 2)
    errors = np.abs(found.xy[:, :, 0] - input_from_cell(truth, STRIDE))
    assert errors.max() <= bound(sigma) * STRIDE
    assert (found.score > 0.5).all()
    assert (found.score <= 1).all()


@pytest.mark.parametrize("name", NAMES)
@few
@given(seed=seeds)
def test_the_points_of_circles_are_found_to_half_a_cell(name, seed):
    truth = drawn(seed, 5)
    found = decoders.of_name(name)(maps_of(truth, 1.0, circles), CIRCLE_SIGMA_CELLS)
    assert np.abs(found.xy[:, :, 0] - truth).max() <= 0.52


@few
@given(seed=seeds, sigma=st.sampled_from([1.0, 1.5, 2.0]))
def test_mean_shift_finds_any_number_of_points_in_a_channel(seed, sigma):
    rng, wanted = np.random.default_rng(seed), []
    for _ in range(3 * 2):
        kept = []
        for point in rng.uniform(2 * sigma, np.array(HW[::-1]) - 2 * sigma - 1, (12, 2)):
            if all(np.hypot(*(point - other)) >= 4 * sigma for other in kept):
                kept.append(point)
        wanted.append(kept[: rng.integers(0, 7)])
    most = max(map(len, wanted))
    cells = np.full((most, 6, 2), np.nan)
    for i, points in enumerate(wanted):
        cells[: len(points), i] = np.reshape(points, (-1, 2))
    maps = maps_of(cells.reshape(most, 3, 2, 2).swapaxes(0, 1), sigma)
    found = decoders.of_name("mean-shift")(maps, sigma)
    assert found.xy.shape == (3, 2, most, 2)
    for points, xy, score in zip(
        wanted, found.xy.reshape(6, most, 2), found.score.reshape(6, most), strict=True
    ):
        n = len(points)
        assert np.isnan(xy[n:]).all()
        assert (score[n:] == 0).all()
        assert (np.diff(score) <= 0).all()
        apart = np.abs(xy[:n, None] - np.reshape(points, (1, -1, 2))).max(axis=2)
        assert (apart.min(axis=0, initial=9) <= 0.501).all()


def test_the_cut_off_says_what_is_a_point():
    maps = maps_of(np.array([[[10.0, 8], [30, 20]]]), 2.0)
    maps[0, 1] *= 0.45
    found = decoders.mean_shift(maps, 2.0)
    assert np.isnan(found.xy[0, 1]).all()
    found = decoders.mean_shift(maps, 2.0, cut_off=0.2)
    np.testing.assert_allclose(found.xy[0, :, 0], [[10, 8], [30, 20]], atol=0.01)
    np.testing.assert_allclose(found.score[0, :, 0], [1, 0.45], atol=1e-6)


def test_all_modes_of_scikit_learn_are_found_in_noise():
    from sklearn.cluster import MeanShift

    maps = np.random.default_rng(0).uniform(0, 1, (1, 1, 12, 12))
    rows, columns = np.nonzero(maps[0, 0].astype(np.float32) > 0.9)
    every = MeanShift(bandwidth=2.0).fit(np.column_stack([columns, rows])).cluster_centers_
    found = decoders.mean_shift(maps, 1.0, cut_off=0.9).xy[0, 0]
    assert len(every) > 3
    assert {*map(tuple, found)} == {*map(tuple, every)}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("height", [0.0, -1.0])
def test_a_channel_without_a_point_has_none_and_the_others_keep_theirs(name, height):
    maps = maps_of(np.array([[[10.0, 8], [30, 20]]]), 2.0)
    maps[0, 0] = height
    found = decoders.of_name(name)(maps, 2.0)
    assert np.isnan(found.xy[0, 0]).all()
    assert (found.score[0, 0] == 0).all()
    assert np.abs(found.xy[0, 1, 0] - (30, 20)).max() < 0.5


@pytest.mark.parametrize("name", ["argmax", "mean", "peak"])
def test_a_channel_of_which_a_cell_is_nan_has_no_point(name):
    maps = maps_of(np.array([[[10.0, 8], [30, 20]]]), 2.0)
    maps[0, 0, 3, 3] = np.nan
    found = decoders.of_name(name)(maps, 2.0)
    assert np.isnan(found.xy[0, 0]).all()
    assert np.isfinite(found.xy[0, 1]).all()


def test_points_are_in_the_inputs_pixels():
    maps = maps_of(np.array([[[10.0, 8], [30, 20]]]), 2.0)
    in_cells = decoders.of_name("argmax")(maps, 2.0)
    in_px = decoders.decode("argmax", maps, spec(2.0))
    assert in_px.xy[0, :, 0].tolist() == [[41.5, 33.5], [121.5, 81.5]]
    np.testing.assert_array_equal(cell_from_input(in_px.xy, STRIDE), in_cells.xy)


def test_an_unknown_decoder_is_told_what_there_is():
    with pytest.raises(ValueError, match="'means', there are argmax, mean, peak, mean-shift; did"):
        decoders.of_name("means")
