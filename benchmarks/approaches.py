"""Every approach on every set of samples, by the commands, under one budget → docs/approaches.md.

    python benchmarks/approaches.py --samples FOLDER [--cardcut FOLDER] [--encoder FILE]
        [--sets persons,faces] [--out runs/approaches]

Trains and scores one row after the other, and writes each into `rows.json` as soon as it is there:
started again, it goes on with those that are lacking. All of a set see as many pictures, in the
same views, from the same seed. `tables.md` is what the page shows. How long one picture takes is
measured at the end, on the exported models of the first set that is whole, which take turns, so
that what else the machine does meets all alike.
"""

from __future__ import annotations

import argparse
import json
import math
import shlex
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from engines import open_engine
from train import cli, models
from train.loop import load_checkpoint

SIDE_PX = 96
SAME = f"--view box --input-size {SIDE_PX} --sigma-px 6 --batch 8"
ROUNDS, CALLS = 15, 20
ENGINE = "ov"


@dataclass(frozen=True)
class Samples:
    """A set of pictures, and what is said of it."""

    dataset: str
    folder: str  # below --samples; "" = --cardcut
    epochs: int
    measure: str
    columns: tuple[str, ...]  # figures that the table shows; the rows are in the order of the first
    options: str = ""


_FACES = ("NME by interocular", "PCK@0.1 of interocular")
SETS = {
    "persons": Samples("persons", "persons", 14, "torso", ("PCK@0.2 of torso", "PCK@0.1 of torso")),
    "faces": Samples("faces", "faces", 24, "interocular", _FACES),
    "faces15": Samples("faces", "faces", 24, "interocular", _FACES, "layout=kaggle"),
    "cardcut": Samples("cardcut", "", 6, "box", ("PCK@0.05 of box", "PCK@0.1 of box")),
}

OWN = {"grid": ["--layers", "4"]}
"""What an approach is given beside what all are given: cells of 16 px, its file's own default."""


def main() -> None:
    """Options → rows, and the tables of them."""
    parser = argparse.ArgumentParser(description="every approach on every set of samples")
    parser.add_argument("--samples", type=Path, required=True, help="folder of persons/ and faces/")
    parser.add_argument("--cardcut", type=Path, help="folder of real packets")
    parser.add_argument("--encoder", default="timm", help="weights: a safetensors file, or timm's")
    parser.add_argument("--sets", default="persons,faces,faces15", help=", ".join(SETS))
    parser.add_argument("--out", type=Path, default=Path("runs/approaches"), help="for all of it")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    kept = options.out / "rows.json"
    made: dict[str, Any] = json.loads(kept.read_text()) if kept.exists() else {"rows": {}, "ms": {}}
    names = options.sets.split(",")
    for name in names:
        samples = SETS[name]
        folder = options.samples / samples.folder if samples.folder else options.cardcut
        for approach in models.names():
            key = f"{name}/{approach}"
            if key not in made["rows"]:
                made["rows"][key] = row(samples, folder, approach, options, options.out / key)
                _write(kept, made)
    if not made["ms"]:
        made["ms"] = times({a: options.out / names[0] / a / "last.pt" for a in models.names()})
        _write(kept, made)
    (options.out / "tables.md").write_text(tables(made), encoding="utf-8")
    print(tables(made))


def _write(path: Path, made: dict[str, Any]) -> None:
    """Rows → their file, whole or not at all."""
    part = path.with_suffix(".part")
    part.write_text(json.dumps(made, indent=1), encoding="utf-8")
    part.replace(path)


def row(
    samples: Samples, folder: Path, approach: str, options: argparse.Namespace, out: Path
) -> dict[str, Any]:
    """Train and score one approach on one set."""
    of = ["--dataset", samples.dataset, "--data", str(folder)]
    of += ["--dataset-options", samples.options] if samples.options else []
    fit = ["fit", *of, "--approach", approach, *network(approach, options.encoder)]
    fit += [*SAME.split(), "--epochs", str(samples.epochs), "--out", str(out)]
    last, begin = out / "last.pt", time.monotonic()
    run(fit)
    fit_s = time.monotonic() - begin
    score = ["eval", str(last), *of, "--view", "box", "--measure", samples.measure]
    score += ["--engine", "eager", "--out", str(out)]
    run(score)
    scores = json.loads((out / "scores.json").read_text())
    model, config = load_checkpoint(last)
    return {
        "fit": "kpstream-train " + shlex.join(fit),
        "eval": "kpstream-train " + shlex.join(score),
        "figures": scores["figures"],
        "parameters": sum(p.numel() for p in model.parameters()),
        "fit_s": fit_s,
        "log": [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()],
        "samples": asdict(samples),
        "config": json.loads(config.to_json()),
    }


def network(approach: str, encoder: str) -> list[str]:
    """The words that say which network it is: the same encoder for all that take one."""
    same = ["--encoder-model", "tf_efficientnet_lite0", "--weights", encoder]
    takes = "encoder_model" in models.options_of(approach)
    return [*(same if takes else []), *OWN.get(approach, [])]


def run(words: Sequence[str]) -> None:
    """One command, as a shell would run it; what it could not do ends the program."""
    print("kpstream-train", shlex.join(words), flush=True)
    if code := cli.main(words):
        raise SystemExit(code)


def times(files: dict[str, Path]) -> dict[str, dict[str, float]]:
    """Checkpoints → ms a picture, one at a time, of what they are exported to, in turns."""
    engines = {}
    for name, last in files.items():
        run(["export", str(last), "--out", str(last.with_name("model.onnx"))])
        engines[name] = open_engine(last.with_name("model.onnx"), ENGINE)
    images = np.random.default_rng(0).integers(0, 256, (1, SIDE_PX, SIDE_PX, 3), np.uint8)
    ms: dict[str, list[float]] = {name: [] for name in engines}
    for _ in range(ROUNDS):
        for name, engine in engines.items():
            for _ in range(CALLS):
                begin = time.perf_counter()
                engine(images)
                ms[name].append((time.perf_counter() - begin) * 1e3)
    for engine in engines.values():
        engine.close()
    shown = (("p10", 0.1), ("p50", 0.5), ("p90", 0.9))
    return {
        name: {"n": len(values)} | {p: float(np.quantile(values, q)) for p, q in shown}
        for name, values in ms.items()
    }


def tables(made: dict[str, Any]) -> str:
    """Rows → a table in Markdown for each set, the best first."""
    return "\n\n".join(
        f"### {name}\n\n{text}" for name in SETS if (text := table(name, made)) is not None
    )


def table(name: str, made: dict[str, Any]) -> str | None:
    """The rows of one set → a table; None if it has none."""
    rows = {k.split("/")[1]: v for k, v in made["rows"].items() if k.split("/")[0] == name}
    if not rows:
        return None
    columns = SETS[name].columns
    heads = ["approach", *columns, "M parameters", "ms a picture", "trained in s"]
    lines = [_line(heads), _line(["---", *["---:"] * (len(heads) - 1)])]
    for approach in ranked(rows, columns[0]):
        of = rows[approach]
        cells = [f"`{approach}`", *(shown(of["figures"][column]) for column in columns)]
        ms = made["ms"].get(approach)
        cells += [f"{of['parameters'] / 1e6:.2f}"]
        cells += [f"{ms['p50']:.1f} ({ms['p10']:.1f}…{ms['p90']:.1f})" if ms else "–"]
        lines.append(_line([*cells, f"{of['fit_s']:.0f}"]))
    return "\n".join(lines)


def ranked(rows: dict[str, Any], column: str) -> list[str]:
    """The approaches of a set's rows by a figure, the best first."""
    sign = 1 if column.startswith("NME") else -1

    def place(approach: str) -> float:
        value = rows[approach]["figures"][column]["value"]
        return math.inf if value is None else sign * value

    return sorted(rows, key=place)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def shown(figure: dict[str, Any]) -> str:
    """A figure in % with its interval; one that is null, for a point is lacking, is a dash."""
    low, value, high = (figure[k] for k in ("low", "value", "high"))
    if value is None or low is None:
        return "–" if value is None else f"{100 * value:.1f}"
    return f"{100 * value:.1f} ({100 * low:.1f}…{100 * high:.1f})"


if __name__ == "__main__":
    main()
