import numpy as np
import pytest

from train.sheet import sheet, with_truth


def flat(value, hw=(60, 80)):
    return np.full((*hw, 3), value, np.uint8)


def test_pictures_stand_side_by_side_in_order():
    out = sheet([(flat(50 * i), "") for i in range(1, 4)], columns=2, tile_hw=(60, 80))
    assert out.shape == (2 * 82, 2 * 80, 3)
    assert [out[30, 40, 0], out[30, 120, 0], out[112, 40, 0]] == [50, 100, 150]
    assert (out[82:, 80:] == 32).all()  # nothing stands where a fourth would


def test_a_picture_keeps_its_aspect():
    out = sheet([(flat(200, (40, 200)), "")], columns=1, tile_hw=(100, 100))
    bright = (out[:100] == 200).all(axis=2)
    assert bright.any(axis=1).sum() == 20
    assert bright.any(axis=0).sum() == 100


def test_the_caption_stands_below_the_picture():
    plain, named = (sheet([(flat(9), text)], columns=1, tile_hw=(60, 80)) for text in ("", "name"))
    np.testing.assert_array_equal(plain[:60], named[:60])
    assert (plain[60:] != named[60:]).any()


def test_no_picture_is_an_error():
    with pytest.raises(ValueError, match="at least one picture"):
        sheet([])


def test_the_truth_is_drawn_where_it_is_and_nowhere_else():
    image = flat(90, (100, 100))
    xy = np.array([[70.0, 20.0], [np.nan, np.nan]])
    out = with_truth(image, xy)
    assert (image == 90).all()
    rows, columns = np.nonzero((out != 90).any(axis=2))
    assert abs(rows.mean() - 20) < 0.6
    assert abs(columns.mean() - 70) < 0.6
    assert (out[20, 70] == 255).all()


def test_a_point_far_outside_is_left_out():
    np.testing.assert_array_equal(with_truth(flat(90), np.array([[1e3, -1e3]])), flat(90))
