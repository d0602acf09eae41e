"""What stands in for CUDA and TensorRT in the tests knows nothing that the real ones do not."""

import fake_cuda
import fake_plan
import fake_tensorrt
import pytest
from fake_cuda import FakeCuda

IMITATED = {
    "Runtime": fake_tensorrt.Runtime,
    "Builder": fake_tensorrt.Builder,
    "OnnxParser": fake_tensorrt.OnnxParser,
    "INetworkDefinition": fake_tensorrt.Network,
    "IOptimizationProfile": fake_tensorrt.Profile,
    "IBuilderConfig": fake_tensorrt.RtxConfig,
    "ICudaEngine": fake_plan.Engine,
    "IExecutionContext": fake_plan.Context,
    "IRuntimeConfig": fake_plan.RuntimeConfig,
    "IRuntimeCache": fake_plan.RuntimeCache,
    "DataType": fake_plan.DataType,
    "TensorIOMode": fake_plan.TensorIOMode,
    "NetworkDefinitionCreationFlag": fake_tensorrt.Flag,
    "ILogger": fake_tensorrt.ILogger,
}
OWN = {"shape", "profiles", "flags", "cache", "model", "tensors", "shapes"}


def public(thing: object) -> set[str]:
    return {name for name in vars(thing) if not name.startswith("_")}


@pytest.mark.parametrize("name", list(IMITATED))
def test_the_imitations_have_no_name_that_the_real_runtime_lacks(name):
    real = pytest.importorskip("tensorrt_rtx", reason="needs TensorRT for RTX")
    assert {n for n in public(IMITATED[name]) if not hasattr(getattr(real, name), n)} <= OWN


def test_the_imitated_cuda_has_no_name_that_the_real_one_lacks():
    real = pytest.importorskip("cuda.bindings.runtime", reason="needs cuda-python")
    assert {n for n in public(FakeCuda) if not hasattr(real, n)} == {"at", "left"}
    for name in ("cudaError_t", "cudaMemcpyKind", "cudaStreamCaptureMode"):
        for member in getattr(fake_cuda, name):
            assert getattr(getattr(real, name), member.name).value == member.value
