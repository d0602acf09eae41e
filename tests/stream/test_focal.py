"""A stream of packets tells the focal length that one packet does not."""

import numpy as np
import pytest
from lying import HW, POKER, shown

from stream.cuboid import FOCAL_LOG_SD, KNOWN_FOCAL_LOG_SD, solve
from stream.focal import SHARE, SUREST_LOG_SD, FocalTracker, focal_from_35mm


def watch(tracker, focal_px, frames, rng):
    for _ in range(frames):
        xy, visible, _ = shown(
            focal_px=focal_px,
            distance_mm=rng.uniform(200, 350),
            azimuth_deg=rng.uniform(0, 360),
            elevation_deg=rng.uniform(25, 60),
        )
        xy = np.where(visible[:, None], xy + rng.normal(0, 0.5, (8, 2)), np.nan)
        known = {"focal_px": tracker.px, "focal_log_sd": tracker.log_sd}
        body = solve(xy, np.full(8, 0.5), HW, POKER, **known)
        assert body is not None
        tracker.take(body)


@pytest.mark.parametrize("focal_px", [420.0, 800.0])
def test_a_stream_finds_its_focal_length(focal_px):
    tracker = FocalTracker(HW)
    assert tracker.log_sd == FOCAL_LOG_SD
    watch(tracker, focal_px, 60, np.random.default_rng(5))
    assert tracker.px == pytest.approx(focal_px, rel=0.05)
    assert SUREST_LOG_SD <= tracker.log_sd < 0.1


def test_it_grows_surer_and_no_surer_than_it_may():
    tracker, rng = FocalTracker(HW), np.random.default_rng(6)
    doubts = []
    for _ in range(40):
        watch(tracker, 600.0, 10, rng)
        doubts.append(tracker.log_sd)
    assert doubts == sorted(doubts, reverse=True)
    assert doubts[-1] == SUREST_LOG_SD


def test_a_zoom_is_followed():
    tracker, rng = FocalTracker(HW), np.random.default_rng(7)
    watch(tracker, 500.0, 300, rng)
    watch(tracker, 650.0, 300, rng)
    assert tracker.px == pytest.approx(650, rel=0.06)


def test_a_known_focal_length_hardly_moves():
    tracker = FocalTracker(HW, 700.0)
    assert (tracker.px, tracker.log_sd) == (pytest.approx(700), KNOWN_FOCAL_LOG_SD)
    watch(tracker, 680.0, 3, np.random.default_rng(8))
    assert tracker.px == pytest.approx(700, rel=0.03)


def test_corners_that_fit_badly_teach_less():
    xy, _, _ = shown(focal_px=420.0)
    rng = np.random.default_rng(9)
    moved = []
    for sigma_px in (3.0, 0.3):  # the same corners, 3 px off; the second lot is said to be better
        tracker = FocalTracker(HW)
        body = solve(xy + rng.normal(0, 3, (8, 2)), np.full(8, sigma_px), HW, POKER)
        assert body is not None
        before = body.focal_log_sd**-2 - tracker.log_sd**-2
        tracker.take(body)
        moved.append((tracker.log_sd**-2 - FOCAL_LOG_SD**-2) / before)
    assert moved[1] < moved[0] / 4


def test_corners_that_fit_perfectly_teach_their_share_and_no_more():
    xy, _, _ = shown(focal_px=420.0)
    tracker = FocalTracker(HW)
    body = solve(xy, np.full(8, 0.5), HW, POKER)
    assert body is not None
    assert body.residual_sigma < 0.5
    own = body.focal_log_sd**-2 - tracker.log_sd**-2
    tracker.take(body)
    assert tracker.log_sd**-2 - FOCAL_LOG_SD**-2 == pytest.approx(SHARE * own)


def test_the_film_says_the_same_of_every_size():
    assert focal_from_35mm(43.267, (3000, 4000)) == pytest.approx(5000)
    assert focal_from_35mm(26, (1080, 1920)) == pytest.approx(1323.8, abs=0.5)
