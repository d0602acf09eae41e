"""Grids of cells, in which approaches say what is where: which cell a point is in, and back.

The pixel-centre rule is `stream.geometry`'s, for tensors.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

RARE = -2.19
"""The logit that cells start from: 1 in 10 holds something (Lin et al., 2017, as CenterNet)."""


def logits(channels: int, maps: int) -> nn.Conv2d:
    """Features → logits of cells; at first hardly any cell is thought to hold a thing."""
    made = nn.Conv2d(channels, maps, 1)
    nn.init.normal_(made.weight, std=1e-2)
    if made.bias is not None:
        nn.init.constant_(made.bias, RARE)
    return made


def from_input(xy: torch.Tensor, stride: int) -> torch.Tensor:
    """Input px → cells, of which the whole numbers are centres."""
    return (xy + 0.5) / stride - 0.5


def along(cells: int, stride: int, like: torch.Tensor) -> torch.Tensor:
    """Where the centres of a row's cells lie, (cells,) in input px."""
    return (torch.arange(cells, device=like.device, dtype=like.dtype) + 0.5) * stride - 0.5


def nearest(xy: torch.Tensor, stride: int) -> torch.Tensor:
    """Input px, none of them NaN → the whole cell that each is in."""
    return torch.floor(from_input(xy, stride) + 0.5).long()


def centres(hw: tuple[int, int], stride: int, like: torch.Tensor) -> torch.Tensor:
    """A grid of (rows, columns) → its cells' centres (rows · columns, 2) in input px."""
    rows, columns = (along(n, stride, like) for n in hw)
    y, x = torch.meshgrid(rows, columns, indexing="ij")
    return torch.stack([x.flatten(), y.flatten()], dim=1)


def holding(xy: torch.Tensor, hw: tuple[int, int], stride: int) -> torch.Tensor:
    """Points (…, 2) in input px → the number (…) of the cell that each is in; NaN is in the first.

    One beyond the grid is in the cell nearest to it.
    """
    cell = nearest(xy.nan_to_num(), stride)
    column, row = cell[..., 0].clamp(0, hw[1] - 1), cell[..., 1].clamp(0, hw[0] - 1)
    return row * hw[1] + column


def peaks_only(p: torch.Tensor) -> torch.Tensor:
    """Maps (B, C, h, w) → the same, but 0 beside what is higher (CenterNet's suppression)."""
    highest = functional.max_pool2d(p, 3, stride=1, padding=1)
    return torch.where(p >= highest, p, torch.zeros_like(p))
