from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

import onnx  # noqa: E402
from onnx import numpy_helper  # noqa: E402

from engines import open_engine  # noqa: E402
from engines.spec import METADATA_KEY, ModelSpec, read_spec  # noqa: E402
from stream.packet import EDGES, FLIP, KEYPOINTS, MAX_CARDS  # noqa: E402
from train import export  # noqa: E402
from train.models import heatmap  # noqa: E402

pytestmark = pytest.mark.timeout(400)  # seconds of work, minutes beside a training run

SPEC = ModelSpec("tiny", KEYPOINTS, EDGES, FLIP, (64, 64), 4, 6.0, MAX_CARDS)
ENCODER = "tf_mobilenetv3_small_minimal_100"  # TF's padding, and an uneven deviation below


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    net = heatmap.build(SPEC, ENCODER, 5, width=8)
    net.normalise.std.copy_(torch.tensor([50.0, 60.0, 70.0]).view(1, 3, 1, 1))
    net.normalise.mean.copy_(torch.tensor([100.0, 120.0, 140.0]).view(1, 3, 1, 1))
    torch.nn.init.normal_(net.heat[-1].weight, 0.0, 0.3)
    with torch.no_grad():
        for _ in range(30):  # the statistics of a network that has seen pictures
            net(torch.randint(0, 256, (16, 3, 64, 64)).float())
    return net.eval()


@pytest.fixture(scope="module")
def proto(model):
    return export.to_onnx(model, SPEC)


@pytest.fixture
def path(proto, tmp_path):
    path = tmp_path / "tiny.onnx"
    path.write_bytes(proto.SerializeToString())
    return path


@pytest.mark.parametrize("engine", ["ort", "ov"])
@pytest.mark.parametrize("batch", [1, 3])
def test_every_runtime_says_what_torch_says(path, model, engine, batch):
    rng = np.random.default_rng(batch)
    images = rng.integers(0, 256, (batch, 64, 64, 3), np.uint8)
    with torch.inference_mode():
        floats = torch.from_numpy(images).permute(0, 3, 1, 2).float()
        wanted = [part.numpy() for part in model.predict(floats)]
    module = import_module(f"engines.{engine}")
    opened = getattr(module, "open_exact", module.open_model)(path)
    try:
        got = opened(images)
        parts = [got.heatmaps, got.visibility, got.count]
        assert [part.shape for part in parts] == [(batch, 8, 16, 16), (batch, 8), (batch, 53)]
        for part, want in zip(parts, wanted, strict=True):
            assert np.mean((want > 0.001) & (want < 0.999)) > 0.1  # there is something to compare
            np.testing.assert_allclose(part, want, atol=1e-4, equal_nan=False)
    finally:
        opened.close()


def test_the_border_is_as_exact_as_the_middle(path, model):
    """A mean folded into a bias would show along the padded border only."""
    white = np.full((1, 64, 64, 3), 255, np.uint8)
    with torch.inference_mode():
        want = model.predict(torch.full((1, 3, 64, 64), 255.0))[0].numpy()
    opened = open_engine(path, "ort")
    try:
        np.testing.assert_allclose(opened(white).heatmaps, want, atol=1e-5)
    finally:
        opened.close()


def test_the_cast_comes_first_and_the_swap_is_in_the_weights(proto):
    kinds = [node.op_type for node in proto.graph.node]
    assert kinds[:4] == ["Cast", "Transpose", "Sub", "Conv"]
    assert proto.graph.node[0].input[0] == "images"
    assert proto.graph.input[0].type.tensor_type.elem_type == onnx.TensorProto.UINT8
    assert "BatchNormalization" not in kinds


def test_the_file_describes_itself_and_nothing_else(proto, path):
    assert read_spec(path) == SPEC
    assert [entry.key for entry in proto.metadata_props] == [METADATA_KEY]
    text = path.read_bytes()
    for word in (b"site-packages", str(Path.home()).encode() + b"/", b".py"):
        assert word not in text


def test_half_the_size_costs_little(model, proto, tmp_path):
    half = onnx.ModelProto()
    half.CopyFrom(proto)
    export.halve(half.graph)
    path = tmp_path / "half.onnx"
    path.write_bytes(half.SerializeToString())
    assert path.stat().st_size < 0.62 * len(proto.SerializeToString())
    worst = export.differences(path, model, SPEC)
    assert max(worst.values()) <= export.HALF_TOLERANCE
    assert max(worst.values()) > 0
    assert half.graph.node[0].input[0] == "images"


def test_a_file_that_says_something_else_is_refused(proto, model, tmp_path):
    wrong = onnx.ModelProto()
    wrong.CopyFrom(proto)
    conv = next(node for node in wrong.graph.node if node.op_type == "Conv")
    held = next(tensor for tensor in wrong.graph.initializer if tensor.name == conv.input[1])
    swapped = numpy_helper.to_array(held)[:, ::-1]
    held.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(swapped), held.name))
    path = tmp_path / "wrong.onnx"
    path.write_bytes(wrong.SerializeToString())
    with pytest.raises(RuntimeError, match=r"differs from torch by heatmaps \d.*at most 0.001"):
        export.check(path, model, SPEC, export.TOLERANCE)


def test_a_file_that_says_nan_is_refused(proto, model, tmp_path):
    wrong = onnx.ModelProto()
    wrong.CopyFrom(proto)
    conv = next(node for node in wrong.graph.node if node.op_type == "Conv")
    held = next(tensor for tensor in wrong.graph.initializer if tensor.name == conv.input[1])
    nothing = np.full(tuple(held.dims), np.nan, np.float32)
    held.CopyFrom(numpy_helper.from_array(nothing, held.name))
    path = tmp_path / "nan.onnx"
    path.write_bytes(wrong.SerializeToString())
    with pytest.raises((RuntimeError, ValueError), match=r"nan|NaN"):
        export.check(path, model, SPEC, export.TOLERANCE)


def test_an_input_laid_out_in_another_way_is_left_alone(proto):
    graph = onnx.GraphProto()
    graph.CopyFrom(proto.graph)
    before = graph.SerializeToString()
    assert export.fold_input(graph) is False
    assert graph.SerializeToString() == before
