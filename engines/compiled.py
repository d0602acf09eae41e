"""A model file → OpenVINO's compiled model, kept in the cache so that the next start is quick."""

from __future__ import annotations

import hashlib
import io
import logging
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from itertools import takewhile
from pathlib import Path
from typing import Any

from engines import plans
from engines.native import native
from engines.parity import Reading
from engines.spec import METADATA_KEY, EngineUnavailable, ModelSpec, SpecError, read_spec

SPEC_PATH = (METADATA_KEY, "spec")
REFERENCE_PATH = (METADATA_KEY, "reference")
"""Where OpenVINO's own format carries a model's description, and what it has to say."""

EXACT_FIRST = 3
"""How many convolutions, from the pixels on, stay in f32 where the others are in bf16.

On them hangs what a card's edge looks like: rounding them alone moved the count by half a card, all
the others together by a fifth. They are 4 % of the time.
"""


_log = logging.getLogger("kpstream")


def compiled(ov: Any, path: Path, hints: Mapping[str, Any]) -> tuple[Any, ModelSpec, str]:
    """Model file (ONNX or .xml) → compiled for the CPU, its spec, and its precision for people.

    `hints` are OpenVINO's. Raises SpecError, OSError, and RuntimeError where OpenVINO refuses.
    """
    precision = str(hints["INFERENCE_PRECISION_HINT"])
    if path.suffix == ".xml":
        model = core(ov).read_model(path)
        quantised = any(op.get_type_name() == "FakeQuantize" for op in model.get_ops())
        named = f"int8 and {precision}" if quantised else precision
        return _compile(ov, model, hints), _own_spec(path, model), named
    spec = read_spec(path)
    device = core(ov).get_property("CPU", "FULL_DEVICE_NAME")
    exact = f"the first {EXACT_FIRST} exact, up to a sum"
    made_for = f"{ov.__version__}\n{device}\n{sorted(hints.items())}\n{exact}\n"
    name = hashlib.sha256(made_for.encode() + path.read_bytes()).hexdigest()
    kept = plans.recall(f"openvino-{name[:32]}")
    if kept is not None:
        try:
            return core(ov).import_model(io.BytesIO(kept), "CPU", dict(hints)), spec, precision
        except RuntimeError as error:
            reason = " ".join(str(error).split())  # OpenVINO's has up to ten lines
            _log.warning("a compiled model of the cache does not load (%s): made anew", reason)
    found = _compile(ov, core(ov).read_model(path), hints)
    blob = found.export_model()
    plans.remember(f"openvino-{name[:32]}", blob if isinstance(blob, bytes) else blob.getvalue())
    return found, spec, precision


def carried(path: Path) -> Reading | None:
    """What a file in OpenVINO's format was told, when it was exported, that it has to say."""
    model = core(runtime()).read_model(path)
    if not model.has_rt_info(list(REFERENCE_PATH)):
        return None
    return Reading.from_json(model.get_rt_info(list(REFERENCE_PATH)).astype(str))


def _compile(ov: Any, model: Any, hints: Mapping[str, Any]) -> Any:
    if hints["INFERENCE_PRECISION_HINT"] == "bf16":
        model = _with_exact_beginning(ov, model)
    return core(ov).compile_model(model, "CPU", dict(hints))


def _own_spec(path: Path, model: Any) -> ModelSpec:
    if not model.has_rt_info(list(SPEC_PATH)):
        raise SpecError(
            f"{path} is an OpenVINO model without a kpstream description ({'/'.join(SPEC_PATH)}): "
            "export it with kpstream-train export --format openvino"
        )
    return ModelSpec.from_json(model.get_rt_info(list(SPEC_PATH)).astype(str))


def _with_exact_beginning(ov: Any, model: Any) -> Any:
    """A model → one whose first convolutions OpenVINO leaves in f32. Raises EngineUnavailable.

    Its mark for that can be set in its file format only, so the model goes through a file.
    """
    kinds = {"Convolution", "GroupConvolution"}
    found = [op for op in model.get_ordered_ops() if op.get_type_name() in kinds][:EXACT_FIRST]
    names = [op.get_friendly_name() for op in takewhile(lambda op: not _summed(op), found)]
    try:
        place = tempfile.TemporaryDirectory(prefix="kpstream-")
    except OSError as error:
        raise EngineUnavailable(
            f"OpenVINO in bf16 needs a temporary folder ({error}): set TMPDIR to one that can be "
            "written to"
        ) from error
    with place as folder:
        written, weights = Path(folder) / "model.xml", Path(folder) / "model.bin"
        ov.serialize(model, written, weights)
        text = written.read_text(encoding="utf-8")
        for name in names:
            text = _marked(text, name)
        return core(ov).read_model(text.encode(), weights.read_bytes())


def _summed(op: Any) -> bool:
    """Whether an operation's result, beside its bias, is added to another one, as in a ResNet.

    OpenVINO makes one operation of the two, and does not run it where one is exact and one is not.
    """
    for reader in (port.get_node() for port in op.output(0).get_target_inputs()):
        if reader.get_type_name() != "Add":
            continue
        sides = [reader.input_value(i).get_node() for i in (0, 1)]
        if not any(_stored(side) for side in sides) or _summed(reader):
            return True
    return False


def _stored(op: Any) -> bool:
    """Whether an operation's result stands in the file, be it in another precision or shape."""
    while op.get_type_name() in {"Convert", "Reshape"}:
        op = op.input_value(0).get_node()
    return bool(op.get_type_name() == "Constant")


def _marked(xml: str, name: str) -> str:
    """The layer of that name with OpenVINO's mark: it is computed as it is written.

    A layer that has attributes already keeps them.
    """
    mark = '<attribute name="precise" version="0" />'
    begin = xml.index(">", xml.index(f'name="{name}"')) + 1
    end = xml.index("</layer>", begin)
    held = xml.find("<rt_info>", begin, end)
    if held >= 0:
        at = held + len("<rt_info>")
        return xml[:at] + mark + xml[at:]
    return xml[:begin] + f"<rt_info>{mark}</rt_info>" + xml[begin:]


def runtime() -> Any:
    """The module. Raises EngineUnavailable."""
    try:
        with unreported():
            return native("openvino")
    except (ImportError, OSError) as error:
        raise EngineUnavailable(
            f"OpenVINO does not load ({error}): pip install openvino"
        ) from error


@contextmanager
def unreported() -> Iterator[None]:
    """Imports inside are without the report that OpenVINO's packages send, unasked, when imported.

    Where `openvino_telemetry` cannot be imported, they take their own stub instead.
    """
    reporter = "openvino_telemetry"
    before = {reporter: sys.modules[reporter]} if reporter in sys.modules else {}
    sys.modules[reporter] = None  # type: ignore[assignment] # Python's mark: not importable
    try:
        yield
    finally:
        del sys.modules[reporter]
        sys.modules.update(before)


def hints_for(precision: str, cores: int | None) -> dict[str, Any]:
    """OpenVINO's for one picture at a time, on so many cores; None for all."""
    out: dict[str, Any] = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": precision}
    if cores is not None:  # some of them: pinned, it would wait for one while another idles
        out |= {"INFERENCE_NUM_THREADS": cores, "ENABLE_CPU_PINNING": False}
    return out


def quickest_precision(ov: Any) -> str:
    """What the CPU computes fastest in: "bf16" where it knows that, else "f32"."""
    native = core(ov).get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    return "bf16" if "BF16" in native else "f32"


@lru_cache(maxsize=1)
def core(ov: Any) -> Any:
    """The one runtime of this process, which is never given back.

    A runtime's CPU plugin gives the thread that loads it a stack for signals, and when it goes it
    puts back the one from before. Of two runtimes that go in the order they came, the second puts
    back the freed stack of the first, and the next Ctrl-C ends the process.
    """
    return ov.Core()
