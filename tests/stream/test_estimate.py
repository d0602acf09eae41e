"""Frames become results, alone or as a film, with the dots that the fake engine sees."""

from dataclasses import replace

import numpy as np
import pytest
from dotted import CORNERS, SPEC, Watched, at, film, states

from engines.fake import FakeEngine
from stream.decks import DECKS
from stream.estimate import estimate
from stream.packet import TURN


def test_a_still_packet_is_found_counted_and_locked():
    results = list(estimate(film([CORNERS] * 20), Watched()))
    assert len(results) == 20
    assert [result.frame.index for result in results] == list(range(20))
    assert states(results) == ["settling"] * 15 + ["locked"] * 5
    counts = [(r.count.cards, r.count.low, r.count.high) for r in results if r.count]
    assert counts[0] == (26, 25, 27)
    assert [cards for cards, _, _ in counts] == [26] * 20
    assert all(low <= 26 <= high <= low + 2 for _, low, high in counts)
    for result in results:
        assert result.packet is not None
        assert np.abs(result.packet.xy - CORNERS).max() < 0.5
        assert (result.packet.score > 0.8).all()
        assert result.packet.visible.all()
        assert result.score > 0.99


def test_a_moving_packet_is_followed_with_one_look_a_frame():
    engine = Watched()
    path = [at(40 + 4 * i, 110 - 2 * i) for i in range(20)]
    results = list(estimate(film(path), engine))
    assert engine.calls == 2 + 19  # the whole frame and the crop, then crops alone
    for result, xy in zip(results, path, strict=True):
        assert result.packet is not None
        assert np.abs(result.packet.xy - xy).max() < 1.0  # of 4.5 px a frame


def test_a_packet_that_jumps_is_found_again_in_the_same_frame():
    engine = Watched()
    results = list(estimate(film([at(20, 30)] * 2 + [at(230, 130)]), engine))
    assert engine.calls == 2 + 1 + 3
    assert results[2].packet is not None
    assert np.abs(results[2].packet.xy - at(230, 130)).max() < 0.5


def test_a_packet_that_stands_half_outside_of_its_crop_is_looked_at_again():
    engine = Watched()
    results = list(estimate(film([at(140, 90), at(140, 90), at(90, 90)]), engine))
    assert engine.calls == 2 + 1 + 2
    assert results[2].packet is not None
    assert np.abs(results[2].packet.xy - at(90, 90)).max() < 1.5  # dots have no edges to hold to


def test_no_packet_is_said_and_nothing_with_it():
    engine = Watched()
    results = list(estimate(film([None] * 3), engine))
    assert states(results) == ["no_packet"] * 3
    assert engine.calls == 3
    for result in results:
        assert result.packet is None
        assert result.count is None
        assert result.score == 0


def test_a_lost_packet_is_not_looked_for_where_it_was():
    engine = Watched()
    list(estimate(film([CORNERS, None, None]), engine))
    assert engine.calls == 2 + 2 + 1


def test_after_a_loss_the_count_settles_anew():
    results = list(estimate(film([CORNERS] * 20 + [None] * 10 + [CORNERS] * 5), Watched()))
    assert states(results[19:]) == ["locked"] + ["no_packet"] * 11 + ["settling"] * 4


@pytest.mark.parametrize(("cards", "said"), [(52, 26), (26, 26), (25, 25), (20, 20), (1, 1)])
def test_no_count_is_above_the_deck_and_the_packet_is_as_sure_as_without(cards, said):
    def last(deck):
        *_, result = estimate(film([CORNERS] * 3), Watched(packet=0.99), stills=True, deck=deck)
        return result

    free, held = last(None), last(replace(DECKS["poker"], cards=cards))
    assert held.count.cards == said
    assert held.count.high <= cards
    assert held.score == pytest.approx(free.score)


def test_a_camera_without_media_time_is_timed_by_its_clock():
    frames = [
        replace(frame, captured_s=i / 30, pts_s=None)
        for i, frame in enumerate(film([CORNERS] * 18))
    ]
    assert states(estimate(frames, Watched())) == ["settling"] * 15 + ["locked"] * 3


def test_stills_are_judged_alone_and_locked_at_once():
    engine = Watched()
    path = [CORNERS, None, at(60, 120)]
    results = list(estimate(film(path), engine, stills=True))
    assert states(results) == ["locked", "no_packet", "locked"]
    alone = [next(estimate([frame], Watched(), stills=True)) for frame in film(path)]
    for result, same in zip(results, alone, strict=True):
        assert result.count == same.count
        assert (result.packet is None) == (same.packet is None)
        if result.packet is not None and same.packet is not None:
            assert np.array_equal(result.packet.xy, same.packet.xy)


@pytest.mark.parametrize("stills", [True, False])
def test_the_upper_side_is_the_one_that_stands_higher_whatever_the_network_calls_it(stills):
    (result,) = estimate(film([CORNERS[list(TURN)]]), Watched(), stills=stills)
    assert result.packet is not None
    assert np.abs(result.packet.xy - CORNERS).max() < 1.0  # dots have no edges to hold to


def test_corners_keep_their_names_when_a_packet_turns_over_on_its_way():
    middle, path = CORNERS.mean(axis=0), []
    for turn in np.radians(np.arange(0, 190, 10)):
        c, s = np.cos(turn), np.sin(turn)
        path.append(middle + (CORNERS - middle) @ np.array([[c, s], [-s, c]]))
    *_, result = estimate(film(path), Watched())
    assert result.packet is not None
    assert np.abs(result.packet.xy - path[-1]).max() < 3.0  # of 10° a frame


@pytest.mark.parametrize(("stills", "looks"), [(True, 3), (False, 2)])
def test_a_still_whose_crop_does_not_fit_gets_one_more_look(stills, looks):
    engine = Watched(up=14)  # the whole frame's answer is so far off that half the crop misses
    next(estimate(film([at(140, 130)]), engine, stills=stills))
    assert engine.calls == looks


@pytest.mark.parametrize(("height", "told"), [(0.03, False), (0.2, True)])
def test_a_doubtful_corner_is_told_if_at_all_and_does_not_move_the_crop(height, told):
    hidden = CORNERS.copy()
    hidden[2] = np.nan
    certain, doubtful = Watched(), Watched(ghost=height)
    next(estimate(film([hidden]), certain))
    result = next(estimate(film([hidden]), doubtful))
    assert np.array_equal(certain.picture, doubtful.picture)
    assert result.packet is not None
    assert np.isfinite(result.packet.xy[2]).all() == told
    assert result.packet.score[2] == pytest.approx(height)


def test_hidden_corners_are_absent_and_not_visible():
    xy = CORNERS.copy()
    xy[[2, 5]] = np.nan
    result = next(estimate(film([xy]), Watched()))
    assert result.packet is not None
    assert np.isnan(result.packet.xy[[2, 5]]).all()
    assert np.flatnonzero(~result.packet.visible).tolist() == [2, 5]
    assert np.nanmax(np.abs(result.packet.xy - xy)) < 0.5


def test_a_corner_beyond_the_picture_is_not_visible():
    engine = Watched(up=4)  # all corners where the heatmaps are moved to, some of them outside
    result = next(estimate(film([at(140, 25)]), engine))
    assert result.packet is not None
    inside = result.packet.xy[:, 1] >= -0.5
    assert 0 < inside.sum() < 8
    assert result.packet.visible.tolist() == inside.tolist()


def test_a_model_that_only_has_heatmaps_goes_by_their_peaks():
    engine = Watched(replace(SPEC, max_cards=None), heads=False)
    results = list(estimate(film([CORNERS, None]), engine))
    assert states(results) == ["locked", "no_packet"]
    assert results[0].packet is not None
    assert results[0].packet.visible.all()
    assert results[0].count is None
    assert results[0].score > 0.8


def test_results_stay_as_they_were_when_the_engine_answers_anew():
    results = []
    kept = []
    for result in estimate(film([at(140 + 3 * i, 90) for i in range(4)]), Watched()):
        assert result.packet is not None
        results.append(result.packet)
        kept.append((result.packet.xy.copy(), result.packet.score.copy()))
    for packet, (xy, score) in zip(results, kept, strict=True):
        assert np.array_equal(packet.xy, xy)
        assert np.array_equal(packet.score, score)


def test_the_time_of_every_stage_is_told():
    delayed = FakeEngine(SPEC, delay_s=0.005)
    first, second = estimate(film([CORNERS] * 2), delayed)
    for result, looks in ((first, 2), (second, 1)):
        assert list(result.stages_s) == ["prepare", "engine", "decode", "track", "count"]
        assert all(seconds > 0 for seconds in result.stages_s.values())
        assert result.stages_s["engine"] >= 0.005 * looks
    assert first.stages_s is not second.stages_s


def test_frames_are_taken_one_at_a_time_and_left_as_they_were():
    taken = []

    def frames():
        for frame in film([CORNERS] * 3):
            taken.append(frame.index)
            frame.image.flags.writeable = False
            yield frame

    results = estimate(frames(), Watched())
    assert taken == []
    next(results)
    assert taken == [0]
    results.close()


def test_what_the_source_raises_comes_through():
    def frames():
        yield from film([CORNERS])
        raise OSError("the cable is out")

    results = estimate(frames(), Watched())
    assert next(results).state == "settling"
    with pytest.raises(OSError, match="the cable is out"):
        next(results)
