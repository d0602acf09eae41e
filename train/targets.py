"""Keypoints → the heatmaps that a network is trained towards, by name.

Points are (B, K, 2), or (B, N, K, 2) for N instances a picture, in input px; NaN = none. Each of
the K channels is the maximum of its points' targets, and empty if it has none.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from engines.spec import ModelSpec
from train import cells
from train.named import find

Targets = Callable[[torch.Tensor, ModelSpec], torch.Tensor]

CIRCLE_SIGMA_CELLS = (14 / 13 + 1) ** 0.5
"""Standard deviation of a circle's target along one axis, in cells: what a decoder has to know.

Of the disc's 13 cells Σx² is 14; the blur adds a variance of 1.
"""

_DISC = ("00100", "01110", "11111", "01110", "00100")
_BLUR = (1.0, 4.0, 6.0, 4.0, 1.0)


def gaussians(xy: torch.Tensor, spec: ModelSpec) -> torch.Tensor:
    """Points → heatmaps (B, K, h, w): exp(−d²/2σ²), a peak of 1 where a cell's centre is hit.

    d is the distance in input pixels from the cell's centre, σ the spec's.
    """
    rows, columns = (cells.along(n, spec.stride, xy) for n in spec.heatmap_hw)
    place = torch.nan_to_num(xy, nan=-1e6)
    gx = torch.exp(-((columns - place[..., :1]) ** 2) / (2 * spec.sigma_px**2))
    gy = torch.exp(-((rows - place[..., 1:]) ** 2) / (2 * spec.sigma_px**2))
    return _highest(gy[..., :, None] * gx[..., None, :])


def circles(xy: torch.Tensor, spec: ModelSpec) -> torch.Tensor:
    """Points → heatmaps (B, K, h, w): a blurred disc of 9×9 cells around the nearest cell.

    The disc has a radius of 2 cells, filled (the 13 whose centres are no further); it is blurred
    with (1 4 6 4 1)/16 along both axes, which is OpenCV's 5×5 Gaussian, and divided by its middle,
    so that the peak is 1. A border cuts it off. Being whole cells, it can be half a cell off.
    The spec's sigma is not used: one that is exported says CIRCLE_SIGMA_CELLS · stride.
    """
    stamp = _stamp().to(xy)
    cell = cells.nearest(torch.nan_to_num(xy, nan=-1e6), spec.stride)
    rows, columns = (torch.arange(n, device=xy.device) for n in spec.heatmap_hw)
    # the stamp has a rim of zeros, which is what everything far away falls on
    x = (columns - cell[..., :1] + 5).clamp(0, 10)
    y = (rows - cell[..., 1:] + 5).clamp(0, 10)
    return _highest(stamp[y[..., :, None], x[..., None, :]])


def _stamp() -> torch.Tensor:
    """The blurred disc, (11, 11): 9×9 and a rim of zeros."""
    disc = torch.tensor([[float(cell) for cell in row] for row in _DISC])
    blur = torch.tensor(_BLUR)
    kernel = blur[:, None] * blur
    blurred = torch.nn.functional.conv2d(disc[None, None], kernel[None, None], padding=5)[0, 0]
    return blurred / blurred.max()


def _highest(each: torch.Tensor) -> torch.Tensor:
    """Heatmaps (B, K, h, w), or (B, N, K, h, w) of N instances → (B, K, h, w)."""
    if each.ndim == 4:
        return each
    if each.shape[1] == 0:
        return each.new_zeros(each.shape[0], *each.shape[2:])
    return each.amax(dim=1)


TARGETS: dict[str, Targets] = {"gaussian": gaussians, "circle": circles}


def of_name(name: str) -> Targets:
    """The targets of that name; ValueError says which there are."""
    return find(TARGETS, name, "heatmap target")
