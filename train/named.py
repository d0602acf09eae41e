"""Names that a user gives → what is meant by them."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import TypeVar

T = TypeVar("T")


def find(table: Mapping[str, T], name: str, kind: str) -> T:
    """The table's entry of that name; ValueError says which there are and which is most like it."""
    if name in table:
        return table[name]
    near = get_close_matches(name.lower(), table, n=1)
    meant = f"; did you mean {near[0]!r}?" if near else ""
    raise ValueError(f"no {kind} is called {name!r}, there are {', '.join(table)}{meant}")
