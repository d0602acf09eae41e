from pathlib import Path

import marker_graph
import pytest


@pytest.fixture(scope="session")
def marker_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model file that finds the fake engine's dots."""
    pytest.importorskip("onnx", reason="needs onnx to build a graph: pip install onnx")
    return marker_graph.write(tmp_path_factory.mktemp("model") / "markers.onnx")
