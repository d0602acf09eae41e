import math
from fractions import Fraction

import numpy as np
import pytest

from train.doubt import of_mean, of_quantile, of_share, wilson


def test_wilson_is_where_the_normal_test_begins_to_reject():
    z = 1.959964
    for k, n in ((0, 10), (3, 10), (10, 10), (140, 158)):
        p = k / n
        low, high = wilson(p, n)
        for end in (low, high):
            if 1e-9 < end < 1 - 1e-9:
                assert abs(p - end) / math.sqrt(end * (1 - end) / n) == pytest.approx(z)
        assert low - 1e-12 <= p <= high + 1e-12
    assert wilson(0.0, 300)[1] == pytest.approx(0.01264, abs=1e-4)


def test_pictures_of_their_own_are_binomial():
    hits = [True] * 90 + [False] * 10
    got = of_share(hits, [str(i) for i in range(100)])
    assert (got.value, got.n, got.clips, got.share) == (0.9, 100, 100, True)
    assert (got.low, got.high) == wilson(0.9, 100)


def test_frames_that_say_the_same_count_once():
    hits = [True] * 18 + [False] * 2
    alone = of_share(hits, [str(i) for i in range(20)])
    repeated = of_share(np.repeat(hits, 60), [str(i) for i in range(20) for _ in range(60)])
    assert repeated.n == 1200
    assert repeated.low == pytest.approx(alone.low, abs=0.01)
    assert repeated.high == pytest.approx(alone.high, abs=0.01)


def test_frames_that_differ_as_much_within_a_clip_count_all():
    rng = np.random.default_rng(0)
    hits = rng.random(4000) < 0.8
    got = of_share(hits, [str(i % 200) for i in range(4000)])
    low, high = wilson(got.value, 4000)
    assert got.high - got.low == pytest.approx(high - low, rel=0.25)


def test_no_hit_in_a_few_clips_says_little():
    got = of_share([False] * 720, [str(i // 60) for i in range(720)])
    assert got.value == 0
    assert got.high == pytest.approx(wilson(0.0, 12)[1])


def test_a_mean_is_doubted_by_the_clip():
    rng = np.random.default_rng(1)
    of_clip = rng.normal(2, 1, 40)
    values = np.repeat(of_clip, 50) + rng.normal(0, 0.1, 2000)
    got = of_mean(values, [str(i // 50) for i in range(2000)])
    assert got.value == pytest.approx(float(np.mean(values)))
    assert (got.n, got.clips) == (2000, 40)
    spread = 1.96 * of_clip.std() / math.sqrt(40)
    assert got.high - got.low == pytest.approx(2 * spread, rel=0.1)


def test_clips_weigh_by_their_frames():
    values = [1.0] * 1 + [4.0] * 3 + [2.0] * 2
    clips = ["a"] + ["b"] * 3 + ["c"] * 2
    got = of_mean(values, clips)
    assert got.value == pytest.approx(float(Fraction(17, 6)))
    rng = np.random.default_rng(5)
    groups = [[1.0], [4.0] * 3, [2.0] * 2]
    means = [
        np.mean(np.concatenate([groups[i] for i in rng.integers(0, 3, 3)])) for _ in range(4000)
    ]
    want = np.quantile(means, [0.025, 0.975])
    np.testing.assert_allclose([got.low, got.high], want, atol=0.05)


def test_the_interval_holds_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(2)
    held = 0
    for _ in range(200):
        clips = [str(i // 10) for i in range(300)]
        values = np.repeat(rng.normal(0, 1, 30), 10) + rng.normal(0, 1, 300)
        got = of_mean(values, clips)
        held += got.low <= 0 <= got.high
    assert held / 200 == pytest.approx(0.93, abs=0.05)


def test_one_clip_says_nothing_of_others():
    got = of_mean([1.0, 2.0], ["a", "a"])
    assert got.value == 1.5
    assert math.isnan(got.low)
    assert math.isnan(got.high)


def test_a_quantile_of_what_was_not_found_is_infinite():
    values = [1.0, 2.0, math.inf, math.inf]
    assert of_quantile(values, list("abcd"), 0.5).value == 2.0
    assert of_quantile(values, list("abcd"), 0.95).value == math.inf


def test_nothing_is_nan_with_no_items():
    for got in (of_share([], []), of_mean([], []), of_quantile([], [], 0.5)):
        assert math.isnan(got.value)
        assert (got.n, got.clips) == (0, 0)


def test_a_value_without_a_clip_is_refused():
    with pytest.raises(ValueError, match="each value needs its clip, got 2 and 1"):
        of_mean([1.0, 2.0], ["a"])
