"""Two reports → whether their figures may be held against each other, and which belong together."""

from __future__ import annotations

from collections import Counter

from stream.bench.report import Measured, Report


def incomparable(a: Report, b: Report) -> list[str]:
    """What was different from the start, so that a ratio says nothing of the program: a line each.

    The empty list if a and b measured the same thing on the same kind of machine.
    """
    return _differences(_conditions(a), _conditions(b))


def remarkable(a: Report, b: Report) -> list[str]:
    """What else is different, and may well be what is compared: a line each."""
    return _differences(_versions(a), _versions(b))


def pairs(a: Report, b: Report) -> list[tuple[Measured, Measured]]:
    """Engines of the same name in both, the second of a name with the second; in the order of a.

    Where each report holds one engine these two are a pair whatever they are called. Raises
    ValueError where nothing belongs together.
    """
    others = _named(b)
    found = [(one, others[name]) for name, one in _named(a).items() if name in others]
    if not found and len(a.engines) == len(b.engines) == 1:
        found = [(a.engines[0], b.engines[0])]
    if not found:
        left, right = (", ".join(_named(report)) for report in (a, b))
        raise ValueError(f"the reports have no engine in common: one has {left}, the other {right}")
    return found


def numbered(names: list[str]) -> list[str]:
    """Names → the same, a second `ov` being `ov (2)`."""
    seen: Counter[str] = Counter()
    found = []
    for name in names:
        seen[name] += 1
        found.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return found


def _named(report: Report) -> dict[str, Measured]:
    names = numbered([engine.engine for engine in report.engines])
    return dict(zip(names, report.engines, strict=True))


def _differences(left: dict[str, str], right: dict[str, str]) -> list[str]:
    found = []
    for what in dict.fromkeys([*left, *right]):
        one, other = left.get(what, "none"), right.get(what, "none")
        if one != other:
            found.append(f"{what}: {one} | {other}")
    return found


def _conditions(report: Report) -> dict[str, str]:
    machine, source, settings = report.machine, report.source, report.settings
    return {
        "processor": machine.cpu,
        "cores": str(machine.cores),
        "GPU": ", ".join(machine.gpus) or "none",
        "model": f"{report.model.name} (sha256 {report.model.sha256[:12]})",
        "source": source.name if source.sha256 is None else f"sha256 {source.sha256[:12]}",
        "size": f"{source.width}x{source.height}",
        "rate of the source": f"{source.fps} fps",
        "frames of the source": str(source.frames),
        "live": str(source.live),
        "output": settings.output,
    }


def _versions(report: Report) -> dict[str, str]:
    machine, settings = report.machine, report.settings
    return {
        "kpstream": report.kpstream,
        "system": machine.system,
        "memory": f"{machine.memory_mb:.0f} MB",
        "Python": machine.python,
        **machine.packages,
        "rounds": str(settings.rounds),
        "seconds a round": str(settings.seconds),
        "ended early": str(not report.complete),
    }
