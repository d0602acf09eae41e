"""Pictures for label files that tests write."""

import cv2
import numpy as np


def picture(path, hw=(48, 64), seed=0):
    """A picture file of random colours."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = np.random.default_rng(seed).integers(0, 256, (*hw, 3), np.uint8)
    assert cv2.imwrite(str(path), image)
    return image
