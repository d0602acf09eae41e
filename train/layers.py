"""The building block that every part of our networks is made of, and how it learns."""

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


def to_train(module: nn.Module, *, hold_normalisation: bool) -> None:
    """Put a module into training mode, batch normalisation too unless its figures are to stay."""
    module.train()
    for part in module.modules() if hold_normalisation else ():
        if isinstance(part, nn.BatchNorm2d):
            part.eval()
