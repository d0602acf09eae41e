"""Peaks are where the Gaussians were; mean-shift is scikit-learn's; counts are quantiles."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from stream.decode import count_of, decode, mean_shift

SIGMAS = [1.0, 1.5, 2.0, 3.0]


def gaussians(xy, sigma, hw=(64, 64)):
    """Points (..., 2) → heatmaps (..., h, w)."""
    y, x = np.mgrid[: hw[0], : hw[1]]
    xy = np.asarray(xy)[..., None, None, :]
    square = (x - xy[..., 0]) ** 2 + (y - xy[..., 1]) ** 2
    return np.exp(-square / (2 * sigma**2)).astype(np.float32)


@pytest.mark.parametrize("sigma", SIGMAS)
def test_a_gaussian_inside_is_found_to_a_twentieth_of_a_cell(sigma):
    xy = np.random.default_rng(0).uniform(10, 53, (200, 2))
    peaks = decode(gaussians(xy, sigma), sigma)
    assert np.abs(peaks.xy - xy).max() < 0.04
    assert (peaks.score > 0.75).all()
    assert (peaks.score <= 1).all()


@pytest.mark.parametrize("sigma", SIGMAS)
@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("far", [False, True])
def test_a_gaussian_cut_off_by_the_border_is_found_to_a_twentieth_of_a_cell(sigma, axis, far):
    rng = np.random.default_rng(1)
    xy = rng.uniform(12, 30, (200, 2))
    hw = (48, 80)
    xy[:, axis] = rng.uniform(-0.5, 3 * sigma, 200)
    if far:
        xy[:, axis] = hw[1 - axis] - 1 - xy[:, axis]
    assert np.abs(decode(gaussians(xy, sigma, hw), sigma).xy - xy).max() < 0.05


@pytest.mark.parametrize("sigma", SIGMAS)
def test_a_gaussian_cut_off_twice_in_a_corner_is_found_to_an_eighth_of_a_cell(sigma):
    xy = np.random.default_rng(2).uniform(-0.5, 3 * sigma, (300, 2))
    assert np.abs(decode(gaussians(xy, sigma), sigma).xy - xy).max() < 0.125


@settings(max_examples=50, deadline=None)
@given(st.floats(8, 55), st.floats(8, 55), st.floats(0.05, 1.0), st.integers(0, 99))
def test_a_faint_or_noisy_peak_is_found_too(x, y, height, seed):
    noise = np.random.default_rng(seed).normal(0, 0.02 * height, (64, 64))
    heatmap = height * gaussians([x, y], 2.0) + noise
    peaks = decode(heatmap[None], 2.0)
    assert np.hypot(*(peaks.xy[0] - (x, y))) < 0.2
    assert peaks.score[0] == heatmap.max()


def test_the_highest_of_two_peaks_is_taken():
    heatmap = 0.6 * gaussians([15, 20], 2.0) + 0.9 * gaussians([45, 40], 2.0)
    assert np.abs(decode(heatmap[None], 2.0).xy - (45, 40)).max() < 0.05


def test_a_batch_is_decoded_channel_by_channel_and_left_as_it_was():
    xy = np.random.default_rng(3).uniform(10, 50, (2, 8, 2))
    heatmaps = gaussians(xy, 2.0)
    heatmaps.flags.writeable = False
    peaks = decode(heatmaps, 2.0)
    assert peaks.xy.shape == (2, 8, 2)
    assert peaks.score.shape == (2, 8)
    one_by_one = [decode(heatmaps[b, k : k + 1], 2.0).xy[0] for b in range(2) for k in range(8)]
    assert np.allclose(peaks.xy.reshape(-1, 2), one_by_one, atol=0.01)


@pytest.mark.parametrize("height", [0.0, 0.5, np.nan])
def test_a_flat_channel_has_no_peak_and_the_others_keep_theirs(height):
    heatmaps = gaussians([[20, 20], [30, 40], [50, 10]], 2.0)
    heatmaps[1] = height
    peaks = decode(heatmaps, 2.0)
    assert np.isnan(peaks.xy[1]).all()
    assert peaks.score[1] == 0
    assert np.abs(peaks.xy[[0, 2]] - [[20, 20], [50, 10]]).max() < 0.05


@pytest.mark.parametrize("broken", [np.nan, np.inf])
def test_one_cell_that_is_no_number_spoils_its_channel(broken):
    heatmaps = gaussians([[20, 20]], 2.0)
    heatmaps[0, 50, 50] = broken
    peaks = decode(heatmaps, 2.0)
    assert np.isnan(peaks.xy).all()
    assert peaks.score.tolist() == [0]


def test_no_peak_at_all_is_no_error():
    for heatmaps in (np.zeros((8, 64, 64), np.float32), gaussians([[20, 20]], 2.0) - 2):
        peaks = decode(heatmaps, 2.0)
        assert np.isnan(peaks.xy).all()
        assert not peaks.score.any()


def test_a_heatmap_without_channels_is_refused():
    with pytest.raises(ValueError, match=r"\(64, 64\)"):
        decode(np.zeros((64, 64)), 2.0)


@settings(max_examples=12, deadline=None)
@given(
    hnp.arrays(np.int64, (3, 12, 14), elements=st.integers(0, 4)),
    st.sampled_from([1.7, 2.6, 4.0, 5.3]),
)
def test_mean_shift_is_scikit_learn_s(weights, bandwidth):
    cluster = pytest.importorskip("sklearn.cluster", reason="needs scikit-learn as the oracle")
    weights[:, 5, 5] += 1
    cells = weights.reshape(3, -1).argmax(axis=1)
    seeds = np.stack([cells % 14, cells // 14], axis=1).astype(float)
    ours = mean_shift(weights.astype(float), seeds, bandwidth)
    for mode, seed, grid in zip(ours, seeds, weights, strict=True):
        y, x = np.nonzero(grid)
        # The kernel is flat, so a cell of weight n is n cells of weight 1.
        points = np.repeat(np.stack([x, y], axis=1).astype(float), grid[y, x], axis=0)
        oracle = cluster.MeanShift(bandwidth=bandwidth, seeds=[seed]).fit(points)
        assert np.hypot(*(mode - oracle.cluster_centers_[0])) < 0.01 * bandwidth


def test_mean_shift_climbs_to_a_far_mode_and_stays_where_nothing_weighs():
    maps = np.zeros((2, 40, 40))
    maps[0] = gaussians([25, 20], 4.0, (40, 40))
    modes = mean_shift(maps, np.array([[12.0, 20.0], [3.25, 7.0]]), 4.0)
    assert np.hypot(*(modes[0] - (25, 20))) < 0.5
    assert modes[1].tolist() == [3.25, 7.0]


distributions = hnp.arrays(np.float32, st.integers(2, 60), elements=st.floats(0, 1, width=32))


@given(distributions)
def test_a_count_lies_in_its_interval_of_nine_tenths(distribution):
    weights = distribution[1:].astype(float)
    count = count_of(distribution)
    if weights.sum() == 0:
        assert count is None
        return
    assert count is not None
    n = np.arange(1, len(distribution))
    edges = np.arange(len(distribution)) + 0.5
    below = np.interp(count.median, edges, np.append(0, weights.cumsum()) / weights.sum())
    assert below == pytest.approx(0.5)
    assert 1 <= count.low <= count.high <= len(weights)
    share = weights / weights.sum()
    assert share[n < count.low].sum() < 0.05 + 1e-9
    assert share[n > count.high].sum() <= 0.05 + 1e-9
    assert share[(n >= count.low) & (n <= count.high)].sum() >= 0.9 - 1e-9


def test_no_packet_does_not_draw_the_count_down():
    with_doubt = np.zeros(53)
    with_doubt[[0, 30, 31, 32]] = 0.5, 0.125, 0.25, 0.125
    count = count_of(with_doubt)
    assert count is not None
    assert (count.median, count.low, count.high, count.cards) == (31.0, 30, 32, 31)


def test_a_whole_deck_is_not_drawn_down_by_the_end_of_the_scale():
    logistic = 1 / (1 + np.exp((51.7 - np.arange(1, 52) - 0.5) / 2))
    weights = np.diff(logistic, prepend=0, append=1)  # 52 cards or more lie on 52
    count = count_of(np.append(0, weights))
    assert count is not None
    assert count.median == pytest.approx(51.7, abs=0.3)
    assert count.cards == 52
