from pathlib import Path

import cv2
import numpy as np
import pytest

from train.datasets import empty


def test_crops_of_one_picture_stand_on_one_side():
    for name in ("table", "sea_view", "a_c", "rug_3"):
        sides = {
            empty.is_held_out(Path(f"x/{name}{end}.jpg"))
            for end in ("", "_c0", "_c12", "_full", "_tile")
        }
        assert len(sides) == 1


def test_the_split_takes_about_the_share_it_says():
    held = [empty.is_held_out(Path(f"picture{i}.png")) for i in range(2000)]
    assert np.mean(held) == pytest.approx(empty.HELD_OUT, abs=0.04)


def test_both_sides_together_are_the_folder(tmp_path):
    for i in range(30):
        place = tmp_path / ("deep" if i % 2 else ".")
        place.mkdir(exist_ok=True)
        cv2.imwrite(str(place / f"p{i}.png"), np.full((4, 5, 3), i, np.uint8))
    train, held = (empty.paths(tmp_path, held_out=side) for side in (False, True))
    assert len({*train, *held}) == len(train) + len(held) == 30
    assert held
    images = empty.load(tmp_path, held_out=True)
    assert [image[0, 0, 0] for image in images] == [int(path.stem[1:]) for path in held]


def test_a_folder_without_pictures_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no \.jpg or \.png"):
        empty.paths(tmp_path, held_out=False)
