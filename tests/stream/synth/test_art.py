import struct
import sys

import cv2
import numpy as np
import pytest

from stream.synth import Renderer, SceneConfig
from stream.synth.art import CARD_SIDE_PX, Art, Texture


@pytest.fixture(scope="module")
def drawn():
    return Art.procedural(np.random.default_rng(1), each=6)


def test_drawn_pictures_are_of_all_kinds_and_differ(drawn):
    for pictures in (drawn.backs, drawn.faces, drawn.backgrounds):
        assert len(pictures) == 6
        assert len({picture.tobytes() for picture in pictures}) == 6
        assert all(p.ndim == 3 and p.shape[2] == 3 and p.dtype == np.uint8 for p in pictures)
    assert all(p.shape[0] / p.shape[1] == pytest.approx(88 / 63, rel=0.01) for p in drawn.backs)
    assert all(p.std() > 5 for p in drawn.backs)


def test_drawn_pictures_follow_from_the_seed(drawn):
    again = Art.procedural(np.random.default_rng(1), each=6)
    np.testing.assert_array_equal(again.backs[3], drawn.backs[3])
    np.testing.assert_array_equal(again.backgrounds[5], drawn.backgrounds[5])


def test_tables_tile(drawn):
    for picture in drawn.backgrounds:
        grey = picture.astype(float).mean(axis=2)
        seam = np.abs(grey[:, 0] - grey[:, -1]).mean()
        inside = np.abs(np.diff(grey, axis=1)).mean(axis=0)
        assert seam <= inside.max() + 3


def test_folders_give_pictures_brought_down_in_size(tmp_path):
    large = np.random.default_rng(0).integers(0, 255, (1400, 1000, 4)).astype(np.uint8)
    (tmp_path / "deck").mkdir()
    cv2.imwrite(str(tmp_path / "deck" / "b.png"), large)
    cv2.imwrite(str(tmp_path / "a.jpg"), large[:50, :40, :3])
    cv2.imwrite(str(tmp_path / "c.png"), large[:50, :40, 0])
    (tmp_path / "notes.txt").write_text("no picture")
    art = Art.from_folders(backs=tmp_path)
    assert [p.shape[:2] for p in art.backs] == [
        (50, 40),
        (50, 40),
        (CARD_SIDE_PX, round(1000 * CARD_SIDE_PX / 1400)),
    ]
    assert [p.shape[2] for p in art.backs] == [3, 3, 4]
    assert len(art.faces) > 1  # those that are drawn
    assert len((art + art).backs) == 6


def test_folders_without_pictures_are_named(tmp_path):
    with pytest.raises(OSError, match="no picture"):
        Art.from_folders(faces=tmp_path)
    with pytest.raises(OSError, match="folder"):
        Art.from_folders(faces=tmp_path / "none")
    (tmp_path / "broken.png").write_bytes(b"not a picture")
    with pytest.raises(OSError, match=r"broken\.png"):
        Art.from_folders(faces=tmp_path)
    cv2.imwrite(str(tmp_path / "broken.png"), np.full((8, 8, 4), 100, np.uint8))
    with pytest.raises(OSError, match=r"broken\.png is transparent everywhere"):
        Art.from_folders(hands=tmp_path)
    with pytest.raises(ValueError, match="backs"):
        Art([], [], [])


@pytest.mark.skipif(sys.platform != "linux", reason="names are UTF-8 elsewhere")
def test_a_picture_whose_name_is_not_utf_8_is_read(tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), np.full((4, 4, 3), 90, np.uint8))
    (tmp_path / "a.png").rename(tmp_path / "K\udce4rtchen.png")
    assert Art.from_folders(backs=tmp_path).backs[0].mean() == 90


def test_sixteen_bits_are_as_bright_as_eight(tmp_path):
    eight = np.random.default_rng(0).integers(60, 120, (30, 20, 4)).astype(np.uint8)
    eight[..., 3] = 255
    cv2.imwrite(str(tmp_path / "a.png"), eight)
    cv2.imwrite(str(tmp_path / "b.png"), eight.astype(np.uint16) * 257)
    cv2.imwrite(str(tmp_path / "c.png"), np.full((30, 20, 4), 65535, np.uint16))
    one, other, white = Art.from_folders(backs=tmp_path).backs
    np.testing.assert_array_equal(one, other)
    assert white.min() == 255


def test_a_photograph_stands_as_its_camera_was_held(tmp_path):
    _, lying = cv2.imencode(".jpg", np.zeros((63, 88, 3), np.uint8))
    turn = struct.pack("<HIHHHIHHI", 42, 8, 1, 0x0112, 3, 1, 6, 0, 0)  # TIFF: turn it clockwise
    exif = b"Exif\0\0II" + turn
    length = (len(exif) + 2).to_bytes(2, "big")
    whole = lying.tobytes()
    (tmp_path / "back.jpg").write_bytes(whole[:2] + b"\xff\xe1" + length + exif + whole[2:])
    assert Art.from_folders(backs=tmp_path).backs[0].shape == (88, 63, 3)


@pytest.mark.parametrize(
    ("shape", "says"),
    [
        ((40, 1, 4), r"one\.png is 1x40 px"),
        ((40, 30, 3), r"one\.png has no transparency"),
    ],
)
def test_what_is_no_hand_is_named(tmp_path, shape, says):
    cv2.imwrite(str(tmp_path / "one.png"), np.full(shape, 200, np.uint8))
    with pytest.raises(OSError, match=says):
        Art.from_folders(hands=tmp_path)


def test_a_narrow_picture_is_brought_down_to_what_can_be_drawn(tmp_path):
    cv2.imwrite(str(tmp_path / "long.png"), np.full((9000, 4, 3), 90, np.uint8))
    art = Art.from_folders(backs=tmp_path)
    assert art.backs[0].shape == (CARD_SIDE_PX, 2, 3)
    Renderer(SceneConfig(), art).sample(np.random.default_rng(0), (48, 48))


def test_what_is_transparent_becomes_paper_and_levels_halve():
    card = np.zeros((88, 64, 4), dtype=np.uint8)
    card[..., 3] = 255
    card[:10, :10, 3] = 0
    texture = Texture.of(card)
    assert texture.levels[0][0, 0].min() > 200
    assert texture.levels[0][40, 40].max() == 0
    assert [level.shape[:2] for level in texture.levels] == [(88, 64), (44, 32), (22, 16), (11, 8)]
    assert texture.at(1.0) is texture.levels[0]
    assert texture.at(0.2) is texture.levels[0]
    assert texture.at(4.0) is texture.levels[2]
    assert texture.at(1000.0) is texture.levels[-1]


def test_hands_are_cut_outs_and_files_can_be_left_out(tmp_path):
    for i, name in enumerate(("a", "b", "c")):
        cv2.imwrite(str(tmp_path / f"{name}.png"), np.full((20, 10 + i, 4), 200, np.uint8))
    art = Art.from_folders(hands=tmp_path, keep=lambda path: path.stem != "b")
    assert [p.shape for p in art.hands] == [(20, 10, 4), (20, 12, 4)]
    rest = Art.from_folders(hands=tmp_path, keep=lambda path: path.stem == "b")
    assert [p.shape for p in (art + rest).hands] == [(20, 10, 4), (20, 12, 4), (20, 11, 4)]
    with pytest.raises(OSError, match=r"none of the pictures .*\(3\) .* add some"):
        Art.from_folders(hands=tmp_path, keep=lambda _: False)
    with pytest.raises(ValueError, match="cut-out"):
        Art(art.backs, art.faces, art.backgrounds, [np.zeros((4, 4, 3), np.uint8)])


def test_without_a_folder_there_are_no_hands():
    assert not Art.from_folders().hands
