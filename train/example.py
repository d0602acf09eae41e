"""What one picture teaches, whatever it is of: the value between the pictures and the networks."""

from __future__ import annotations

from typing import NamedTuple

import torch


class Example(NamedTuple):
    """One picture and its truth, or a batch of B with a dimension more in front.

    The first of the N instances is the one that the picture is about; rows that are NaN fill up.
    """

    image: torch.Tensor  # (3, H, W) uint8 BGR
    xy: torch.Tensor  # (N, K, 2) float32 input px, NaN = not in the picture, or nobody knows where
    known: torch.Tensor  # (K,) float32, 1 where a heatmap's truth is known
    visible: torch.Tensor  # (K,) float32, whether the first instance's are seen, NaN = nobody says
    boxes: torch.Tensor  # (N, 4) float32 x, y, width, height in input px, from the pixels' edges
    areas: torch.Tensor  # (N,) float32 px²
    cards: torch.Tensor  # () int64, 0 = no packet, or none is asked for
    countable: torch.Tensor  # () float32, 1 where enough of the packet is seen to count it
