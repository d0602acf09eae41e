"""One GPU through `cuda.bindings.runtime` (cuda-python): memory, streams and graphs.

Every call's error code is looked at. What is taken is given back by the `ExitStack` that the caller
hands in, the last first.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engines.native import native
from engines.spec import EngineUnavailable

_DEVICE = 0  # the first that CUDA_VISIBLE_DEVICES leaves visible


@dataclass(frozen=True, slots=True)
class Buffer:
    """An array in page-locked memory of the host and its twin on the GPU, at `device`."""

    host: NDArray[Any]
    device: int


class Gpu:
    """The first GPU that this process may use, looked up with the module `cuda.bindings.runtime`.

    `capability` is its (major, minor) compute capability. Raises EngineUnavailable, here and from
    every method, naming the call that failed and CUDA's own words.
    """

    def __init__(self, cuda: Any) -> None:
        self._cuda = cuda
        driver = self.call("cudaDriverGetVersion")
        if driver == 0:
            raise EngineUnavailable(
                "no NVIDIA driver is found (cudaDriverGetVersion gives 0): install NVIDIA's driver"
            )
        error, count = cuda.cudaGetDeviceCount()
        if error == cuda.cudaError_t.cudaErrorInsufficientDriver:
            wanted = _version(self.call("cudaRuntimeGetVersion"))
            raise EngineUnavailable(
                f"the NVIDIA driver serves CUDA {_version(driver)}, cuda-python wants {wanted}: "
                f"update the driver, or pip install 'cuda-python<{driver // 1000 + 1}'"
            )
        if error == cuda.cudaError_t.cudaErrorNoDevice or (not self._failed(error) and count == 0):
            raise EngineUnavailable(
                "the NVIDIA driver finds no GPU (cudaGetDeviceCount): see nvidia-smi, and whether "
                "CUDA_VISIBLE_DEVICES hides it"
            )
        self._check("cudaGetDeviceCount", error)
        self.use()
        properties = self.call("cudaGetDeviceProperties", _DEVICE)
        self.name = bytes(properties.name).rstrip(b"\0").decode(errors="replace")
        self.capability = (int(properties.major), int(properties.minor))

    def __str__(self) -> str:
        major, minor = self.capability
        return f"{self.name} ({major}.{minor})"

    def use(self) -> None:
        """Make it the GPU of the calling thread; each thread has its own."""
        self.call("cudaSetDevice", _DEVICE)

    def call(self, name: str, *words: Any) -> Any:
        """Call a function of the CUDA runtime → what it returns beside its error code."""
        error, *values = getattr(self._cuda, name)(*words)
        self._check(name, error)
        return values[0] if values else None

    def stream(self, taken: ExitStack) -> Any:
        """A stream that waits for no other."""
        stream = self.call("cudaStreamCreateWithFlags", self._cuda.cudaStreamNonBlocking)
        self._give_back_at_exit(taken, "cudaStreamDestroy", stream)
        return stream

    def buffer(self, taken: ExitStack, shape: tuple[int, ...], dtype: Any) -> Buffer:
        """Memory for an array, on both sides."""
        size = int(np.prod(shape)) * np.dtype(dtype).itemsize
        pinned = self.call("cudaHostAlloc", size, self._cuda.cudaHostAllocDefault)
        self._give_back_at_exit(taken, "cudaFreeHost", pinned)
        device = self.call("cudaMalloc", size)
        self._give_back_at_exit(taken, "cudaFree", device)
        memory = (ctypes.c_uint8 * size).from_address(int(pinned))
        return Buffer(np.frombuffer(memory, dtype).reshape(shape), int(device))

    def upload(self, buffer: Buffer, stream: Any) -> None:
        """Put on the stream: host → GPU."""
        kind = self._cuda.cudaMemcpyKind.cudaMemcpyHostToDevice
        host = buffer.host
        self.call("cudaMemcpyAsync", buffer.device, host.ctypes.data, host.nbytes, kind, stream)

    def download(self, buffer: Buffer, stream: Any) -> None:
        """Put on the stream: GPU → host."""
        kind = self._cuda.cudaMemcpyKind.cudaMemcpyDeviceToHost
        host = buffer.host
        self.call("cudaMemcpyAsync", host.ctypes.data, buffer.device, host.nbytes, kind, stream)

    def capture(self, taken: ExitStack, stream: Any, work: Callable[[], None]) -> Any:
        """What `work` puts on the stream → a graph of it, ready to launch; nothing of it runs.

        The stream is usable afterwards, also where the capture is refused.
        """
        # of this thread only: another one may allocate meanwhile
        mode = self._cuda.cudaStreamCaptureMode.cudaStreamCaptureModeThreadLocal
        self.call("cudaStreamBeginCapture", stream, mode)
        with ExitStack() as ended:
            try:
                work()
            except BaseException:
                error, half = self._cuda.cudaStreamEndCapture(stream)
                if not self._failed(error):
                    self._give_back_at_exit(ended, "cudaGraphDestroy", half)
                raise
            graph = self.call("cudaStreamEndCapture", stream)
            self._give_back_at_exit(ended, "cudaGraphDestroy", graph)
            ready = self.call("cudaGraphInstantiate", graph, 0)
            self._give_back_at_exit(taken, "cudaGraphExecDestroy", ready)
            return ready

    def _give_back_at_exit(self, taken: ExitStack, name: str, handle: Any) -> None:
        def give_back(
            kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None
        ) -> None:
            (error,) = getattr(self._cuda, name)(handle)
            if kind is None:  # else the error under way says more
                self._check(name, error)

        taken.push(give_back)

    def _failed(self, error: Any) -> bool:
        return bool(error != self._cuda.cudaError_t.cudaSuccess)

    def _check(self, name: str, error: Any) -> None:
        if self._failed(error):
            code, words = (
                getattr(self._cuda, ask)(error)[1].decode(errors="replace")
                for ask in ("cudaGetErrorName", "cudaGetErrorString")
            )
            raise EngineUnavailable(
                f"{name} failed on the GPU with {code} ({words}): see nvidia-smi for its state and "
                "free memory, or take another engine"
            )


def find_gpu(extra: str) -> Gpu:
    """The first GPU; `extra` is the pip extra that brings cuda-python. Raises EngineUnavailable."""
    try:
        cuda = native("cuda.bindings.runtime")
    except (ImportError, OSError) as error:
        raise EngineUnavailable(
            f"cuda-python does not load ({error}): pip install 'kpstream[{extra}]'"
        ) from error
    return Gpu(cuda)


def _version(number: int) -> str:
    return f"{number // 1000}.{number % 1000 // 10}"
