"""Everything that a training run depends on, in one frozen value that travels in its checkpoint."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


def _option(default: Any, text: str) -> Any:
    return field(default=default, metadata={"help": text})


@dataclass(frozen=True, slots=True)
class Config:
    """One training run. The `help` of each field is the command's help."""

    data: str = _option("", "folder of real pictures: cardcut with its cardpoints.csv ('' = none)")
    backgrounds: str = _option("", "folder of pictures without a packet ('' = none)")
    art: str = _option("", "folder with backs/ and faces/ for the renderer ('' = its own)")
    hands: str = _option("", "folder of cut-out hands, shown where there is no packet ('' = none)")
    hold_out: tuple[int, ...] = _option((), "card counts whose clips training must not see")
    encoder_model: str = _option("tf_efficientnet_lite0", "any timm model")
    layers: int = _option(5, "how many of the encoder's stages are used")
    weights: str = _option("timm", "a safetensors file, 'timm' to download, or 'none'")
    start: str = _option("", "checkpoint whose weights training starts from ('' = the encoder's)")
    only_count: bool = _option(
        False, "train the count head alone and anew; the rest stays as `start` has it"
    )
    width: int = _option(64, "channels of the decoder")
    input_size: int = _option(256, "side of the network's input in pixels")
    sigma_px: float = _option(6.0, "standard deviation of the heatmap targets, input pixels")
    real: float = _option(0.5, "share of real pictures")
    empty: float = _option(0.15, "share of pictures without a packet; the rest is rendered")
    epochs: int = _option(20, "how many times `samples` pictures are seen")
    samples: int = _option(1280, "pictures an epoch")
    batch: int = _option(16, "pictures a step, over all devices")
    lr: float = _option(1e-3, "peak learning rate of AdamW; warm-up, then half a cosine")
    weight_decay: float = _option(0.02, "AdamW's decoupled weight decay")
    count_weight: float = _option(0.3, "weight of the count's loss")
    seed: int = _option(0, "seed of everything random")
    workers: int = _option(1, "processes that prepare pictures")
    accelerator: str = _option("auto", "Lightning Fabric's accelerator: auto, cpu, cuda, mps")
    devices: int = _option(1, "how many devices; under torchrun as many as it started")
    precision: str = _option("32-true", "Lightning Fabric's precision: 32-true, bf16-mixed, …")
    out: str = _option("runs/packet", "folder of checkpoints and log")
    resume: bool = _option(False, "go on from the last checkpoint in `out`")

    def __post_init__(self) -> None:
        if not 0 <= self.real + self.empty <= 1:
            raise ValueError(
                f"shares must add up to at most 1, got real {self.real} + empty {self.empty}"
            )
        if self.only_count and not self.start:
            raise ValueError("only_count needs a checkpoint to start from: name it with start")
        if self.only_count and self.resume:
            raise ValueError("only_count takes minutes and is not resumed: leave resume out")
        if self.input_size % 32:
            raise ValueError(f"input_size must be a multiple of 32, got {self.input_size}")

    def to_json(self) -> str:
        """Config → JSON text."""
        return json.dumps(asdict(self), indent=1)

    @classmethod
    def from_json(cls, text: str) -> Config:
        """JSON text → config; raises TypeError naming an unknown field."""
        values = json.loads(text)
        values["hold_out"] = tuple(values["hold_out"])
        return cls(**values)

    @property
    def folder(self) -> Path:
        """Where checkpoints and the log go."""
        return Path(self.out)
