"""`tensorrt` and `tensorrt_rtx` without a GPU: they build plans that `fake_plan` runs."""

from __future__ import annotations

import enum
import json
from collections.abc import Callable
from types import ModuleType
from typing import Any

from fake_cuda import FakeCuda
from fake_plan import Engine, Model, RuntimeCache, TensorIOMode, nptype


class Flag(enum.IntEnum):
    STRONGLY_TYPED = 1


class ILogger:
    INTERNAL_ERROR, ERROR, WARNING, INFO, VERBOSE = range(5)


class IProgressMonitor:
    pass


class Network:
    model: Model

    num_inputs = property(lambda self: len(self.model.inputs))
    num_outputs = property(lambda self: len(self.model.outputs))

    def get_input(self, index):
        return self.model.inputs[index]

    def get_output(self, index):
        return self.model.outputs[index]


class OnnxParser:
    def __init__(self, network, _log) -> None:
        self._network = network

    def parse(self, data):
        self._network.model = Model(data)
        return True


class Profile:
    def set_shape(self, name, smallest, usual, largest):
        assert name == "images"
        assert smallest == usual == largest
        self.shape = tuple(largest)


class Config:
    def __init__(self) -> None:
        self.profiles: list[Profile] = []
        self.flags: set[str] = set()
        self.progress_monitor: Any = None

    def add_optimization_profile(self, profile):
        self.profiles.append(profile)
        return len(self.profiles) - 1

    def set_flag(self, flag):
        self.flags.add(flag)

    def clear_flag(self, flag):
        self.flags.discard(flag)


class RtxConfig(Config):
    num_compute_capabilities = 0

    def set_compute_capability(self, _capability, index):
        return index < self.num_compute_capabilities


class FakeTensorRt(ModuleType):
    """The module. Names in `refuses` fail as the real ones do; `broken` spoils what is captured."""

    def __init__(self, name: str, cuda: FakeCuda, version: str = "10.3.0") -> None:
        super().__init__(name)
        self.__version__, self.cuda = version, cuda
        self.refuses: set[str] = set()
        self.broken: Callable[[Callable[[], None]], Callable[[], None]] = lambda run: run
        self.built = self.compiled = 0
        self.heard: Any = None
        self.ILogger, self.IProgressMonitor, self.OnnxParser = ILogger, IProgressMonitor, OnnxParser
        self.NetworkDefinitionCreationFlag, self.TensorIOMode, self.nptype = (
            Flag,
            TensorIOMode,
            nptype,
        )
        flags, self._config = ["TF32"], Config
        if name == "tensorrt_rtx":
            flags, self._config = [*flags, "REQUIRE_USER_ALLOCATION"], RtxConfig
            self.ComputeCapability = enum.Enum("ComputeCapability", "SM75 SM86 SM89 SM120")
            self.CudaGraphStrategy = enum.Enum("CudaGraphStrategy", "DISABLED")
            strategies = enum.Enum("DynamicShapesKernelSpecializationStrategy", "EAGER LAZY")
            self.DynamicShapesKernelSpecializationStrategy = strategies
            self.IRuntimeCache = RuntimeCache
        self.BuilderFlag = enum.Enum("BuilderFlag", flags)

    def agreed(self, name: str, value: Any) -> Any:
        """What a call gives: nothing, and a word in the log, where it is to be refused."""
        if name not in self.refuses:
            return value
        self.heard.log(ILogger.ERROR, f"{name}: Error Code 9:\n  refused")
        return None

    def Builder(self, log):  # noqa: N802
        self.heard = log
        return Builder(self)

    def Runtime(self, log):  # noqa: N802
        self.heard = log
        if "Runtime" in self.refuses:
            raise TypeError("pybind11::init(): factory function returned nullptr")
        return Runtime(self)


class Builder:
    def __init__(self, trt: FakeTensorRt) -> None:
        self._trt = trt

    def create_network(self, flags):
        assert flags == 1 << Flag.STRONGLY_TYPED
        return Network()

    def create_builder_config(self):
        return self._trt._config()

    def create_optimization_profile(self):
        return Profile()

    def build_serialized_network(self, network, config):
        monitor = config.progress_monitor
        monitor.phase_start("Building engine", None, 4)
        for step in range(4):
            if not monitor.step_complete("Building engine", step):
                return None
        monitor.phase_finish("Building engine")
        self._trt.built += 1
        shapes = [profile.shape for profile in config.profiles]
        head = json.dumps([self._trt.__name__, self._trt.__version__, shapes]).encode()
        return self._trt.agreed("build_serialized_network", head + b"\0" + network.model.data)


class Runtime:
    def __init__(self, trt: FakeTensorRt) -> None:
        self._trt = trt

    def deserialize_cuda_engine(self, plan):
        head, _, data = plan.partition(b"\0")
        name, version, shapes = json.loads(head)
        if (name, version) != (self._trt.__name__, self._trt.__version__):
            self._trt.heard.log(ILogger.ERROR, "the plan is of another version")
            return None
        return self._trt.agreed("deserialize_cuda_engine", Engine(self._trt, Model(data), shapes))
