"""What is wrong with a label: checks, and the one line that names file and line."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

import numpy as np

from train.labels import Floats


class LabelError(ValueError):
    """A label that is wrong; one line that names file, line and what is wrong with it."""

    def __init__(self, path: Path, line: int, what: str) -> None:
        super().__init__(f"{path}, line {line}: {what}")


@dataclass(slots=True)
class Skipping:
    """`with skipping:` about one picture: a LabelError inside passes, or is noted and ends here."""

    skip_bad: bool
    lines: list[str] = field(default_factory=list)

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> bool:
        if not self.skip_bad or not isinstance(error, LabelError):
            return False
        self.lines.append(str(error))
        return True


@contextmanager
def at(path: Path, line: int = 1) -> Iterator[None]:
    """Inside, a ValueError becomes the LabelError that names this file and line."""
    try:
        yield
    except LabelError:
        raise
    except ValueError as error:
        raise LabelError(path, line, " ".join(str(error).split())) from error


def number(word: object) -> float:
    """A word of a text file, or a number of JSON → float; ValueError if it is no finite number."""
    try:
        if isinstance(word, str | int | float) and math.isfinite(value := float(word)):
            return value
    except (ValueError, OverflowError):
        pass
    raise ValueError(f"{word!r} is not a number")


def check_size(said_hw: Sequence[object], hw: tuple[int, int]) -> None:
    """Raise ValueError if a label file says another (H, W) px than its picture has.

    A picture that was scaled after it was labelled has all its points in a wrong place. Where the
    file says None nothing is known.
    """
    if None in said_hw:
        return
    height, width = (number(value) for value in said_hw)
    if (height, width) != hw:
        raise ValueError(
            f"its labels are of a picture of {width:g}x{height:g} px, and it has {hw[1]}x{hw[0]}: "
            "bring both to one size"
        )


def check_inside(xy: Floats, hw: tuple[int, int], names: Sequence[str]) -> None:
    """Raise ValueError unless the points (K, 2) that are not NaN lie in a picture (H, W).

    On its far sides half a pixel more is let through: some tools count pixels from 1.
    """
    height, width = hw
    out = (xy < -0.5).any(axis=1) | (xy[:, 0] > width) | (xy[:, 1] > height)
    if out.any():
        k = int(np.argmax(out))
        x, y = xy[k]
        raise ValueError(
            f"{names[k]} at x {x:g}, y {y:g} is outside its picture of {width}x{height} px"
        )
