import csv
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.packet import KEYPOINTS
from train.datasets import cardcut
from train.label_files.wrong import LabelError

REAL = Path(__file__).parents[3] / "../shared/data/cardcut"
real_data = pytest.mark.skipif(not REAL.is_dir(), reason="the cardcut pictures are not here")

HEAD = ["imageName", "annotated", "cards_counted", "total_cards", "videoId"]


def write(folder, rows, size_hw=(48, 64)):
    """A folder as cardcut's is; rows are (name, cards, clip, {corner: (row, column) fractions})."""
    (folder / "images").mkdir()
    columns = [*HEAD]
    for name in KEYPOINTS:
        columns += [f"{name}_visible", f"{name}_x", f"{name}_y"]
    with (folder / "cardpoints.csv").open("w", newline="") as out:
        table = csv.writer(out)
        table.writerow([*columns, "mask"])
        for name, cards, clip, corners in rows:
            row = [name, 1, cards, 52, clip]
            for corner in KEYPOINTS:
                row += [1, *corners[corner]] if corner in corners else [0, 0.0, 0.0]
            table.writerow([*row, "unused.jpg"])
            cv2.imwrite(str(folder / "images" / name), np.zeros((*size_hw, 3), np.uint8))


CORNERS = {"upper_left_back": (0.25, 0.75), "lower_right_face": (0.5, 0.5)}


def example(folder):
    write(folder, [("a.jpg", 7, "1", CORNERS), ("b.jpg", 9, "2", CORNERS), ("c.jpg", 8, "3", {})])


def spoil(folder):
    table = folder / "cardpoints.csv"
    lines = table.read_text().splitlines()
    lines[2] = lines[2].replace("0.75", "1.75")
    table.write_text("\n".join(lines))
    return "cardpoints.csv, line 3"


def test_clips_of_the_counts_held_out_validate(tmp_path):
    example(tmp_path)
    dataset = cardcut.read(tmp_path)
    sides = {split: [one.cards for one in found] for split, found in dataset.splits.items()}
    assert sides == {"train": [7, 8], "val": [9], "test": []}
    assert dataset.keypoints.names == KEYPOINTS
    assert [one.group for one in dataset.splits["train"]] == ["1", "3"]
    flags = dataset.splits["val"][0].flags
    assert flags.tolist() == [[2 if name in CORNERS else 0 for name in KEYPOINTS]]


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("0.75", "nan", "'nan' is not a number"),
        ("0.75", "-0.1", "upper_left_back at x -6.4, y 12 is outside its picture of 64x48 px"),
        ("b.jpg,1,9", "z.jpg,1,9", "there is no picture"),
        (",0.75", "", "a cell is missing|is not a number"),
    ],
)
def test_a_wrong_row_is_named(tmp_path, old, new, what):
    example(tmp_path)
    table = tmp_path / "cardpoints.csv"
    lines = table.read_text().splitlines()
    assert old in lines[2]
    lines[2] = lines[2].replace(old, new)
    table.write_text("\n".join(lines))
    with pytest.raises(LabelError, match=rf"cardpoints\.csv, line 3: .*({what})"):
        cardcut.read(tmp_path)


def test_the_column_called_x_is_the_row(tmp_path):
    write(tmp_path, [("a.jpg", 7, "1", CORNERS)])
    [sample] = cardcut.load(tmp_path)
    at = KEYPOINTS.index("upper_left_back")
    np.testing.assert_allclose(sample.xy[at], (0.75 * 64, 0.25 * 48))
    assert sample.path == tmp_path / "images" / "a.jpg"
    assert (sample.cards, sample.clip) == (7, "1")


def test_a_hidden_corner_is_nan_and_not_a_corner_of_the_picture(tmp_path):
    write(tmp_path, [("a.jpg", 7, "1", CORNERS)])
    [sample] = cardcut.load(tmp_path)
    assert sample.visible.tolist() == [name in CORNERS for name in KEYPOINTS]
    np.testing.assert_array_equal(np.isnan(sample.xy).all(axis=1), ~sample.visible)
    assert np.isnan(sample.xy[~sample.visible]).all()


def test_what_is_lacking_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"cardpoints\.csv"):
        cardcut.load(tmp_path)
    write(tmp_path, [("a.jpg", 7, "1", {}), ("b.jpg", "many", "1", {})])
    with pytest.raises(ValueError, match=r"line 3.*many"):
        cardcut.load(tmp_path)


def sample(cards, clip):
    return cardcut.Sample(Path("x"), np.zeros((8, 2)), np.ones(8, bool), cards, clip)


@given(st.lists(st.integers(1, 12), min_size=1, max_size=40), st.data())
def test_no_clip_stands_on_both_sides(counts, data):
    samples = [sample(n, f"clip {n}") for n in counts]
    held_counts = data.draw(st.lists(st.sampled_from(counts), unique=True))
    train, held = cardcut.split(samples, tuple(held_counts))
    assert not {s.clip for s in train} & {s.clip for s in held}
    assert len(train) + len(held) == len(samples)
    assert {s.cards for s in held} == set(held_counts)


def test_a_clip_that_is_not_there_cannot_be_held_out():
    with pytest.raises(ValueError, match=r"no clip shows \[9\]"):
        cardcut.split([sample(3, "a")], (9,))


def test_nor_can_it_be_by_a_name_in_the_datasets_options(tmp_path):
    example(tmp_path)
    assert len(cardcut.read(tmp_path, hold_out=(7, 8)).splits["val"]) == 2
    with pytest.raises(ValueError, match=r"no clip shows \[99\] cards, there are \[7"):
        cardcut.read(tmp_path, hold_out=(7, 99))


@real_data
def test_the_real_folder():
    samples = cardcut.load(REAL)
    assert len(samples) == 796
    clips = {s.clip: {o.cards for o in samples if o.clip == s.clip} for s in samples}
    assert len(clips) == 41
    assert all(len(counts) == 1 for counts in clips.values())
    places = np.concatenate([s.xy[s.visible] for s in samples])
    assert np.isfinite(places).all()
    assert ((places >= 0) & (places <= (640, 480))).all()
    # Seen from above in front, the upper side stands higher in the picture: it would not, were
    # rows and columns mixed up.
    upper = np.array([name.startswith("upper") for name in KEYPOINTS])
    both = [s for s in samples if s.visible[upper].any() and s.visible[~upper].any()]
    assert len(both) > 700
    higher = [np.nanmean(s.xy[upper, 1]) < np.nanmean(s.xy[~upper, 1]) for s in both]
    assert np.mean(higher) > 0.9
    assert (places[:, 0] > 480).any()


@pytest.mark.parametrize("corners", [{}, dict(list(CORNERS.items())[:1])])
def test_a_packet_that_has_no_place_is_told_before_anything_is_cropped_about_it(tmp_path, corners):
    write(tmp_path, [("a.jpg", 7, "1", CORNERS), ("b.jpg", 9, "2", corners)])
    with pytest.raises(ValueError, match=rf"b\.jpg has {len(corners)} corners, 2 are wanted"):
        cardcut.load(tmp_path)
    assert len(cardcut.read(tmp_path).splits["val"]) == 1  # points alone need no packet
