"""A film's corners keep their names, and have those that most of its frames give them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_steady import CORNERS

from engines.spec import ModelSpec
from stream.block import BACK, RIGHT, UPPER
from stream.naming import naming_of
from stream.packet import EDGES, EXCHANGED, FLIP, KEYPOINTS, MAX_CARDS, QUARTER, TURN

PACKET = ModelSpec("packet", KEYPOINTS, EDGES, FLIP, (256, 256), 4, 6.0, MAX_CARDS)
FACE = ModelSpec("face", ("eye", "nose", "mouth"), (), (0, 1, 2), (256, 256), 4, 6.0)
SURE = 0.5


def film(frames, naming=None, sure=(), fps=30.0):
    """Corners frame by frame as a network names them → as they are named over the film."""
    naming = naming or naming_of(PACKET)
    sure = sure or [SURE] * len(frames)
    named = [naming.update(xy, sure[i], i / fps) for i, xy in enumerate(frames)]
    return [xy[one.final] for xy, one in zip(frames, named, strict=True)], named


def test_the_ways_are_those_of_a_box():
    box = np.stack([RIGHT, UPPER, BACK], axis=1)
    assert (box[list(TURN)] == box * (-1, -1, 1)).all()
    assert (box[list(EXCHANGED)] == box * (1, 1, -1)).all()
    assert (box[list(QUARTER)] == np.stack([UPPER, -RIGHT, BACK], axis=1)).all()


@pytest.mark.parametrize("way", [QUARTER, EXCHANGED, tuple(np.array(QUARTER)[list(EXCHANGED)])])
def test_names_that_few_frames_give_are_put_right(way):
    frames = [CORNERS + (2 * i, i) for i in range(40)]
    wrong = {12, 13, 14, 15, 21, 30, 31}
    given_names = [xy[list(way)] if i in wrong else xy for i, xy in enumerate(frames)]
    found, named = film(given_names)
    assert np.array_equal(found, frames)
    assert {i for i, one in enumerate(named) if not one.agrees} == wrong


def test_names_that_were_wrong_from_the_start_are_given_up_once():
    frames = [CORNERS + (2 * i, i) for i in range(30)]
    given_names = [xy[list(QUARTER)] if i < 5 else xy for i, xy in enumerate(frames)]
    found, _ = film(given_names)
    right = [
        np.array_equal(a, b) or np.array_equal(a, b[list(TURN)])
        for a, b in zip(found, frames, strict=True)
    ]
    changed = right.index(True)
    assert 5 < changed < 15
    assert all(right[changed:])
    assert not any(right[:changed])


def test_votes_fade_so_that_names_are_those_of_late():
    given_names = [CORNERS] * 200 + [CORNERS[list(QUARTER)]] * 50
    _, named = film(given_names, fps=10.0)
    changed = [one.agrees for one in named].index(True, 200) - 200
    assert 15 < changed < 40
    assert all(one.agrees for one in named[200 + changed :])


def test_a_corner_that_parts_from_a_moving_packet_is_believed_in_time():
    naming, parted = naming_of(PACKET), CORNERS.copy()
    parted[3] += (0, -150)
    off = []
    for i in range(100):
        xy = (CORNERS if i < 10 else parted) + (8 * i, 3 * i)
        naming.update(xy, SURE, i / 30)
        off.append(np.linalg.norm(naming._track - xy, axis=1))
    assert np.delete(off, 3, axis=1).max() < 1e-9
    assert np.array(off)[10:40, 3] == pytest.approx(150 * np.exp(-np.arange(1, 31) / 30))
    assert off[-1][3] == 0  # once it is near, it is where it is found


def test_sure_frames_outvote_doubtful_ones():
    given_names = [CORNERS[list(QUARTER)] if i % 3 else CORNERS for i in range(30)]
    found, _ = film(given_names, sure=[0.2 if i % 3 else 0.9 for i in range(30)])
    assert np.array_equal(found, [CORNERS] * 30)


def test_all_frames_have_the_names_of_the_end():
    frames = np.array([CORNERS + (2 * i, i) for i in range(30)])
    given_names = frames.copy()
    given_names[:5] = frames[:5, list(QUARTER)]
    given_names[15] = frames[15, list(EXCHANGED)]
    orders = naming_of(PACKET).all_at_once(given_names, [SURE] * 30, [i / 30 for i in range(30)])
    found = np.array([xy[order] for xy, order in zip(given_names, orders, strict=True)])
    assert np.array_equal(found, frames) or np.array_equal(found, frames[:, list(TURN)])


def test_all_at_once_another_packet_has_names_of_its_own():
    second = CORNERS[list(QUARTER)]
    times = [i / 30 for i in range(10)] + [5 + i / 30 for i in range(10)]
    frames = np.array([CORNERS] * 10 + [second] * 10)
    orders = naming_of(PACKET).all_at_once(frames, [SURE] * 20, times)
    assert all(np.array_equal(order, np.arange(8)) for order in orders)
    assert naming_of(PACKET).all_at_once(np.empty((0, 8, 2)), [], []) == []


def test_a_frame_of_mixed_up_corners_changes_nothing():
    mixed = CORNERS[[5, 1, 7, 3, 4, 0, 2, 6]]
    frames = [mixed if i in (9, 10, 20) else CORNERS for i in range(30)]
    found, named = film(frames)
    assert all(np.array_equal(found[i], CORNERS) for i in range(30) if i not in (9, 10, 20))
    assert np.array_equal(named[-1].names, np.arange(8))


def test_corners_that_go_astray_one_by_one_do_not_take_the_track_along():
    astray = CORNERS.copy()
    frames = [CORNERS] * 10
    for corner in (4, 6, 5, 7, 2):
        astray = astray.copy()
        astray[corner] = CORNERS[list(QUARTER)][corner]
        frames.append(astray)
    frames += [CORNERS] * 10
    found, _ = film(frames)
    assert np.array_equal(found[15:], [CORNERS] * 10)


def test_back_and_face_of_few_cards_tremble_and_no_names_change():
    thin = CORNERS.copy()
    thin[[2, 3, 6, 7]] = thin[[0, 1, 4, 5]] + (0.3, -0.6)
    noise = np.random.default_rng(0).normal(0, 0.5, (60, 8, 2))
    _, named = film(list(thin + noise))
    assert all(np.array_equal(one.final, np.arange(8)) for one in named)


def test_a_packet_that_turns_keeps_its_names():
    given_names = [(CORNERS[list(TURN)] if i % 3 else CORNERS) + 4 * i for i in range(30)]
    found, named = film(given_names)
    assert np.array_equal(found, [CORNERS + 4 * i for i in range(30)])
    assert all(one.agrees for one in named)  # either name is right


@pytest.mark.parametrize("later_s", [-0.5, 0.6])
def test_a_packet_seen_anew_is_named_anew(later_s):
    naming, turned = naming_of(PACKET), CORNERS[list(TURN)]
    naming.update(CORNERS, SURE, 10.0)
    assert np.array_equal(turned[naming.update(turned, SURE, 10.0 + later_s).final], turned)


def test_a_packet_that_jumps_is_named_anew_within_half_a_second():
    naming = naming_of(PACKET)
    for i in range(30):
        naming.update(CORNERS, SURE, i / 30)
    other = 2.5 * CORNERS[:, ::-1] + 400  # larger, and across
    for i in range(30, 50):
        named = naming.update(other, SURE, i / 30)
    assert np.array_equal(named.final, np.arange(8))


def test_another_packet_elsewhere_has_names_of_its_own_from_its_first_frame():
    naming = naming_of(PACKET)
    for i in range(60):
        naming.update(CORNERS, SURE, i / 30)
    quarter = CORNERS[list(QUARTER)] + 2 * np.ptp(
        CORNERS, axis=0
    )  # where no cut was it is the same
    named = naming.update(quarter, SURE, 2.0)
    assert named.agrees
    assert np.array_equal(named.final, np.arange(8))
    both = [CORNERS] * 60 + [quarter] * 150
    orders = naming_of(PACKET).all_at_once(
        np.array(both), [SURE] * 210, (np.arange(210) / 30).tolist()
    )
    assert np.array_equal(orders, [np.arange(8)] * 210)


def test_names_go_by_the_corners_that_are_found():
    naming, half = naming_of(PACKET), CORNERS.copy()
    half[[0, 1, 4]] = np.nan
    naming.update(half, SURE, 0.0)
    named = naming.update(CORNERS[list(TURN)], SURE, 0.1)
    assert np.array_equal(CORNERS[list(TURN)][named.final], CORNERS)
    nowhere = np.full((8, 2), np.nan)
    assert np.array_equal(naming.update(nowhere, SURE, 0.2).names, np.arange(8))
    assert np.array_equal(naming.update(CORNERS, SURE, 0.3).final, np.arange(8))


@given(st.lists(st.integers(0, 7), min_size=1, max_size=40))
def test_the_track_stays_the_same_whatever_the_frames_call_it(calls):
    naming = naming_of(PACKET)
    turns, faces, quarters = list(TURN), list(EXCHANGED), list(QUARTER)
    first = None
    for i, call in enumerate(calls):
        xy = CORNERS + 3 * i
        for way, bit in ((turns, 1), (faces, 2), (quarters, 4)):
            xy = xy[way] if call & bit else xy
        named = naming.update(xy, SURE, i / 30)
        track = xy[named.order] - 3 * i
        first = track if first is None else first
        assert np.array_equal(track, first)
        assert np.array_equal(xy[named.final][named.track], xy[named.order])


def test_other_keypoints_have_one_name_each():
    naming, xy = naming_of(FACE), np.array([(0.0, 0.0), (10.0, 5.0), (4.0, 20.0)])
    for i, order in enumerate(([0, 1, 2], [1, 0, 2], [2, 1, 0])):
        named = naming.update(xy[order], SURE, i / 30)
        assert np.array_equal(named.final, np.arange(3))
        assert named.agrees
