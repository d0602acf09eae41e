"""A training run of seconds."""

from train.config import Config

TINY = Config(
    encoder_model="mobilenetv3_small_050",
    weights="none",
    width=8,
    input_size=64,
    real=0.0,
    empty=0.25,
    epochs=2,
    samples=12,
    batch=4,
    workers=0,
    accelerator="cpu",
)
