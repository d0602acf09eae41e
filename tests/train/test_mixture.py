import cv2
import numpy as np
import pytest

pytest.importorskip("torch")

from train import mixture
from train.config import Config
from train.datasets import empty
from train.datasets.held_out import is_held_out


def test_training_reads_no_picture_that_evaluation_uses(tmp_path):
    seen = {}
    for folder, channels in (("backs", 3), ("faces", 3), ("hands", 4), ("backgrounds", 3)):
        (tmp_path / folder).mkdir()
        for i in range(24):
            path = tmp_path / folder / f"{folder}{i}.png"
            picture = np.full((40, 30, channels), 10 * i, np.uint8)
            picture[..., 3:] = 255
            cv2.imwrite(str(path), picture)
            if not is_held_out(path):
                seen.setdefault(folder, set()).add(10 * i)
        assert 0 < len(seen[folder]) < 24
    config = Config(art=str(tmp_path), hands=str(tmp_path / "hands"))
    art = mixture._art(config, empty.load(tmp_path / "backgrounds", held_out=False))
    for folder, want in seen.items():
        given = [p for p in getattr(art, folder) if p.shape[:2] == (40, 30)]
        assert {int(p[0, 0, 0]) for p in given} == want
    assert len(mixture.read_pictures(config, []).hands) == len(seen["hands"])
