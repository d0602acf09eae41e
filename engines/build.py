"""ONNX model → plan of TensorRT or TensorRT for RTX; the runtime's module is handed in.

A network is strongly typed: its precision is that of the ONNX graph, in every version from 10 on.
TensorRT for RTX builds on any machine, for the GPUs that are named to it; TensorRT builds for the
GPU at hand alone.
"""

from __future__ import annotations

import hashlib
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from engines.graph import Port, check_graph
from engines.plans import Description
from engines.spec import EngineUnavailable, ModelSpec, Progress

BATCHES = (1, 8)
"""Numbers of pictures that a plan takes at once."""

_RECIPE = ("build.py", "fp16.py")


def describe(
    model: bytes,
    spec: ModelSpec,
    trt: Any,
    *,
    capabilities: Sequence[tuple[int, int]],
    device: str | None = None,
) -> Description:
    """What a plan of this ONNX file is built from and for; `model` is the file as it was exported.

    `device` is the GPU's name where the plan serves no other GPU of its compute capability.
    """
    recipe = hashlib.sha256()
    for name in _RECIPE:  # a plan that this program would now build otherwise is another plan
        recipe.update(Path(__file__).with_name(name).read_bytes())
    return Description(
        model=hashlib.sha256(model).hexdigest(),
        recipe=recipe.hexdigest(),
        runtime=trt.__name__,
        version=trt.__version__,
        device=device,
        capabilities=tuple(capabilities),
        precision="fp16",
        batches=BATCHES,
        spec=spec.to_json(),
    )


def build_plan(
    model: bytes,
    spec: ModelSpec,
    trt: Any,
    *,
    compute_capabilities: Sequence[tuple[int, int]] | None,
    progress: Progress | None = None,
) -> bytes:
    """Bytes of an ONNX model, its precision settled → plan for `BATCHES` of pictures.

    `compute_capabilities` are the (major, minor) of the GPUs to build for, None for the one at
    hand. Blocks, for seconds with TensorRT for RTX and for up to minutes with TensorRT; other
    threads run on. Raises EngineUnavailable with the runtime's own reason, or where `progress` or
    a signal broke the build off, and SpecError for a graph that does not fit its spec.
    """
    log = log_of(trt)
    log.error = ""
    try:
        builder = trt.Builder(log)
    except (TypeError, RuntimeError) as error:  # TypeError is how its bindings say "none"
        raise _refusal(trt, f"does not start here ({log.error or error})") from error
    network = _network(builder, model, spec, trt)
    config = _config(builder, spec, trt)
    if compute_capabilities is not None:
        _aim(config, trt, compute_capabilities)
    with _signals_wait() as noted:
        monitor = _monitor(trt, progress, noted)
        config.progress_monitor = monitor
        plan = builder.build_serialized_network(network, config)
    if monitor.stopped:
        raise EngineUnavailable(f"the build with {_name(trt)} was broken off")
    if plan is None:
        raise _refusal(trt, f"cannot build this model ({log.error or 'it gives no reason'})")
    return bytes(memoryview(plan))


@cache
def log_of(trt: Any) -> Any:
    """The one logger of a runtime in this process: its `error` is the last error that was logged.

    A runtime takes its first logger for all that follows, so that one is never given back. Nothing
    is printed.
    """

    class Log(trt.ILogger):  # type: ignore[misc] # its module is a parameter
        def __init__(self) -> None:
            trt.ILogger.__init__(self)
            self.error = ""

        def log(self, severity: Any, words: str) -> None:
            if severity in (trt.ILogger.ERROR, trt.ILogger.INTERNAL_ERROR):
                self.error = " ".join(words.split())

    return Log()


def _network(builder: Any, model: bytes, spec: ModelSpec, trt: Any) -> Any:
    """ONNX → the runtime's network, held to its spec."""
    flags = trt.NetworkDefinitionCreationFlag
    # TensorRT 10 has to be asked for it, 11 and TensorRT for RTX know nothing else
    typed = 1 << int(flags.STRONGLY_TYPED) if hasattr(flags, "STRONGLY_TYPED") else 0
    network = builder.create_network(typed)
    parser = trt.OnnxParser(network, log_of(trt))
    if not parser.parse(model):
        first = parser.get_error(0)
        place = f"{first.node_operator()} {first.node_name()}".strip()
        raise _refusal(trt, f"cannot read this model ({f'{place}: ' * bool(place)}{first.desc()})")
    inputs = [network.get_input(i) for i in range(network.num_inputs)]
    outputs = [network.get_output(i) for i in range(network.num_outputs)]
    takes, gives = (
        {tensor.name: port(tensor.dtype, tensor.shape, trt) for tensor in tensors}
        for tensors in (inputs, outputs)
    )
    check_graph(Path(spec.name), spec, takes, gives)
    return network


def port(dtype: Any, shape: Sequence[int], trt: Any) -> Port:
    """The runtime's type and shape of a tensor → port; −1 is any size."""
    sizes = tuple(None if size < 0 else size for size in shape)
    return Port(np.dtype(trt.nptype(dtype)).name, sizes)


def _config(builder: Any, spec: ModelSpec, trt: Any) -> Any:
    """How a plan is to be built: no TF32, a profile for each of `BATCHES`."""
    config = builder.create_builder_config()
    # what the graph keeps in f32 is there because it needs all of it
    config.clear_flag(trt.BuilderFlag.TF32)
    if hasattr(trt.BuilderFlag, "REQUIRE_USER_ALLOCATION"):
        # of TensorRT for RTX: without it, memory taken while it runs may forbid a CUDA graph
        config.set_flag(trt.BuilderFlag.REQUIRE_USER_ALLOCATION)
    for size in BATCHES:
        profile, shape = builder.create_optimization_profile(), (size, *spec.input_hw, 3)
        profile.set_shape("images", shape, shape, shape)
        if config.add_optimization_profile(profile) < 0:
            raise _refusal(trt, f"refuses pictures of {shape} ({log_of(trt).error})")
    return config


def _aim(config: Any, trt: Any, capabilities: Sequence[tuple[int, int]]) -> None:
    """Have a plan built for GPUs of these compute capabilities, present or not."""
    wanted = ", ".join(f"{major}.{minor}" for major, minor in capabilities)
    if not hasattr(config, "set_compute_capability"):
        raise EngineUnavailable(
            f"{_name(trt)} builds for the GPU at hand alone, not for {wanted}: build on that "
            "machine, or for TensorRT for RTX (pip install 'kpstream[tensorrt-rtx]')"
        )
    known = trt.ComputeCapability.__members__
    names = [f"SM{major}{minor}" for major, minor in capabilities]
    if not names or not set(names) <= known.keys():
        served = ", ".join(f"{n[2:-1]}.{n[-1]}" for n in known if n.startswith("SM"))
        raise EngineUnavailable(
            f"{_name(trt)} serves GPUs of compute capability {served}, not {wanted or 'none'}: "
            "use TensorRT (pip install 'kpstream[tensorrt]') or another engine there"
        )
    config.num_compute_capabilities = len(names)
    for index, name in enumerate(names):
        if not config.set_compute_capability(known[name], index):
            raise _refusal(trt, f"refuses compute capability {name[2:]} ({log_of(trt).error})")


def _monitor(trt: Any, progress: Progress | None, noted: list[int]) -> Any:
    """What a build reports to; its `stopped` says whether it was broken off."""

    class Monitor(trt.IProgressMonitor):  # type: ignore[misc]
        def __init__(self) -> None:
            trt.IProgressMonitor.__init__(self)
            self.stopped = False
            self._open: dict[str, tuple[int, int]] = {}  # phase → (steps, done), outermost first
            self._share = 0.0

        def phase_start(self, phase: str, _parent: str | None, steps: int) -> None:
            self._open[phase] = (max(1, steps), 0)

        def step_complete(self, phase: str, step: int) -> bool:
            self._open[phase] = (self._open.get(phase, (step + 1, 0))[0], step + 1)
            share, width = 0.0, 1.0
            for steps, done in list(self._open.values()):
                width /= steps
                share += done * width
            self._share = max(self._share, min(1.0, share))
            if noted or (progress is not None and not progress(self._share)):
                self.stopped = True
            return not self.stopped

        def phase_finish(self, phase: str) -> None:
            self._open.pop(phase, None)

    return Monitor()


@contextmanager
def _signals_wait() -> Iterator[list[int]]:
    """Note SIGINT and SIGTERM (yielded) and raise them at the end.

    An exception of a handler that runs within a call back from C++ would be lost there.
    """
    noted: list[int] = []
    before = {}
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            if callable(signal.getsignal(number)):  # neither ignored nor the system's own end
                before[number] = signal.signal(number, lambda number, _: noted.append(number))
    try:
        yield noted
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if noted:
        signal.raise_signal(noted[0])


def _name(trt: Any) -> str:
    return f"{trt.__name__} {trt.__version__}"


def _refusal(trt: Any, what: str) -> EngineUnavailable:
    extra = trt.__name__.replace("_", "-")
    return EngineUnavailable(
        f"{_name(trt)} {what}: pip install --upgrade 'kpstream[{extra}]', or export the model again"
    )
