"""`kpstream engines`: which engines open the model here, and why the others do not."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import engines
from stream.cli import Parser


def main(words: Sequence[str]) -> int:
    """Words → a line on stdout for each engine. Exit code 0 if any opens the model, else 1."""
    parser = Parser(prog="kpstream engines", description="Say which engines work here.")
    parser.add_argument("--model", type=Path, metavar="FILE", default=engines.DEFAULT_MODEL)
    model = parser.parse_args(words).model
    reasons = {name: _why_not(model, name) for name in engines.names()}
    for name, (works, text) in reasons.items():
        print(f"{'yes' if works else 'no ':3}  {name:6}  {text}")
    return 0 if any(works for works, _ in reasons.values()) else 1


def _why_not(model: Path, name: str) -> tuple[bool, str]:
    """Try an engine → whether it works, and what it says of itself or why it does not."""
    try:
        engine = engines.open_engine(model, name)
    except engines.EngineUnavailable as error:
        return False, " ".join(str(error).split())
    text = str(engine)
    engine.close()
    return True, text
