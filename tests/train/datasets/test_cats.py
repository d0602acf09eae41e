import numpy as np
import pytest
from drawn import picture
from hypothesis import given, settings
from hypothesis import strategies as st

from train.datasets import cats
from train.label_files.wrong import LabelError

REAL_LINE = "9 175 160 239 162 199 199 149 121 137 78 166 93 281 101 312 96 296 133 "
HW = (240, 320)


def write(folder, names, line=REAL_LINE):
    for name in names:
        picture(folder / f"{name}.jpg", HW)
        (folder / f"{name}.jpg.cat").write_text(line)


def example(folder):
    write(folder, [f"CAT_00/{n:08d}_000" for n in range(5)])


def spoil(folder):
    path = folder / "CAT_00/00000001_000.jpg.cat"
    path.write_text(REAL_LINE.replace("175", "375"))
    return "CAT_00/00000001_000.jpg.cat, line 1"


def test_the_first_line_of_the_set_gives_eyes_and_mouth(tmp_path):
    example(tmp_path)
    dataset = cats.read(tmp_path)
    first = dataset.splits["train"][0]
    assert first.name == "CAT_00/00000000_000.jpg"
    assert first.xy.tolist() == [[[175, 160], [239, 162], [199, 199]]]
    assert dataset.keypoints.names == ("left_eye", "right_eye", "mouth")
    assert dataset.keypoints.flip == (1, 0, 2)
    assert dataset.keypoints.edges == ((0, 1), (1, 2), (2, 0))


def test_60_20_20_without_shuffling(tmp_path):
    write(tmp_path, [f"{n:03d}" for n in range(10)])
    splits = cats.read(tmp_path).splits
    names = {split: [one.name for one in found] for split, found in splits.items()}
    assert names == {
        "train": [f"{n:03d}.jpg" for n in range(6)],
        "val": ["006.jpg", "007.jpg"],
        "test": ["008.jpg", "009.jpg"],
    }


def test_all_nine_points_and_what_a_mirror_makes_of_them(tmp_path):
    example(tmp_path)
    dataset = cats.read(tmp_path, points=cats.NAMES)
    xy = dataset.splits["train"][0].xy[0]
    assert xy.ravel().tolist() == [float(word) for word in REAL_LINE.split()[1:]]
    # Mirrored and renamed, the cat looks like the cat: each point lies near where that one was.
    mirrored = xy * [-1, 1] + [2 * xy[:, 0].mean(), 0]
    there = mirrored[list(dataset.keypoints.flip)]
    nearest = np.linalg.norm(there[:, None] - xy[None], axis=2).argmin(axis=1)
    assert nearest.tolist() == list(range(9))


def test_half_a_pair_has_no_mirror():
    assert cats.chosen(["left_eye", "mouth"]).flip is None
    assert cats.chosen(["mouth", "right_ear_3", "left_ear_1"]).flip == (0, 2, 1)
    with pytest.raises(ValueError, match="a cat has no point 'tail'; it has left_eye"):
        cats.chosen(["tail"])


@settings(max_examples=15)
@given(st.lists(st.tuples(st.integers(0, 319), st.integers(0, 239)), min_size=9, max_size=9))
def test_what_is_written_is_read(tmp_path_factory, points):
    folder = tmp_path_factory.mktemp("cats")
    write(folder, ["a"], f"9 {' '.join(f'{x} {y}' for x, y in points)}\n")
    read = cats.read(folder, points=cats.NAMES)
    [found] = [one for split in read.splits.values() for one in split]
    assert found.xy[0].tolist() == [list(point) for point in points]


@pytest.mark.parametrize(
    ("line", "what"),
    [
        (REAL_LINE.replace("9 175", "9"), "wanted 9 and nine points x y, got 18 numbers"),
        (REAL_LINE + "5", "got 20 numbers"),
        ("8" + REAL_LINE[1:], "wanted 9"),
        (REAL_LINE.replace("175", "nan"), "'nan' is not a number"),
        (REAL_LINE.replace("175", "x"), "'x' is not a number"),
        (REAL_LINE.replace("175", "-3"), r"left_eye at x -3, y 160 is outside .* 320x240 px"),
        ("", "got 0 numbers"),
        ("\x80".encode("latin-1"), "codec can't decode"),
    ],
)
def test_a_wrong_file_is_named(tmp_path, line, what):
    write(tmp_path, ["a"])
    path = tmp_path / "a.jpg.cat"
    path.write_bytes(line if isinstance(line, bytes) else line.encode())
    with pytest.raises(LabelError, match=rf"a\.jpg\.cat, line 1: .*{what}"):
        cats.read(tmp_path)


def test_a_missing_or_broken_picture_is_named(tmp_path):
    write(tmp_path, ["a"])
    (tmp_path / "a.jpg").write_bytes(b"no picture")
    with pytest.raises(LabelError, match=r"a\.jpg\.cat, line 1: .*a\.jpg is not a picture"):
        cats.read(tmp_path)
    (tmp_path / "a.jpg").unlink()
    with pytest.raises(LabelError, match=r"a\.jpg\.cat, line 1: there is no picture .*a\.jpg"):
        cats.read(tmp_path)


def test_only_the_points_used_must_lie_in_the_picture(tmp_path):
    write(tmp_path, ["a", "b"], REAL_LINE.replace("137 78", "137 -7"))
    assert cats.read(tmp_path).splits["train"]
    with pytest.raises(LabelError, match="left_ear_2"):
        cats.read(tmp_path, points=cats.NAMES)


def test_the_presets_crop_point_by_point():
    eyes_and_mouth = np.array([[175.0, 160.0], [239.0, 162.0], [199.0, 199.0]])
    region = cats.crop_region(eyes_and_mouth, HW)
    assert (region.x, region.y) == (155, 140)
    assert (region.width, region.height) == (259 - 155 + 1, 219 - 140 + 1)
    image = np.zeros((*HW, 3), np.uint8)
    image[region.y : region.y + region.height, region.x : region.x + region.width] = 200
    small, xy = cats.crop(image, eyes_and_mouth)
    assert small.shape == (64, 64, 3)
    assert small.min() == 200  # nothing but the box
    wanted = [
        [(x - 155 + 0.5) * 64 / 105 - 0.5, (y - 140 + 0.5) * 64 / 80 - 0.5]
        for x, y in eyes_and_mouth
    ]
    np.testing.assert_allclose(xy, wanted)


def test_a_crop_ends_with_its_picture_and_passes_over_what_is_not_labelled():
    xy = np.array([[5.0, 4.0], [np.nan, np.nan], [310.5, 236.0]])
    region = cats.crop_region(xy, HW)
    assert (region.x, region.y, region.width, region.height) == (0, 0, 320, 240)


def test_a_dot_is_still_on_its_point_in_the_crop():
    image = np.zeros((*HW, 3), np.uint8)
    xy = np.array([[150.0, 100.0], [200.0, 150.0]])
    image[95:106, 145:156] = 255
    small, there = cats.crop(image, xy)
    rows, columns = np.nonzero(small[..., 0] > 127)
    np.testing.assert_allclose(there[0], (columns.mean(), rows.mean()), atol=0.5)
