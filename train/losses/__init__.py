"""What a prediction is held against; every loss is a mean, so that any batch weighs alike.

Those of heatmaps are called (outputs, targets, known), those of points (outputs, truth, known,
reach); `of_heatmaps` and `of_points` find them by name.
"""

from train.losses.heatmaps import HEATMAP_LOSSES, HeatmapLoss, of_heatmaps
from train.losses.packets import (
    count_nll,
    found_off,
    heatmap_mse,
    masked_bce,
    off_along,
    off_centre,
)
from train.losses.points import POINT_LOSSES, PointLoss, of_points, oks_reach

__all__ = [
    "HEATMAP_LOSSES",
    "POINT_LOSSES",
    "HeatmapLoss",
    "PointLoss",
    "count_nll",
    "found_off",
    "heatmap_mse",
    "masked_bce",
    "of_heatmaps",
    "of_points",
    "off_along",
    "off_centre",
    "oks_reach",
]
