import numpy as np
import pytest
from PIL import Image

from train import pictures


@pytest.fixture
def image():
    return np.random.default_rng(0).integers(0, 256, (10, 24, 3), np.uint8)


@pytest.mark.parametrize(
    ("ending", "turn"),
    [(".jpg", turn) for turn in range(1, 9)]
    + [(ending, 1) for ending in (".png", ".bmp", ".webp", ".tif")]
    + [(".tif", 6)],
)
def test_the_size_is_the_size_of_what_is_read(tmp_path, image, ending, turn):
    path = tmp_path / f"é{ending}"
    exif = Image.Exif()
    exif[0x0112] = turn
    Image.fromarray(image).save(path, exif=exif)
    assert pictures.read(path).shape[:2] == pictures.size_hw(path)


def test_pixels_are_bgr(tmp_path, image):
    Image.fromarray(image).save(tmp_path / "a.png")
    np.testing.assert_array_equal(pictures.read(tmp_path / "a.png"), image[..., ::-1])


@pytest.mark.parametrize("broken", [b"", b"not a picture", b"\x89PNG\r\n\x1a\n broken"])
@pytest.mark.parametrize("look", [pictures.read, pictures.size_hw])
def test_what_cannot_be_read_is_named(tmp_path, capfd, look, broken):
    path = tmp_path / "a.png"
    with pytest.raises(ValueError, match=r"there is no picture .*a\.png"):
        look(path)
    path.write_bytes(broken)
    with pytest.raises(ValueError, match=r"a\.png is not a picture that can be read"):
        look(path)
    assert capfd.readouterr() == ("", "")
