"""The one building block that every part of our networks is made of."""

from __future__ import annotations

from torch import nn


def depthwise(inner: int, outer: int, stride: int = 1) -> nn.Sequential:
    """Depthwise 3×3, pointwise, batch norm, ReLU."""
    return nn.Sequential(
        nn.Conv2d(inner, inner, 3, stride, 1, groups=inner, bias=False),
        nn.Conv2d(inner, outer, 1, bias=False),
        nn.BatchNorm2d(outer),
        nn.ReLU(inplace=True),
    )
