"""A runtime's module, which is not Python but made to look so, imported."""

from __future__ import annotations

import importlib
from types import ModuleType


def native(name: str) -> ModuleType:
    """A name → the module. Raises what importing it raises.

    pybind11 makes an ImportError of all that is raised meanwhile, also of Ctrl-C, which is no
    reason to take another engine.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        if isinstance(error.__cause__, KeyboardInterrupt):
            raise error.__cause__ from None
        raise
