"""A dataset's pictures → the examples of an epoch.

What an example shows follows from (seed, epoch, index) alone, so that a resumed run, and one on
several devices, sees what an uninterrupted one on a single device sees.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from torch.utils.data import Dataset

from train import augment, view
from train.config import Config
from train.example import Example
from train.labels import Keypoints, Labelled


class Shown(Dataset[Example]):
    """Pictures as examples: in another order and as other views in every `epoch`.

    An epoch shows every picture once; where it is shown in crops, every instance of it. It is a
    whole number of batches: the first ones are shown again.
    """

    def __init__(self, config: Config, keypoints: Keypoints, pictures: list[Labelled]) -> None:
        self.config, self.keypoints = config, keypoints
        self.items = items(pictures, config.view)
        whole = config.view in {"whole", "mixed"}
        self.slots = max(len(one.xy) for one in self.items) if whole and self.items else 1
        self.slots = max(self.slots, 1)
        self.epoch = 0

    def __len__(self) -> int:
        batch = self.config.batch
        return -(-len(self.items) // batch) * batch

    def __getitem__(self, index: int) -> Example:
        """Example of this epoch at `index`."""
        config = self.config
        order = np.random.default_rng([config.seed, self.epoch]).permutation(len(self.items))
        one = self.items[order[index % len(order)]]
        rng = np.random.default_rng([config.seed, self.epoch, index]) if config.augment else None
        shown = look(one, config.view, config.input_size, self.keypoints, rng)
        return view.example(shown, config.input_size, self.slots)


def items(pictures: list[Labelled], how: str) -> list[Labelled]:
    """Pictures → what is shown one by one, as `view`'s ways have it: with crops, each instance."""
    made: list[Labelled] = []
    for one in map(view.largest_first, pictures):
        crops = [n for n in range(len(one.xy)) if _has_extent(one, n)]
        if how == "cat":  # whose crop is about the points, whatever the box
            crops = [n for n in crops if one.flags[n].any()]
        if how == "whole" or (not crops and how != "cat"):
            made.append(one)
            continue
        others = [[m for m in range(len(one.xy)) if m != n] for n in crops]
        made += [view.chosen(one, [n, *rest]) for n, rest in zip(crops, others, strict=True)]
    return made


def _has_extent(one: Labelled, n: int) -> bool:
    """Whether an instance can be cropped: by its box, or by two points at least."""
    return bool(np.isfinite(one.boxes[n]).all() or (one.flags[n] > 0).sum() >= 2)


def look(
    one: Labelled,
    how: str,
    size: int,
    keypoints: Keypoints,
    rng: np.random.Generator | None = None,
) -> Labelled:
    """A picture → a view of it: as it is, or shaken and in another light as `rng` has it.

    A crop is about the first instance and shows the labels of that one only, as top-down networks
    are taught. "mixed" is a crop, and with `rng` the whole picture now and then.
    """
    if how == "cat":
        one, how = view.cat_crop(one), "whole"
    crops = how != "whole" and len(one.xy) > 0 and _has_extent(one, 0)
    if how == "mixed" and rng is not None and rng.random() < view.WHOLE:
        crops = False
    one = view.alone(one) if crops else view.largest_first(one)
    image = one.read()
    window = view.box_view(one) if crops else view.whole_view((image.shape[0], image.shape[1]))
    if rng is None:
        return view.seen(image, one, window, size, keypoints)
    window = view.shaken(rng, window, mirror=keypoints.flip is not None)
    shown = view.seen(image, one, window, size, keypoints)
    return replace(shown, picture=augment.colour(rng, shown.read()))
