"""The one signature that every graph has: images in; heatmaps, visibility and count out.

A model is held to it when it is opened, so that a wrong export is told apart from a wrong answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from engines.spec import ModelSpec, Prediction, SpecError

OUTPUTS = ("heatmaps", "visibility", "count")


class Port(NamedTuple):
    """An input or output of a graph: numpy's name of its type, and its shape (None = any size)."""

    dtype: str
    shape: tuple[int | None, ...]

    def __str__(self) -> str:
        sizes = ", ".join("?" if size is None else str(size) for size in self.shape)
        return f"{self.dtype} ({sizes})"

    def fits(self, wanted: Port) -> bool:
        """Whether type and sizes agree, as far as both are known."""
        return (
            self.dtype == wanted.dtype
            and len(self.shape) == len(wanted.shape)
            and all(a == b or None in (a, b) for a, b in zip(self.shape, wanted.shape, strict=True))
        )


def check_graph(
    path: Path, spec: ModelSpec, inputs: Mapping[str, Port], outputs: Mapping[str, Port]
) -> None:
    """Raise SpecError unless a graph takes and gives what its spec promises."""
    wanted = _signature(spec)
    needed = {"images", "heatmaps"} | ({"count"} if spec.max_cards else set())
    ports = {**inputs, **outputs}
    wrong = [f"lacks {name!r}" for name in sorted(needed - ports.keys())]
    wrong += [f"has an input {name!r} that nobody fills" for name in inputs if name != "images"]
    wrong += [
        f"has {name!r} of {ports[name]}, wanted {port}"
        for name, port in wanted.items()
        if name in ports and not ports[name].fits(port)
    ]
    if "count" in ports and spec.max_cards is None:
        wrong.append("has 'count', but its description no max_cards")
    if "images" in inputs and inputs["images"].shape[:1] != (None,):
        wrong.append("takes a fixed number of pictures: export it with a dynamic batch")
    if wrong:
        raise SpecError(
            f"the graph in {path} does not fit its description: it {'; it '.join(wrong)}"
        )


def check_prediction(path: Path, spec: ModelSpec, prediction: Prediction) -> None:
    """Raise SpecError unless an answer has the shapes of its spec; a graph may leave them open."""
    arrays = {name: getattr(prediction, name) for name in OUTPUTS}
    got = {name: _port(array) for name, array in arrays.items() if array is not None}
    check_graph(path, spec, {"images": _signature(spec)["images"]}, got)


def _signature(spec: ModelSpec) -> dict[str, Port]:
    """What the graph of this spec takes and gives."""
    k = len(spec.keypoints)
    classes = None if spec.max_cards is None else spec.max_cards + 1
    return {
        "images": Port("uint8", (None, *spec.input_hw, 3)),
        "heatmaps": Port("float32", (None, k, *spec.heatmap_hw)),
        "visibility": Port("float32", (None, k)),
        "count": Port("float32", (None, classes)),
    }


def _port(array: Any) -> Port:
    return Port(array.dtype.name, array.shape)


class Step(NamedTuple):
    """An operation of a network, as far as ways through it are concerned."""

    reads: frozenset[str]
    makes: frozenset[str]
    ends: bool  # whether the ways asked for begin and end at such operations


def between(steps: Sequence[Step]) -> set[int]:
    """Operations, inputs before outputs → those (indices) that end a way or lie on one."""
    after: set[str] = set()  # what an end had a part in
    for step in steps:
        if step.ends or after & step.reads:
            after |= step.makes
    before: set[str] = set()  # what an end will read
    found = set()
    for index in range(len(steps) - 1, -1, -1):
        step = steps[index]
        leads_on = bool(before & step.makes)
        if step.ends or leads_on:
            before |= step.reads
        if step.ends or (leads_on and after & step.reads):
            found.add(index)
    return found
