"""`cuda.bindings.runtime` without a GPU: as strict as the real one, and lazier.

The GPU's memory is this machine's. What is put on a stream runs when the stream is waited for and
not before; a capture records it, a launch puts the record on the stream. A thread that chose no
device, memory that is not there, and a copy the wrong way are errors.
"""

# ruff: noqa: N801, N802, N815 - these are the real names
from __future__ import annotations

import ctypes
import enum
import functools
import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np


class cudaError_t(enum.IntEnum):
    cudaSuccess = 0
    cudaErrorInvalidValue = 1
    cudaErrorMemoryAllocation = 2
    cudaErrorInsufficientDriver = 35
    cudaErrorNoDevice = 100
    cudaErrorInvalidDevice = 101
    cudaErrorInvalidResourceHandle = 400
    cudaErrorLaunchFailure = 719
    cudaErrorStreamCaptureUnsupported = 900


class cudaMemcpyKind(enum.IntEnum):
    cudaMemcpyHostToDevice = 1
    cudaMemcpyDeviceToHost = 2


class cudaStreamCaptureMode(enum.IntEnum):
    cudaStreamCaptureModeThreadLocal = 1


class Handle:
    """A stream, a graph or an executable graph: what is in it, in order."""

    def __init__(self, work: list[Callable[[], None]] | None = None) -> None:
        self.work = work or []
        self.recorded: list[Callable[[], None]] | None = None

    def __int__(self) -> int:
        return id(self)

    def put(self, work: Callable[[], None]) -> None:
        (self.work if self.recorded is None else self.recorded).append(work)


def call(values: int, name: str = "") -> Callable[[Any], Any]:
    """A function of the runtime: its error code, and as many values after it."""

    def wrapped(function: Any) -> Any:
        called = name or function.__name__

        @functools.wraps(function)
        def run(self: FakeCuda, *words: Any) -> tuple[Any, ...]:
            self.calls.append(called)
            error = self.fails.get(called)
            thread = threading.get_ident()
            if error is None and called not in ANYWHERE and thread not in self.threads:
                error = cudaError_t.cudaErrorInvalidDevice
            found = None if error is not None else function(self, *words)
            if isinstance(found, cudaError_t):
                error, found = found, None
            head = cudaError_t.cudaSuccess if error is None else error
            return (head, found)[: 1 + values]

        return run

    return wrapped


ANYWHERE = {
    "cudaDriverGetVersion",
    "cudaRuntimeGetVersion",
    "cudaGetDeviceCount",
    "cudaSetDevice",
}
BAD = cudaError_t.cudaErrorInvalidValue


class FakeCuda:
    """The module. `fails[name]` is the error of every call of that name; `calls` are all names."""

    cudaError_t, cudaMemcpyKind = cudaError_t, cudaMemcpyKind
    cudaStreamCaptureMode = cudaStreamCaptureMode
    cudaStreamNonBlocking, cudaHostAllocDefault = 1, 0

    def __init__(self, name: str = "NVIDIA GeForce RTX 4070", capability=(8, 9)) -> None:
        self.fails: dict[str, cudaError_t] = {}
        self.calls: list[str] = []
        self.threads: set[int] = set()
        self.driver, self.runtime, self.count = 13000, 13040, 1
        self.card = SimpleNamespace(name=name.encode(), major=capability[0], minor=capability[1])
        self.memory: dict[int, tuple[str, Any]] = {}
        self.handles: dict[int, Handle] = {}

    @property
    def left(self) -> int:
        """How much is taken and not given back."""
        return len(self.memory) + len(self.handles)

    def _new(self, handle: Handle) -> Handle:
        self.handles[int(handle)] = handle
        return handle

    def _end(self, handle: Handle) -> cudaError_t | None:
        known = self.handles.pop(int(handle), None)
        return None if known is handle else cudaError_t.cudaErrorInvalidResourceHandle

    def _allocate(self, where: str, size: int) -> int:
        array = np.full(size, 0xCD, np.uint8)
        self.memory[array.ctypes.data] = (where, array)
        return array.ctypes.data

    def _free(self, where: str, address: int) -> cudaError_t | None:
        if self.memory.get(address, ("", None))[0] != where:
            return BAD
        self.memory.pop(address)[1].fill(0xAB)
        return None

    def at(self, where: str, address: int, size: int) -> bool:
        """Whether that many bytes of memory are there."""
        return any(
            kind == where and start <= address and address + size <= start + len(array)
            for start, (kind, array) in self.memory.items()
        )

    @call(1)
    def cudaDriverGetVersion(self):
        return self.driver

    @call(1)
    def cudaRuntimeGetVersion(self):
        return self.runtime

    @call(1)
    def cudaGetDeviceCount(self):
        return self.count

    @call(0)
    def cudaSetDevice(self, device):
        if not 0 <= device < self.count:
            return cudaError_t.cudaErrorInvalidDevice
        self.threads.add(threading.get_ident())
        return None

    @call(1)
    def cudaGetDeviceProperties(self, _device):
        return self.card

    @call(1)
    def cudaStreamCreateWithFlags(self, _flags):
        return self._new(Handle())

    @call(0)
    def cudaStreamDestroy(self, stream):
        return self._end(stream)

    @call(0)
    def cudaStreamSynchronize(self, stream):
        if stream.recorded is not None:
            return cudaError_t.cudaErrorStreamCaptureUnsupported
        work, stream.work = stream.work, []
        for piece in work:
            piece()
        return None

    @call(0)
    def cudaStreamBeginCapture(self, stream, _mode):
        if stream.recorded is not None:
            return BAD
        stream.recorded = []
        return None

    def cudaStreamEndCapture(self, stream):
        recorded, stream.recorded = stream.recorded, None  # ended, even where it says an error
        return self._graph_of(recorded)

    @call(1, "cudaStreamEndCapture")
    def _graph_of(self, recorded):
        return BAD if recorded is None else self._new(Handle(recorded))

    @call(1)
    def cudaGraphInstantiate(self, graph, _flags):
        return self._new(Handle(list(graph.work)))

    @call(0)
    def cudaGraphDestroy(self, graph):
        return self._end(graph)

    @call(0)
    def cudaGraphExecDestroy(self, ready):
        return self._end(ready)

    @call(0)
    def cudaGraphLaunch(self, ready, stream):
        if int(ready) not in self.handles:
            return cudaError_t.cudaErrorInvalidResourceHandle
        for piece in ready.work:
            stream.put(piece)
        return None

    @call(1)
    def cudaHostAlloc(self, size, _flags):
        return self._allocate("host", size)

    @call(1)
    def cudaMalloc(self, size):
        return self._allocate("device", size)

    @call(0)
    def cudaFreeHost(self, address):
        return self._free("host", address)

    @call(0)
    def cudaFree(self, address):
        return self._free("device", address)

    @call(0)
    def cudaMemcpyAsync(self, to, source, size, kind, stream):
        ends = (
            ("device", "host")
            if kind == cudaMemcpyKind.cudaMemcpyHostToDevice
            else ("host", "device")
        )
        if not (self.at(ends[0], to, size) and self.at(ends[1], source, size)):
            return BAD
        stream.put(lambda: ctypes.memmove(to, source, size))
        return None

    def cudaGetErrorName(self, error):
        return cudaError_t.cudaSuccess, error.name.encode()

    def cudaGetErrorString(self, _error):
        return cudaError_t.cudaSuccess, b"in words"
