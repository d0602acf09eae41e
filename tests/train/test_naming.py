"""A packet that lies level is held to the name the network gave it, any other to its own."""

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from stream.packet import FLIP, TURN  # noqa: E402
from train import naming, targets  # noqa: E402
from train.config import Config  # noqa: E402
from train.example import Example  # noqa: E402
from train.heatmaps import Outputs  # noqa: E402
from train.material import packet_spec  # noqa: E402
from train.models import heatmap  # noqa: E402

SPEC = packet_spec(Config(input_size=64))
NAN = float("nan")
UNTURNED = list(range(8))


def corners(roll_deg):
    """A flat packet round (32, 32) whose upper side points up, turned clockwise by so much."""
    xs, ys = [-8, 8] * 4, [-16, -16, -13, -13, 13, 13, 16, 16]
    c, s = np.cos(np.radians(roll_deg)), np.sin(np.radians(roll_deg))
    rolled = 32 + np.column_stack([xs, ys]) @ np.array([[c, s], [-s, c]])
    return torch.tensor(rolled, dtype=torch.float32)


def batch(xy):
    n = len(xy)
    return Example(
        torch.zeros(n, 3, 64, 64, dtype=torch.uint8),
        xy[:, None],
        torch.ones(n, 8),
        torch.tensor([[1.0, 1.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0]]).repeat(n, 1),
        torch.full((n, 1, 4), NAN),
        torch.full((n, 1), NAN),
        torch.full((n,), 20),
        torch.ones(n),
    )


def said(xy):
    return targets.gaussians(xy[:, None], SPEC)


@pytest.mark.parametrize("order", [UNTURNED, list(TURN)], ids=["as given", "turned"])
def test_a_level_packet_is_named_as_the_network_names_it(order):
    xy = corners(88)[None]
    one = batch(xy)
    one.known[0, 3] = 0
    got = naming.settled(one, said(xy[:, order]), targets.gaussians, SPEC)
    assert torch.equal(got.xy[:, 0], xy[:, order])
    assert torch.equal(got.visible, one.visible[:, order])
    assert torch.equal(got.known, one.known[:, order])


def test_a_packet_that_stands_keeps_its_name_whatever_is_said():
    one = batch(corners(60)[None])
    got = naming.settled(one, said(one.xy[:, 0][:, list(TURN)]), targets.gaussians, SPEC)
    assert torch.equal(got.xy, one.xy)


def test_each_packet_of_a_batch_is_settled_for_itself():
    xy = torch.stack([corners(90), corners(10), corners(-86)])
    heights = said(xy)
    heights[2] = said(xy[2:, list(TURN)])[0]
    got = naming.settled(batch(xy), heights, targets.gaussians, SPEC).xy[:, 0]
    assert torch.equal(got[0], xy[0])
    assert torch.equal(got[1], xy[1])
    assert torch.equal(got[2], xy[2, list(TURN)])


def test_where_nothing_is_said_yet_the_given_name_stays():
    one = batch(corners(90)[None])
    got = naming.settled(one, torch.zeros(1, 8, 16, 16), targets.gaussians, SPEC)
    assert torch.equal(got.xy, one.xy)


def test_the_batch_that_was_given_is_not_written_to():
    xy = corners(90)[None]
    one = batch(xy.clone())
    naming.settled(one, said(xy[:, list(TURN)]), targets.gaussians, SPEC)
    assert torch.equal(one.xy[:, 0], xy)


def test_other_keypoints_than_a_packets_are_left_alone():
    spec = replace(SPEC, keypoints=tuple("abcdefgh"))
    one = batch(corners(90)[None])
    assert naming.settled(one, said(one.xy[:, 0]), targets.gaussians, spec) is one


@given(roll=st.floats(-180, 180), scale=st.floats(0.2, 3), mirror=st.booleans())
def test_level_is_a_matter_of_the_angle_alone(roll, scale, mirror):
    xy = (corners(roll) - 32) * scale + torch.tensor([7.0, -5.0])
    if mirror:
        xy = (xy * torch.tensor([-1.0, 1.0]))[list(FLIP)]
    sine = abs(np.cos(np.radians(roll)))
    if abs(sine - naming.LEVEL) > 1e-3:
        assert bool(naming.level(xy[None])[0]) == (sine < naming.LEVEL)
        assert bool(naming.level(xy[None, list(TURN)])[0]) == (sine < naming.LEVEL)


def test_corners_that_are_not_there_have_no_say_in_what_is_level():
    xy = corners(90)
    xy[4] = NAN
    xy[1] = NAN
    assert naming.level(xy[None])[0]
    xy[[2, 3]] = NAN  # and now no long edge has both ends
    assert not naming.level(xy[None])[0]
    assert not naming.level(torch.full((1, 8, 2), NAN))[0]


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 1000))
def test_a_level_packet_costs_the_same_under_either_name(seed):
    torch.manual_seed(seed)
    model = heatmap.build(SPEC, "tf_efficientnet_lite0", 3, width=8, centre_weight=1.0)
    xy = corners(91)[None]
    out = Outputs(said(xy) + 0.2 * torch.rand(1, 8, 16, 16), torch.randn(1, 8))
    one = batch(xy)
    turned = one._replace(xy=one.xy[:, :, list(TURN)], visible=one.visible[:, list(TURN)])
    for name, value in model.loss(out, one).items():
        assert value == pytest.approx(model.loss(out, turned)[name].item()), name


def test_of_several_packets_in_a_picture_none_is_turned():
    xy = corners(88)[None]
    one = batch(xy)
    two = one._replace(xy=torch.cat([one.xy, one.xy + 3], dim=1))
    absent = one._replace(xy=torch.cat([one.xy, torch.full_like(one.xy, NAN)], dim=1))
    heights = said(xy[:, list(TURN)])
    assert torch.equal(naming.settled(two, heights, targets.gaussians, SPEC).xy, two.xy)
    turned = naming.settled(absent, heights, targets.gaussians, SPEC)
    assert torch.equal(turned.xy[:, 0], xy[:, list(TURN)])
