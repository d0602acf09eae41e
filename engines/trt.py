"""TensorRT and TensorRT for RTX on an NVIDIA GPU, in FP16: one class, the module is handed in.

A plan is built once for a model, a runtime and a GPU, and kept in the cache (`engines.plans`).
"""

from __future__ import annotations

import hashlib
import importlib
import logging
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engines import plans
from engines.build import build_plan, describe, log_of, port
from engines.gpu import Gpu, find_gpu
from engines.graph import OUTPUTS, Port, check_graph, check_prediction
from engines.lane import Kernels, Lane
from engines.native import native
from engines.parity import Reading
from engines.plans import Description
from engines.spec import (
    DEFAULT,
    Engine,
    EngineUnavailable,
    ModelSpec,
    Opening,
    Prediction,
    check_call,
    read_spec,
)

_log = logging.getLogger("kpstream")


class Runtime(NamedTuple):
    """A runtime with TensorRT's interface: its module, its name for people and its pip extra."""

    module: str
    title: str
    extra: str


TENSORRT = Runtime("tensorrt", "TensorRT", "tensorrt")


class TrtEngine:
    """A plan on a GPU; owned by one thread, which need not be the one that made it.

    `trt` is the module `tensorrt` or `tensorrt_rtx`. One picture has a lane of its own, ready from
    the start; more go in batches of the plan's size, whose lane is made at the first such call.
    """

    def __init__(
        self, path: Path, about: Description, plan: bytes, trt: Any, gpu: Gpu, *, title: str
    ) -> None:
        self.spec = ModelSpec.from_json(about.spec)
        self._trt, self._gpu = trt, gpu
        self._label = f"{title} {trt.__version__} on {gpu}, {about.precision}"
        self._lanes: dict[int, Lane] = {}
        with ExitStack() as taken:
            self._taken = taken
            gpu.use()
            self._engine = _loaded(path, plan, trt)
            self._kernels = None
            if hasattr(trt, "IRuntimeCache"):
                card = hashlib.sha256(str(gpu).encode()).hexdigest()[:8]
                name = f"{Path(about.file_name).stem}-{card}.kernels"
                self._kernels = Kernels(trt, self._engine, name)
            inputs, outputs = _io(self._engine, trt)
            check_graph(path, self.spec, inputs, outputs)
            self._outputs = [name for name in OUTPUTS if name in outputs]
            self._profiles = {
                int(self._engine.get_tensor_profile_shape("images", index)[2][0]): index
                for index in range(self._engine.num_optimization_profiles)
            }
            check_prediction(path, self.spec, self(np.zeros((1, *self.spec.input_hw, 3), np.uint8)))
            self._taken = taken.pop_all()

    def __str__(self) -> str:
        return self._label

    def __call__(self, images: NDArray[np.uint8]) -> Prediction:
        """(B, H, W, 3) BGR uint8 pictures of `spec.input_hw` → Prediction.

        Raises EngineUnavailable where the GPU fails.
        """
        check_call(images, self.spec, closed=self._engine is None)
        self._gpu.use()
        found: dict[str, NDArray[np.float32]] = {}
        step = self._step(len(images))
        for at in range(0, max(1, len(images)), step):
            part = images[at : at + step]
            lane = self._lane(len(part))
            lane.run(part)
            for name in self._outputs:
                answer = lane.answers[name][: len(part)]
                if name not in found:
                    found[name] = np.empty((len(images), *answer.shape[1:]), answer.dtype)
                # a copy (0.1 MB): page-locked memory is gone once the engine is closed
                found[name][at : at + len(part)] = answer
        return Prediction(found["heatmaps"], found.get("visibility"), found.get("count"))

    def close(self) -> None:
        """Give back all memory on the GPU. May be called twice."""
        if self._engine is not None:
            self._gpu.use()
            self._lanes.clear()
            self._kernels = self._engine = None
            self._taken.close()

    def _step(self, count: int) -> int:
        """How many of `count` pictures go at once."""
        return min((size for size in self._profiles if size >= count), default=max(self._profiles))

    def _lane(self, count: int) -> Lane:
        """The lane for `count` pictures."""
        size = self._step(count)
        if size not in self._lanes:
            with ExitStack() as taken:
                lane = self._new_lane(self._profiles[size], taken)
                self._taken.push(taken.pop_all())
            if lane.refused:
                self._label += f", no CUDA graph for {size} ({lane.refused})"
            self._lanes[size] = lane
        return self._lanes[size]

    def _new_lane(self, profile: int, taken: ExitStack) -> Lane:
        log_of(self._trt).error = ""
        words = () if self._kernels is None else (self._kernels.config,)
        context = self._engine.create_execution_context(*words)
        lane = Lane(
            self._gpu, self._trt, self._engine, context=context, profile=profile, taken=taken
        )
        if self._kernels is not None:
            self._kernels.keep()
        return lane


def open_model(path: Path, how: Opening = DEFAULT) -> Engine:
    """Model or plan file → a warmed-up engine on TensorRT; see `open_with`."""
    return open_with(TENSORRT, path, how)


def is_built(path: Path) -> bool:
    """Whether `open_model` finds a plan; see `is_built_with`."""
    return is_built_with(TENSORRT, path)


def open_with(runtime: Runtime, path: Path, how: Opening = DEFAULT) -> Engine:
    """Model file, or plan that export wrote → a warmed-up engine.

    A model's plan comes from the cache, or is built now, which blocks; `how.progress` hears of it.
    Raises SpecError, EngineUnavailable (what is missing and how to get it; broken off), OSError.
    """
    if path.suffix == ".plan":
        about, plan = plans.read_plan(path)
        trt, gpu = _found(runtime)
        _check_target(path, about, trt, gpu)
        return TrtEngine(path, about, plan, trt, gpu, title=runtime.title)
    spec, model = read_spec(path), path.read_bytes()
    trt, gpu = _found(runtime)
    about = _wanted(model, spec, trt, gpu)
    kept = plans.kept_plan(about)
    if kept is not None:
        try:
            return TrtEngine(path, about, kept, trt, gpu, title=runtime.title)
        except EngineUnavailable as error:
            _log.warning("the kept plan does not run (%s): it is built again", error)
    half = importlib.import_module("engines.fp16").half_precision(model)
    cards = about.capabilities if hasattr(trt, "ComputeCapability") else None
    plan = build_plan(half, spec, trt, compute_capabilities=cards, progress=how.progress)
    plans.keep_plan(about, plan)
    return TrtEngine(path, about, plan, trt, gpu, title=runtime.title)


def is_built_with(runtime: Runtime, path: Path) -> bool:
    """Whether opening this file builds nothing: it is a plan, or its plan is in the cache.

    Raises SpecError, EngineUnavailable where runtime or GPU are missing, OSError.
    """
    if path.suffix == ".plan":
        return True
    found = _found(runtime)  # asked first: most machines have none, and need not read the model
    return plans.kept_plan(_wanted(path.read_bytes(), read_spec(path), *found)) is not None


def carried(path: Path) -> Reading | None:
    """What a plan file was told, when it was exported, that it has to say."""
    text = plans.carried_reading(path)
    return Reading.from_json(text) if text else None


def load(runtime: Runtime) -> Any:
    """The runtime's module. Raises EngineUnavailable."""
    try:
        return native(runtime.module)
    except (ImportError, OSError, RuntimeError) as error:
        raise EngineUnavailable(
            f"{runtime.title} does not load ({error}): pip install 'kpstream[{runtime.extra}]'"
        ) from error


def _found(runtime: Runtime) -> tuple[Any, Gpu]:
    """The runtime's module and the GPU."""
    trt = load(runtime)
    try:
        return trt, find_gpu(runtime.extra)
    except EngineUnavailable as error:
        raise EngineUnavailable(f"{runtime.title} {trt.__version__} cannot run: {error}") from error


def _wanted(model: bytes, spec: ModelSpec, trt: Any, gpu: Gpu) -> Description:
    return describe(model, spec, trt, capabilities=[gpu.capability], device=gpu.name)


def _check_target(path: Path, about: Description, trt: Any, gpu: Gpu) -> None:
    """Raise EngineUnavailable for a plan of another runtime, version or GPU."""
    cards = ", ".join(f"{major}.{minor}" for major, minor in about.capabilities)
    runs = (about.runtime, about.version) == (trt.__name__, trt.__version__)
    if runs and gpu.capability in about.capabilities and about.device in (None, gpu.name):
        return
    raise EngineUnavailable(
        f"{path} is a plan for {about.runtime} {about.version} on {about.device or 'GPUs'} "
        f"({cards}), here is {trt.__name__} {trt.__version__} on {gpu}: give the ONNX model, whose "
        "plan is built here"
    )


def _loaded(path: Path, plan: bytes, trt: Any) -> Any:
    """Plan → the runtime's engine."""
    log = log_of(trt)
    log.error = ""
    try:
        engine = trt.Runtime(log).deserialize_cuda_engine(plan)
    except (TypeError, RuntimeError) as error:  # TypeError is how its bindings say "none"
        log.error, engine = log.error or str(error), None
    if engine is None:
        raise EngineUnavailable(
            f"{trt.__name__} {trt.__version__} does not load the plan of {path} ({log.error}): "
            "update the NVIDIA driver, or give the ONNX model, whose plan is built here"
        )
    return engine


def _io(engine: Any, trt: Any) -> tuple[dict[str, Port], dict[str, Port]]:
    """A loaded engine → its inputs and outputs."""
    inputs: dict[str, Port] = {}
    outputs: dict[str, Port] = {}
    for name in (engine.get_tensor_name(i) for i in range(engine.num_io_tensors)):
        taken = engine.get_tensor_mode(name) == trt.TensorIOMode.INPUT
        (inputs if taken else outputs)[name] = port(
            engine.get_tensor_dtype(name), tuple(engine.get_tensor_shape(name)), trt
        )
    return inputs, outputs
