"""An exported model → the file of one runtime, kept only if it says what the model says.

Every format is made from the ONNX file, so a model can be taken on without its checkpoint. What is
written passed the gate of `engines.parity`, or was not written; a plan for a GPU that is not here
carries what it has to say, and passes the gate where it is first opened.
"""

from __future__ import annotations

import importlib
import logging
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engines import build, compiled, fp16, ort, ov, parity, plans, trt, trust
from engines.gpu import find_gpu
from engines.graph import Step, between
from engines.parity import Reading
from engines.spec import Disagreement, Engine, EngineUnavailable, ModelSpec, read_spec
from stream.geometry import around
from stream.prepare import prepare
from stream.synth import Renderer
from stream.track import MARGIN

CALIBRATION = 300
"""Rendered packets that INT8's ranges are taken from."""


@dataclass(frozen=True, slots=True)
class Model:
    """An ONNX file, and what every file made from it has to say."""

    path: Path
    spec: ModelSpec
    reading: Reading

    @classmethod
    def load(cls, path: Path) -> Model:
        """ONNX file → model. Raises SpecError, EngineUnavailable, OSError."""
        return cls(path, read_spec(path), trust.reference(path))


def onnx_fp16(model: Model, out: Path) -> str:
    """Write the model with its convolutions in FP16; returns the gate's figures."""
    half = fp16.half_precision(model.path.read_bytes())
    return _kept(model, out, lambda part: part.write_bytes(half), ort.open_model)


def openvino(model: Model, out: Path, *, int8: bool = False) -> str:
    """Write the model in OpenVINO's format, an .xml and a .bin; returns the gate's figures.

    `int8`: the convolutions in INT8, but for the first ones, by post-training quantisation.
    """
    runtime = compiled.runtime()
    network = compiled.core(runtime).read_model(model.path)
    if int8:
        network = _quantised(network, model.spec)
    network.set_rt_info(model.spec.to_json(), list(compiled.SPEC_PATH))
    network.set_rt_info(model.reading.to_json(), list(compiled.REFERENCE_PATH))

    def write(part: Path) -> None:
        with compiled.unreported():  # saving loads the reporter too
            runtime.save_model(network, part, compress_to_fp16=True)

    return _kept(model, out, write, ov.open_model, ov.open_exact)


def plan(
    model: Model,
    out: Path,
    runtime: trt.Runtime,
    capabilities: Sequence[tuple[int, int]] | None = None,
) -> str:
    """Write a plan of TensorRT or TensorRT for RTX, in FP16; returns what is left to do.

    `capabilities` are (major, minor) of the GPUs that TensorRT for RTX is to build for; None, and
    for TensorRT always, the one at hand. Raises EngineUnavailable.
    """
    module = trt.load(runtime)
    device = None
    if capabilities is None:
        try:
            gpu = find_gpu(runtime.extra)
        except EngineUnavailable as error:
            if runtime is trt.TENSORRT:
                raise
            raise EngineUnavailable(f"{error}, or name the GPUs to build for with --sm") from error
        capabilities = [gpu.capability]
        device = gpu.name if runtime is trt.TENSORRT else None
    data = model.path.read_bytes()
    made = build.build_plan(
        fp16.half_precision(data),
        model.spec,
        module,
        compute_capabilities=None if runtime is trt.TENSORRT else capabilities,
    )
    about = build.describe(data, model.spec, module, capabilities=capabilities, device=device)
    plans.write_plan(out, made, about, model.reading.to_json())
    served = ", ".join(f"{major}.{minor}" for major, minor in capabilities)
    return f"for compute capability {served}; it has to pass the gate where it is first opened"


def _kept(
    model: Model, out: Path, write: Callable[[Path], Any], *openers: Callable[[Path], Engine]
) -> str:
    """Write beside `out`, hold it to the gate, put it in its place. Raises Disagreement.

    It is kept if it passes as one of `openers` opens it: what a fast precision of this machine
    misses is opened in an exact one, in use as here.
    """
    with tempfile.TemporaryDirectory(prefix=f".{out.name}.", dir=out.parent) as folder:
        part = Path(folder) / out.name
        write(part)
        for reopen in openers:
            engine = reopen(part)
            try:
                found = parity.compare(parity.read(engine), model.reading)
                label = str(engine)
            finally:
                engine.close()
            if found.holds:
                break
        else:
            raise Disagreement(
                f"{out} was not written: it would say something else than {model.path} in f32, by "
                f"more than {parity.CORNERS_PX:g} px or {parity.CARDS:g} cards: {found} ({label})"
            )
        # what a file refers to comes before the file itself
        for made in sorted(Path(folder).iterdir(), key=lambda path: path.name == out.name):
            made.replace(out.with_name(made.name))
    return f"{found} ({label})"


def _quantised(network: Any, spec: ModelSpec) -> Any:
    """OpenVINO's model → the same with INT8 between its first convolutions and its last."""
    try:
        with compiled.unreported():
            nncf = importlib.import_module("nncf")
    except ImportError as error:
        raise EngineUnavailable(
            f"INT8 needs NNCF ({error}): pip install 'kpstream[int8]'"
        ) from error
    logging.getLogger("nncf").setLevel(logging.ERROR)
    inside = _between_convolutions(network)
    outside = [
        op.get_friendly_name()
        for op in network.get_ordered_ops()
        if op.get_friendly_name() not in inside
        and op.get_type_name() not in {"Constant", "Parameter", "Result"}
    ]
    return nncf.quantize(
        network,
        nncf.Dataset(list(_crops(spec))),
        subset_size=CALIBRATION,
        preset=nncf.QuantizationPreset.MIXED,
        ignored_scope=nncf.IgnoredScope(names=outside, validate=False),
    )


def _between_convolutions(network: Any) -> set[str]:
    """The operations that are a convolution, but the first, or lie on a way from one to another."""
    kinds = {"Convolution", "GroupConvolution"}
    ops = network.get_ordered_ops()
    names = [op.get_friendly_name() for op in ops]
    convolutions = [n for n, op in zip(names, ops, strict=True) if op.get_type_name() in kinds]
    ends = set(convolutions[compiled.EXACT_FIRST :])
    # an operation is named as what it makes
    steps = [
        Step(frozenset(_sources(op)), frozenset({name}), name in ends)
        for name, op in zip(names, ops, strict=True)
    ]
    return {names[index] for index in between(steps)}


def _sources(op: Any) -> set[str]:
    return {value.get_node().get_friendly_name() for value in op.input_values()}


def _crops(spec: ModelSpec) -> NDArray[np.uint8]:
    """Rendered packets (N, 1, H, W, 3) as the network sees them; not those of the gate."""
    renderer = Renderer()
    images = np.empty((CALIBRATION, 1, *spec.input_hw, 3), np.uint8)
    for i, image in enumerate(images):
        shot = renderer.sample(np.random.default_rng([1_000, i]), (480, 640))
        prepare(shot.image, around(shot.xy, spec.input_hw, MARGIN), spec.input_hw, image[0])
    return images
