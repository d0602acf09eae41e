"""A packet is there once enough speaks for it, and until enough has spoken against it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.presence import KEPT, Presence


def seen(evidence, fps=30.0):
    presence = Presence()
    return [presence.update(nats, i / fps) for i, nats in enumerate(evidence)]


def test_a_clear_packet_is_there_at_once_and_a_faint_one_after_a_while():
    assert seen([3.0, 3.0]) == [True, True]
    faint = seen([0.8] * 20)
    assert not faint[0]
    assert faint[-1]
    assert faint == sorted(faint)  # once there, it stays


def test_what_shows_up_now_and_then_is_no_packet():
    assert not any(seen([1.2, -3.0, -3.0] * 20))


def test_a_box_that_is_taken_for_a_packet_every_other_time_is_none():
    assert not any(seen([-4.0] + [1.5, -2.0] * 30))


def test_a_packet_that_is_there_need_not_be_as_clear():
    assert all(seen([3.0] * 10 + [-0.1] * 5))
    assert not any(seen([-0.1] * 40))


def test_a_moment_without_it_is_forgiven_and_is_shown_as_such():
    assert seen([3.0] * 10 + [-4.0] + [3.0]) == [True] * 10 + [False, True]


@pytest.mark.parametrize("fps", [10.0, 30.0, 60.0])
def test_it_is_let_go_within_a_third_of_a_second_at_any_rate(fps):
    there = round(2 * fps)
    presence = Presence()
    for i in range(there):
        presence.update(4.0, i / fps)
    for i in range(there, there + round(fps / 3)):
        presence.update(-4.0, i / fps)
    assert presence.needed == 0.0
    assert not presence.update(0.4, (there + round(fps / 3)) / fps)


@pytest.mark.parametrize("fps", [10.0, 30.0, 60.0])
def test_one_that_comes_is_there_within_a_fifth_of_a_second_at_any_rate(fps):
    nothing = round(fps)
    told = seen([-4.0] * nothing + [3.0] * nothing, fps)
    assert not any(told[:nothing])
    assert told.index(True) - nothing <= 0.2 * fps


@pytest.mark.parametrize("time_s", [-1.0, 0.9])
def test_elsewhere_in_time_it_has_to_be_found_anew(time_s):
    presence = Presence()
    assert presence.needed == 0.0
    assert presence.update(4.0, 0.0)
    assert presence.needed == KEPT
    assert not presence.update(0.5, time_s)
    assert presence.needed == 0.0


@given(st.lists(st.floats(-20, 20)), st.floats(0.01, 0.3))
def test_no_packet_comes_from_nothing(evidence, step_s):
    for i, there in enumerate(seen(evidence, 1 / step_s)):
        assert not (there and evidence[i] < KEPT)
        assert not there or max(evidence[: i + 1]) > 0
