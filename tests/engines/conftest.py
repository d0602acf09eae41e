from pathlib import Path

import marker_graph
import pytest


@pytest.fixture(scope="session")
def marker_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model file that finds the fake engine's dots."""
    pytest.importorskip("onnx", reason="needs onnx to build a graph: pip install onnx")
    return marker_graph.write(tmp_path_factory.mktemp("model") / "markers.onnx")


@pytest.fixture(scope="session")
def gate_pictures():
    """The crops that the parity gate compares on."""
    from engines import DEFAULT_MODEL, parity
    from engines.spec import read_spec

    return parity.pictures(read_spec(DEFAULT_MODEL).input_hw)
