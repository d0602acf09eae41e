"""Drawn pictures of three coloured dots, and what is true of them."""

import json

import cv2
import numpy as np
import torch

from engines import ModelSpec
from train.example import Example

NAMES = ("blue", "green", "red")
SIDE = 64
SPEC = ModelSpec("dots", NAMES, ((0, 1), (1, 2)), (0, 1, 2), (SIDE, SIDE), 4, 4.0)


def draw(seed, side=SIDE):
    """A picture (side, side, 3) with a dot of each colour, and their places (3, 2) in px."""
    rng = np.random.default_rng(seed)
    image = rng.integers(60, 90, (side, side, 3), np.uint8)
    while seed > 0:
        xy = rng.uniform(0.15 * side, 0.85 * side, (3, 2))
        apart = np.linalg.norm(xy[:, None] - xy, axis=2)[np.triu_indices(3, 1)]
        if apart.min() > 0.2 * side:
            break
    if seed == 0:  # far apart: streaming, which looks closer at what is small, looks once
        xy = side * np.array([[0.15, 0.2], [0.85, 0.15], [0.45, 0.85]])
    for channel, (x, y) in enumerate(xy):
        colour = [255.0 if c == channel else 30.0 for c in range(3)]
        at = (round(x * 16), round(y * 16))
        cv2.circle(image, at, round(0.08 * side * 16), colour, cv2.FILLED, cv2.LINE_AA, 4)
    return image, xy


def batch(count=8):
    """The examples of as many pictures."""
    images, places = zip(*map(draw, range(count)), strict=True)
    xy = torch.tensor(np.array(places), dtype=torch.float32)[:, None]
    low, high = xy.amin(dim=2) - 5, xy.amax(dim=2) + 5
    boxes = torch.cat([low + 0.5, high - low], dim=2)
    return Example(
        torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2),
        xy,
        torch.ones(count, 3),
        torch.ones(count, 3),
        boxes,
        boxes[..., 2] * boxes[..., 3],
        torch.zeros(count, dtype=torch.int64),
        torch.zeros(count),
    )


def learn(model, batch, optimizer, steps):
    """A network on its way: the losses by name of so many steps, each before it is taken."""
    for _ in range(steps):
        parts = model.train().loss(model(batch.image.float()), batch)
        optimizer.zero_grad()
        sum(parts.values()).backward()
        optimizer.step()
        yield parts


def write(folder, train=8, val=4):
    """Pictures as a dataset in COCO's format: train/ and val/ with their labels."""
    for split, seeds in (("train", range(train)), ("val", range(100, 100 + val))):
        (folder / split).mkdir(parents=True)
        images, labels = [], []
        for seed in seeds:
            image, xy = draw(seed)
            cv2.imwrite(str(folder / split / f"{seed}.png"), image)
            images.append({"id": seed, "file_name": f"{seed}.png", "height": SIDE, "width": SIDE})
            triples = [value for x, y in xy.tolist() for value in (x, y, 2)]
            labels.append({"id": seed, "image_id": seed, "category_id": 1, "keypoints": triples})
        kind = {"id": 1, "name": "dots", "keypoints": list(NAMES), "skeleton": [[1, 2], [2, 3]]}
        text = json.dumps({"images": images, "annotations": labels, "categories": [kind]})
        (folder / split / "keypoints.json").write_text(text)
    return folder
