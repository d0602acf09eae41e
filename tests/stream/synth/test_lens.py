import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from stream.synth.lens import PINHOLE, Lens, _maps

HW = (120, 200)
lenses = st.builds(
    Lens,
    k=st.floats(-0.2, 1.0),
    centre=st.tuples(st.floats(0, 1), st.floats(0, 1)),
    skew=st.tuples(st.floats(-0.06, 0.06), st.floats(-0.06, 0.06)),
)
points = st.lists(st.tuples(st.floats(0, 199), st.floats(0, 119)), min_size=1).map(np.array)


@given(lenses, points)
def test_what_a_pixel_shows_is_shown_at_that_pixel(lens, shown):
    np.testing.assert_allclose(lens.shown(lens.source(shown, HW), HW), shown, atol=1e-6)


@example(Lens(-2e-313), np.array([0.0, 0.0]))
@given(lenses, st.tuples(st.floats(-900, 900), st.floats(-900, 900)).map(np.array))
def test_what_is_far_outside_stays_outside(lens, far):
    if np.abs(far - np.array([100, 60])).max() < 400:
        far = far + 1000
    x, y = lens.shown(far[None], HW)[0]
    assert not (0 <= x < 200 and 0 <= y < 120)


@pytest.mark.parametrize(
    "lens", [Lens(0.3), Lens(-0.1, (0.2, 0.9)), Lens(0.1, skew=(0.05, -0.04)), PINHOLE]
)
def test_a_dot_moves_to_where_the_truth_moves(lens):
    for x, y in ((60, 40), (150, 90), (100, 60)):
        image = np.zeros((*HW, 3), np.uint8)
        image[y - 2 : y + 3, x - 2 : x + 3] = 255
        bent = lens.bend(image)[..., 0].astype(float)
        rows, columns = np.indices(HW)
        found = [(bent * columns).sum() / bent.sum(), (bent * rows).sum() / bent.sum()]
        wanted = lens.shown(np.array([[x, y]], dtype=float), HW)[0]
        np.testing.assert_allclose(found, wanted, atol=0.15)


@given(lenses)
def test_every_pixel_shows_what_its_source_says(lens):
    grid = np.stack(np.meshgrid(np.arange(200.0), np.arange(120.0)), axis=2)
    found = np.stack(_maps(lens, HW), axis=2)
    np.testing.assert_allclose(found, lens.source(grid, HW), atol=1e-3)


def test_a_wide_lens_shows_nothing_from_beyond_the_picture():
    grid = np.stack(np.meshgrid(np.arange(200.0), np.arange(120.0)), axis=2)
    for k in (-0.2, 0.4):
        source = Lens(k, (0.1, 0.8)).source(grid, HW)
        assert source.min() > -0.6
        assert (source.max(axis=(0, 1)) < (199.6, 119.6)).all()
