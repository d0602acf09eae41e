"""A loaded plan's way through the GPU for a fixed number of pictures, with a CUDA graph of it all.

One call is one launch: the uint8 pictures go up as they are, the network runs, the answers come
down. That was recorded once, from and to memory that stays where it is.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engines import plans
from engines.build import log_of
from engines.gpu import Buffer, Gpu
from engines.spec import EngineUnavailable

_WARM_UP = 3  # runs before the capture: the first ones compile, load and allocate


class Lane:
    """Pictures of one profile of the plan, uint8 → answers; has its own stream, memory and graph.

    `answers` are views of page-locked memory that the next `run` writes to. `refused` says why
    there is no CUDA graph, and is empty where there is one. Raises EngineUnavailable.
    """

    def __init__(
        self, gpu: Gpu, trt: Any, engine: Any, *, context: Any, profile: int, taken: ExitStack
    ) -> None:
        self._gpu = gpu
        self._trt = trt
        self._context = context
        self._stream = gpu.stream(taken)
        number = int(self._stream)
        self._agreed(context is not None, "create_execution_context")
        try:
            chosen = context.set_optimization_profile_async(profile, number)
        except RuntimeError:  # so its bindings say that it returned false
            chosen = False
        self._agreed(chosen, "set_optimization_profile_async")
        shape = tuple(engine.get_tensor_profile_shape("images", profile)[2])
        self._agreed(context.set_input_shape("images", shape), "set_input_shape")
        buffers = {}
        for name in (engine.get_tensor_name(i) for i in range(engine.num_io_tensors)):
            size = tuple(context.get_tensor_shape(name))
            self._agreed(min(size) > 0, f"get_tensor_shape({name}) = {size}")
            buffers[name] = gpu.buffer(taken, size, trt.nptype(engine.get_tensor_dtype(name)))
            address = buffers[name].device
            self._agreed(context.set_tensor_address(name, address), "set_tensor_address")
        self._images: Buffer = buffers.pop("images")
        self._outputs: dict[str, Buffer] = buffers
        self.answers = {name: buffer.host for name, buffer in buffers.items()}
        self._graph: Any = None
        for _ in range(_WARM_UP):
            self._run_plainly(np.zeros(shape, np.uint8))
        self.refused = self._capture(taken)

    def run(self, images: NDArray[np.uint8]) -> None:
        """Pictures, no more than the profile takes → `answers`, of which only as many count."""
        np.copyto(self._images.host[: len(images)], images)
        if self._graph is None:
            self._enqueue()
        else:
            self._gpu.call("cudaGraphLaunch", self._graph, self._stream)
        self._gpu.call("cudaStreamSynchronize", self._stream)

    def _enqueue(self) -> None:
        self._gpu.upload(self._images, self._stream)
        self._agreed(self._context.execute_async_v3(int(self._stream)), "execute_async_v3")
        for buffer in self._outputs.values():
            self._gpu.download(buffer, self._stream)

    def _run_plainly(self, images: NDArray[np.uint8]) -> dict[str, NDArray[Any]]:
        """Pictures → copies of the answers, without a graph."""
        graph, self._graph = self._graph, None
        self.run(images)
        self._graph = graph
        return {name: answer.copy() for name, answer in self.answers.items()}

    def _capture(self, taken: ExitStack) -> str:
        """Have `run` replay a graph from now on → "", or leave it as it is → the reason why."""
        capturable = getattr(self._context, "is_stream_capturable", None)  # TensorRT for RTX's
        if capturable is not None and not capturable(int(self._stream)):
            return "the plan cannot be captured"
        try:
            graph = self._gpu.capture(taken, self._stream, self._enqueue)
        except EngineUnavailable as error:
            return str(error).partition(": ")[0]  # without the remedy, as it works all the same
        return "" if self._replays(graph) else "its replay gave another answer"

    def _replays(self, graph: Any) -> bool:
        """Try a graph: it has to take up new pictures and write every answer anew.

        Noise and black look much alike to a network that sees a packet in neither, so its answer to
        noise has to be the one without a graph by a tenth of what tells it from that to black.
        """
        noise = np.random.default_rng(0).integers(0, 256, self._images.host.shape, np.uint8)
        wanted = self._run_plainly(noise)
        black = self._run_plainly(np.zeros_like(noise))
        for buffer in self._outputs.values():
            buffer.host.view(np.uint8).fill(255)  # as floats: not a number
            self._gpu.upload(buffer, self._stream)
        self._gpu.call("cudaStreamSynchronize", self._stream)
        self._graph = graph
        self.run(noise)
        good = all(
            np.abs(self.answers[name] - answer).max() <= np.abs(black[name] - answer).max() / 10
            for name, answer in wanted.items()
        )
        if not good:
            self._graph = None
        return good

    def _agreed(self, agreed: bool, what: str) -> None:
        if not agreed:
            said = log_of(self._trt).error or "it gives no reason"
            raise EngineUnavailable(
                f"{self._trt.__name__} {self._trt.__version__} failed in {what} ({said}): take "
                "another engine, and report this if its GPU works otherwise"
            )


class Kernels:
    """What TensorRT for RTX compiles for this GPU at a plan's first runs, kept for the next start.

    Its own CUDA graphs stay off: they hold the network alone, ours holds the copies too. Kernels
    are made before the first run ends, as the capture would else record those that only stand in.
    """

    def __init__(self, trt: Any, engine: Any, name: str) -> None:
        self.config = engine.create_runtime_config()
        self.config.cuda_graph_strategy = trt.CudaGraphStrategy.DISABLED
        strategies = trt.DynamicShapesKernelSpecializationStrategy
        self.config.dynamic_shapes_kernel_specialization_strategy = strategies.EAGER
        self._name = name
        self._cache = self.config.create_runtime_cache()
        self._kept = plans.recall(name)
        if self._kept is not None:
            self._cache.deserialize(self._kept)  # what another driver made is refused, and remade
        self.config.set_runtime_cache(self._cache)
        self._engine = engine  # the last to go: the bindings do not keep it for its configuration

    def keep(self) -> None:
        """Write what has been compiled since."""
        written = self._cache.serialize()
        data = None if written is None else bytes(memoryview(written))
        if data is not None and data != self._kept:
            plans.remember(self._name, data)
            self._kept = data
