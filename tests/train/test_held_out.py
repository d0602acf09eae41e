from pathlib import Path

import cv2
import numpy as np
import pytest

from train.datasets import empty, held_out
from train.datasets.held_out import is_held_out, may_train, original

SHARED = Path(__file__).parents[3] / "shared" / "data"


def test_crops_of_one_picture_stand_on_one_side():
    for name in ("table", "sea_view", "a_c", "rug_3"):
        ends = ("", "_c0", "_c12", "_full", "_tile")
        assert {original(Path(f"x/{name}{end}.jpg")) for end in ends} == {name}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("shifumi_rock_hand_20240312-143501", "shifumi_paper_hand_20240312-143559"),
        ("signdigits_Dataset_2_IMG_5310", "signdigits_Dataset_2_IMG_1120"),
        ("gnome_anglo-modern-4-color_back", "gnome_anglo_10_heart"),
        ("gnome_dondorf_back", "kde_dondorf_king_spade"),
        ("gnome_guyenne-classic_back", "kde_paris_back"),
        ("mate_Elephants_5640x3172_f14c_c3", "mate_Elephants_3840x2160_f38b_full"),
        ("ufo_tex_buildings_wall028", "ufo_tex_buildings_wall027"),
    ],
)
def test_what_looks_nearly_the_same_stands_on_one_side(one, other):
    assert original(Path(one + ".png")) == original(Path(other + ".png"))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("shifumi_rock_hand_20240312-143501", "shifumi_rock_hand_20240312-143601"),
        ("signdigits_Dataset_2_IMG_5310", "signdigits_Dataset_1_IMG_5310"),
        ("h11k_0000046", "h11k_0000084"),
        ("gnome_tango_back", "kde_oxygen_back"),
        ("gnome_wood_d_4226_c0", "gnome_wood_l_6549_c0"),  # a background, whose split must stay
    ],
)
def test_what_differs_is_split_by_its_own_name(one, other):
    assert original(Path(one + ".png")) != original(Path(other + ".png"))


def test_the_split_takes_about_the_share_it_says():
    held = [is_held_out(Path(f"picture{i}.png")) for i in range(2000)]
    assert np.mean(held) == pytest.approx(held_out.HELD_OUT, abs=0.04)


def test_the_split_stays_as_trained_models_know_it():
    held = {
        name
        for name in ("table", "sea_view", "gnome_wood_d_4226", "rug_3", "picture1", "picture5")
        if is_held_out(Path(f"{name}_c1.jpg"))
    }
    assert held == {"gnome_wood_d_4226", "picture1", "picture5"}


def test_every_file_is_on_one_side():
    for i in range(50):
        path = Path(f"p{i}.png")
        assert is_held_out(path) != may_train(path)


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
    with pytest.raises(FileNotFoundError, match=r"no picture .*\.jpg"):
        empty.paths(tmp_path, held_out=False)


def test_a_side_on_which_no_picture_stands_is_told(tmp_path):
    cv2.imwrite(str(tmp_path / "picture1.png"), np.zeros((4, 5, 3), np.uint8))  # held out, above
    assert len(empty.load(tmp_path, held_out=True)) == 1
    with pytest.raises(FileNotFoundError, match=r"none of the pictures .* is learnt from"):
        empty.load(tmp_path, held_out=False)


def test_what_is_broken_is_named_and_what_is_large_brought_down(tmp_path):
    for i in range(8):
        cv2.imwrite(str(tmp_path / f"p{i}.webp"), np.full((1200, 900, 3), 90, np.uint8))
    images = [one for side in (False, True) for one in empty.load(tmp_path, held_out=side)]
    assert [image.shape for image in images] == [(1024, 768, 3)] * 8
    for i in range(8):
        (tmp_path / f"p{i}.webp").write_bytes(b"no picture")
    with pytest.raises(ValueError, match=r"p\d\.webp is not a picture"):
        empty.load(tmp_path, held_out=False)


@pytest.mark.parametrize(
    ("folder", "least"),
    [("backgrounds", 153), ("cardart/backs", 8), ("cardart/faces", 60), ("hands", 20)],
)
def test_the_shared_pictures_fall_on_both_sides(folder, least):
    if not (SHARED / folder).is_dir():
        pytest.skip(f"needs ../shared/data/{folder}")
    files = [p for p in (SHARED / folder).rglob("*") if p.suffix in {".png", ".jpg"}]
    held = sum(map(is_held_out, files))
    assert least <= held <= 0.4 * len(files)
