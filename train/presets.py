"""Settings that belong together, by name: `--preset NAME`, several with commas between.

What is written beside a preset goes before it.
"""

from __future__ import annotations

from typing import Any

from train.named import find

PRESETS: dict[str, dict[str, Any]] = {
    # a plain recipe: Adam at one rate throughout, the squared error of the heatmaps
    "adam-3e-4-l2": {
        "optimizer": "adam",
        "lr": 3e-4,
        "schedule": "constant",
        "weight_decay": 0.0,
        "loss": "mse",
    },
    # the CAT set: the points' box and 20 px more, stretched to 64×64; circles, a cell a pixel
    "cat": {
        "dataset": "cats",
        "view": "cat",
        "input_size": 64,
        "stride": 1,
        "decoder": "bilinear",
        "target": "circle",
    },
}


def settings(names: str) -> dict[str, Any]:
    """Text "cat,adam-3e-4-l2" → what they set; later ones go before earlier ones."""
    made: dict[str, Any] = {}
    for name in filter(None, names.split(",")):
        made |= find(PRESETS, name, "preset")
    return made
