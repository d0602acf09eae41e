import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from stream.combine import pooled

COUNTS = np.arange(53)

distributions = arrays(np.float64, 53, elements=st.floats(1e-3, 1.0))


def gaussian(mean, sd):
    p = np.exp(-np.square(COUNTS - mean) / (2 * sd * sd))
    p[0] = 0.0
    return p / p.sum()


def moments(p):
    mean = float(p @ COUNTS)
    return mean, float(np.sqrt(p @ np.square(COUNTS - mean)))


def test_two_gaussians_meet_where_their_precisions_say():
    mean, sd = moments(pooled([(gaussian(20, 2.0), 1.0), (gaussian(26, 4.0), 1.0)]))
    assert mean == pytest.approx((20 / 4 + 26 / 16) / (1 / 4 + 1 / 16), abs=0.01)
    assert sd == pytest.approx((1 / 4 + 1 / 16) ** -0.5, abs=0.02)


def test_opinions_that_err_together_make_nobody_surer():
    same = gaussian(30, 3.0)
    assert pooled([(same, 0.5), (same, 0.5)]) == pytest.approx(same, abs=1e-4)


def test_nobody_rules_a_count_out_alone():
    stubborn = np.zeros(53)
    stubborn[10] = 1.0
    assert pooled([(stubborn, 0.5), (gaussian(30, 1.0), 1.0)]).argmax() == 30


def test_what_all_rule_out_stays_out():
    a, b = gaussian(20, 5.0), gaussian(25, 5.0)
    a[40:], b[40:] = 0.0, 0.0
    assert not pooled([(a, 0.5), (b, 0.5)])[40:].any()


@given(distributions, distributions, st.floats(0.1, 2.0))
def test_it_is_a_distribution_over_packets_and_the_order_does_not_matter(a, b, weight):
    one = pooled([(a, 1.0), (b, weight)])
    assert one.sum() == pytest.approx(1.0)
    assert one[0] == 0.0
    assert np.allclose(one, pooled([(5 * b, weight), (a / 3, 1.0)]))  # normalised or not


@given(distributions | arrays(np.float64, 53, elements=st.sampled_from([0.0, 1.0])), distributions)
def test_what_has_no_weight_says_nothing(a, b):
    assert np.allclose(pooled([(a, 1.0), (b, 0.0)]), pooled([(a, 1.0)]))


def test_an_opinion_without_a_packet_leaves_the_others():
    nothing = np.zeros(53)
    nothing[0] = 1.0
    assert np.allclose(
        pooled([(nothing, 1.0), (gaussian(7, 2.0), 1.0)]), gaussian(7, 2.0), atol=1e-4
    )
    assert pooled([(nothing, 1.0)]) == pytest.approx([0.0] + [1 / 52] * 52)


@pytest.mark.parametrize("opinions", [[], [(np.ones(53), 1.0), (np.ones(40), 1.0)]])
def test_opinions_that_do_not_fit_are_refused(opinions):
    with pytest.raises(ValueError, match="opinion"):
        pooled(opinions)
