from dataclasses import fields, replace

import pytest

from train import cli
from train.config import Config
from train.presets import PRESETS, settings


def config(*words):
    """What `fit` with these words trains by, as the command makes it."""
    first = cli._parser().parse_args(["fit", *words])
    options = cli._parser(settings(first.preset)).parse_args(["fit", *words])
    return Config(**{field.name: getattr(options, field.name) for field in fields(Config)})


def test_a_plain_recipe():
    want = {"optimizer": "adam", "lr": 3e-4, "loss": "mse", "schedule": "constant"}
    assert config("--preset", "adam-3e-4-l2") == replace(Config(), weight_decay=0.0, **want)


def test_the_cat_preset_point_by_point():
    found = config("--preset", "cat", "--data", "cats")
    assert (found.dataset, found.view, found.target) == ("cats", "cat", "circle")
    assert (found.input_size, found.stride, found.decoder) == (64, 1, "bilinear")
    pytest.importorskip("torch")
    pytest.importorskip("timm")
    from train import loop, material
    from train.datasets import cats
    from train.targets import CIRCLE_SIGMA_CELLS

    spec = material.keypoint_spec(found, cats.chosen(cats.NAMES[:3]))
    assert spec.keypoints == ("left_eye", "right_eye", "mouth")
    assert (spec.input_hw, spec.heatmap_hw) == ((64, 64), (64, 64))
    assert spec.sigma_px == pytest.approx(CIRCLE_SIGMA_CELLS)
    small = replace(found, encoder_model="mobilenetv3_small_050", weights="none", layers=3)
    assert loop.build(small, spec).targets.__name__ == "circles"


def test_presets_go_together_and_what_is_said_goes_before_them():
    found = config("--preset", "cat,adam-3e-4-l2", "--data", "x", "--lr", "0.5", "--stride", "2")
    assert (found.view, found.optimizer, found.lr, found.stride) == ("cat", "adam", 0.5, 2)


def test_every_preset_sets_what_there_is():
    known = {field.name for field in fields(Config)}
    for name, values in PRESETS.items():
        assert values.keys() <= known
        assert settings(name) == values
    assert settings("") == {}
