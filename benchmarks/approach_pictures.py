"""What `approaches.py` trained, drawn beside the truth, without the photographs.

    python benchmarks/approach_pictures.py --rows runs/approaches --to docs

Writes `approaches-<set>.png`: a row for each approach, the best first, a column for each of the
first pictures held out. Grey is the truth, green what was found, red how far off it is.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from approaches import ranked
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from PIL import Image

from engines import open_engine
from train import datasets, keypoint_eval
from train.keypoint_metrics import Compared
from train.labels import Floats, Keypoints

PICTURES = 6
TRUE, FOUND, OFF = "#b8b8b8", "#0a8f5b", "#e0795a"


def main() -> None:
    """Rows → a picture of each set."""
    parser = argparse.ArgumentParser(description="what every approach finds, beside the truth")
    parser.add_argument("--rows", type=Path, required=True, help="folder with rows.json")
    parser.add_argument("--to", type=Path, required=True, help="folder for the pictures")
    options = parser.parse_args()
    mpl.use("agg")
    rows = json.loads((options.rows / "rows.json").read_text())["rows"]
    for name in dict.fromkeys(key.split("/")[0] for key in rows):
        of = {key.split("/")[1]: row for key, row in rows.items() if key.split("/")[0] == name}
        path = options.to / f"approaches-{name}.png"
        sheet(of, options.rows / name, path)
        print(f"wrote {path}: {path.stat().st_size / 1e3:.0f} kB")


def sheet(rows: dict[str, Any], folder: Path, path: Path) -> None:
    """The rows of a set and the folder of their checkpoints → the picture."""
    column = next(iter(rows.values()))["samples"]["columns"][0]
    best = ranked(rows, column)
    size = (1.15 * PICTURES + 1.0, 1.15 * len(best))
    figure, axes = plt.subplots(len(best), PICTURES, figsize=size, squeeze=False)
    for approach, line in zip(best, axes, strict=True):
        keypoints, found = answers(rows[approach], folder / approach / "last.pt")
        value = rows[approach]["figures"][column]["value"]
        said = f"{approach}\n{'–' if value is None else f'{100 * value:.1f} %'}"
        line[0].text(-0.1, 0.5, said, transform=line[0].transAxes, ha="right", va="center")
        for axis, one in zip(line, found, strict=True):
            side = rows[approach]["config"]["input_size"]
            beside(axis, one, keypoints, side)
    figure.suptitle(column, fontsize=10)
    figure.tight_layout(pad=0.3, rect=(0, 0, 1, 0.97))
    figure.savefig(path, dpi=80)
    plt.close(figure)
    with Image.open(path) as drawn:
        drawn.convert("RGB").quantize(24).save(path, optimize=True)


def answers(row: dict[str, Any], last: Path) -> tuple[Keypoints, list[Compared]]:
    """A row → its keypoints, and what its checkpoint says of the first pictures held out."""
    config = row["config"]
    options = datasets.options(config["dataset"], config["dataset_options"])
    dataset = datasets.load(config["dataset"], Path(config["data"]), **options)
    engine = open_engine(last, "eager")
    pictures = dataset.splits["val"][:PICTURES]
    found = list(keypoint_eval.run(engine, pictures, dataset.keypoints, "box", "peak"))
    engine.close()
    return dataset.keypoints, found


def beside(axis: Axes, one: Compared, keypoints: Keypoints, side: int) -> None:
    """What was found of one picture, over what is true of it."""
    true, found = one.truth.xy[0], one.xy[0]
    edges = np.array(keypoints.edges)
    axis.add_collection(LineCollection(list(true[edges]), colors=TRUE, linewidths=1.6))
    if len(true) < 30:  # of more, the lines say it all
        off: Floats = np.stack([true, found], axis=1)
        axis.add_collection(LineCollection(list(off), colors=OFF, linewidths=0.6))
    axis.add_collection(LineCollection(list(found[edges]), colors=FOUND, linewidths=0.9))
    axis.set(xlim=(0, side), ylim=(side, 0), aspect="equal", xticks=[], yticks=[])


if __name__ == "__main__":
    main()
