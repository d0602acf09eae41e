"""Ctrl-C while a runtime is imported."""

from __future__ import annotations

import pytest

from engines.native import native


def test_a_stop_that_a_runtime_calls_an_import_error_is_still_a_stop(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    words = "raise ImportError('initialization failed') from"
    (tmp_path / "stopped_runtime.py").write_text(f"{words} KeyboardInterrupt()")
    (tmp_path / "broken_runtime.py").write_text(f"{words} OSError()")
    with pytest.raises(KeyboardInterrupt):
        native("stopped_runtime")
    with pytest.raises(ImportError, match="initialization failed"):
        native("broken_runtime")
