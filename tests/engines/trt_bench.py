"""A runtime and a GPU that are imitated, and a real model's plan for them."""

from __future__ import annotations

from pathlib import Path

import marker_graph
import numpy as np
import pytest
from fake_cuda import FakeCuda
from fake_tensorrt import FakeTensorRt

from engines import Prediction, fake
from engines.build import build_plan, describe
from engines.gpu import Gpu
from engines.spec import read_spec
from engines.trt import TrtEngine

TITLES = {"tensorrt": "TensorRT", "tensorrt_rtx": "TensorRT for RTX"}


class Bench:
    """A runtime, a GPU and the plan of a model, in the precision that it has."""

    def __init__(self, name: str, model: Path) -> None:
        self.cuda, self.path, self.spec = FakeCuda(), model, read_spec(model)
        self.trt = FakeTensorRt(name, self.cuda)
        data = model.read_bytes()
        self.plan = build_plan(data, self.spec, self.trt, compute_capabilities=None)
        self.about = describe(data, self.spec, self.trt, capabilities=[(8, 9)])

    def open(self, plan: bytes | None = None, gpu: Gpu | None = None) -> TrtEngine:
        title = TITLES[self.trt.__name__]
        gpu, plan = gpu or Gpu(self.cuda), plan or self.plan
        return TrtEngine(self.path, self.about, plan, self.trt, gpu, title=title)


def new_home(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Give the test a home, and so a cache, of its own."""
    for name in ("HOME", "USERPROFILE", "LOCALAPPDATA", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(folder / "home"))


def pictures(count: int, seed: int = 0) -> np.ndarray:
    """Grey pictures with the model's dots at random places."""
    rng = np.random.default_rng([seed, count])
    grey = np.full((*marker_graph.SPEC.input_hw, 3), 90, np.uint8)
    return np.stack(
        [fake.paint(grey, rng.uniform(8, 56, (8, 2)), radius_px=4.0) for _ in range(count)]
    )


def assert_same(got: Prediction, wanted: Prediction) -> None:
    for name in ("heatmaps", "visibility", "count"):
        np.testing.assert_allclose(getattr(got, name), getattr(wanted, name), atol=1e-5)
