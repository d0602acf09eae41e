"""A loaded plan of `fake_tensorrt`: it carries its ONNX model, and ONNX Runtime runs it.

The runs are put on a stream of `fake_cuda`, and read and write its memory at the addresses that
the context was given.
"""

from __future__ import annotations

import ctypes
import enum
import json
import math
from typing import Any

import numpy as np
import onnxruntime


class DataType(enum.IntEnum):
    FLOAT = 0
    UINT8 = 5


class TensorIOMode(enum.Enum):
    NONE, INPUT, OUTPUT = range(3)


TYPES = {"tensor(float)": DataType.FLOAT, "tensor(uint8)": DataType.UINT8}


def nptype(dtype: DataType) -> Any:
    return {DataType.FLOAT: np.float32, DataType.UINT8: np.uint8}[dtype]


class Tensor:
    def __init__(self, node: Any) -> None:
        self.name, self.dtype = node.name, TYPES[node.type]
        self.shape = tuple(size if isinstance(size, int) else -1 for size in node.shape)


class Model:
    """An ONNX model's bytes, its tensors and its answers."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(
            data, options, providers=["CPUExecutionProvider"]
        )
        self.inputs = [Tensor(node) for node in self.session.get_inputs()]
        self.outputs = [Tensor(node) for node in self.session.get_outputs()]


class RuntimeConfig:
    cuda_graph_strategy = dynamic_shapes_kernel_specialization_strategy = None
    cache: Any = None

    def __init__(self, trt) -> None:
        self._trt = trt

    def create_runtime_cache(self):
        return RuntimeCache(self._trt)

    def set_runtime_cache(self, cache):
        self.cache = cache
        return True


class RuntimeCache:
    """The shapes that were compiled, and by which driver."""

    def __init__(self, trt) -> None:
        self._trt, self.shapes = trt, []

    def serialize(self):
        return json.dumps([self._trt.cuda.driver, self.shapes]).encode()

    def deserialize(self, data):
        driver, shapes = json.loads(data)
        self.shapes = shapes if driver == self._trt.cuda.driver else []
        return driver == self._trt.cuda.driver


class Engine:
    def __init__(self, trt, model: Model, shapes) -> None:
        self._trt, self.model, self.shapes = trt, model, [tuple(shape) for shape in shapes]
        self.tensors = {t.name: t for t in (*model.inputs, *model.outputs)}
        self.num_io_tensors, self.num_optimization_profiles = len(self.tensors), len(self.shapes)

    def get_tensor_name(self, index):
        return list(self.tensors)[index]

    def get_tensor_shape(self, name):
        return self.tensors[name].shape

    def get_tensor_dtype(self, name):
        return self.tensors[name].dtype

    def get_tensor_mode(self, name):
        taken = self.tensors[name] in self.model.inputs
        return TensorIOMode.INPUT if taken else TensorIOMode.OUTPUT

    def get_tensor_profile_shape(self, name, profile):
        assert name == "images"
        return [self.shapes[profile]] * 3

    def create_execution_context(self, config=None):
        return self._trt.agreed("create_execution_context", Context(self._trt, self, config))

    def create_runtime_config(self):
        return RuntimeConfig(self._trt)


class Context:
    def __init__(self, trt, engine: Engine, config) -> None:
        self._trt, self._engine, self._config = trt, engine, config
        self._shape, self._profile = (), None
        self._addresses: dict[str, int] = {}

    def set_optimization_profile_async(self, profile, stream):
        self._profile = profile
        known = stream in self._trt.cuda.handles
        if not self._trt.agreed("set_optimization_profile_async", known):
            raise RuntimeError("Error in set optimization profile async.")
        return True

    def set_input_shape(self, name, shape):
        self._shape = tuple(shape)
        fits = name == "images" and self._shape == self._engine.shapes[self._profile]
        return self._trt.agreed("set_input_shape", fits)

    def get_tensor_shape(self, name):
        return (self._shape[0], *self._engine.tensors[name].shape[1:])

    def set_tensor_address(self, name, address):
        self._addresses[name] = address
        size = math.prod(self.get_tensor_shape(name))
        return self._trt.agreed("set_tensor_address", self._trt.cuda.at("device", address, size))

    def is_stream_capturable(self, _stream):
        return self._trt.agreed("is_stream_capturable", True)

    def execute_async_v3(self, stream):
        handle = self._trt.cuda.handles[stream]
        capturing = handle.recorded is not None
        if capturing and "capture" in self._trt.refuses:
            return False
        if self._config is not None and list(self._shape) not in self._config.cache.shapes:
            self._trt.compiled += 1
            self._config.cache.shapes.append(list(self._shape))
        run = self._trt.broken(self._run) if capturing else self._run
        handle.put(run)
        return self._trt.agreed("execute_async_v3", True)

    def _run(self) -> None:
        images = self._at("images").copy()
        names = [tensor.name for tensor in self._engine.model.outputs]
        for name, answer in zip(
            names, self._engine.model.session.run(names, {"images": images}), strict=True
        ):
            self._at(name)[:] = answer

    def _at(self, name) -> np.ndarray:
        dtype, shape = nptype(self._engine.get_tensor_dtype(name)), self.get_tensor_shape(name)
        size = math.prod(shape) * np.dtype(dtype).itemsize
        memory = (ctypes.c_uint8 * size).from_address(self._addresses[name])
        return np.frombuffer(memory, dtype).reshape(shape)
