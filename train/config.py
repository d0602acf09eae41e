"""Everything that a training run depends on, in one frozen value that travels in its checkpoint."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

PACKETS, KEYPOINTS, NETWORK = "packets", "keypoints", "network"
"""Whose an option is: of rendered and real packets, of a dataset's keypoints, of an approach."""

HELD_CLIPS = (51, 45, 39, 33, 27, 21, 15, 9)
"""The cardcut clips, by their count, that are for figures: the models here have not seen them."""


def _option(default: Any, text: str, of: str = "") -> Any:
    return field(default=default, metadata={"help": text, "of": of})


@dataclass(frozen=True, slots=True)
class Config:
    """One training run. The `help` of each field is the command's help."""

    dataset: str = _option("", "what is learnt: a format of train/datasets; '' = packets of cards")
    data: str = _option("", "folder of the dataset; of packets: cardcut's ('' = none)")
    approach: str = _option("heatmap", "how keypoints are found: a file of train/models")
    loss: str = _option("", "by name, '' = the approach's own", NETWORK)

    backgrounds: str = _option(
        "", "folder of pictures without a packet, which packets lie on too ('' = drawn)", PACKETS
    )
    art: str = _option("", "folder with backs/ and faces/ to render with ('' = its own)", PACKETS)
    deck: str = _option(
        "",
        "folder of your deck, its backs/ and perhaps faces/, that is learnt besides",
        PACKETS,
    )
    hands: str = _option(
        "", "folder of cut-out hands, with packets and without ('' = drawn)", PACKETS
    )
    hold_out: tuple[int, ...] = _option((), "counts whose clips training must not see", PACKETS)
    only_count: bool = _option(
        False, "train the count head alone and anew; the rest stays as `start` has it", PACKETS
    )
    real: float = _option(0.5, "share of real pictures", PACKETS)
    empty: float = _option(0.15, "share without a packet; the rest is rendered", PACKETS)
    samples: int = _option(1280, "pictures an epoch", PACKETS)
    centre_weight: float = _option(
        0.0, "weight of how far off clear peaks are, in sigmas, and the edges between them", PACKETS
    )
    count_weight: float = _option(
        0.3, "weight of the count's loss; 0: none is learnt, see --only-count", PACKETS
    )

    dataset_options: str = _option("", "of its format: layout=kaggle, several with ;", KEYPOINTS)
    skip_bad: bool = _option(False, "go on without pictures whose labels are wrong", KEYPOINTS)
    view: str = _option("mixed", "what is shown of a picture: whole, box, mixed, cat", KEYPOINTS)
    augment: bool = _option(True, "show every picture in other ways in every epoch", KEYPOINTS)
    stride: int = _option(4, "input pixels to a heatmap cell", KEYPOINTS)

    encoder_model: str = _option("tf_efficientnet_lite0", "any timm model, vgg or resnet", NETWORK)
    layers: int = _option(5, "how many of the encoder's stages are used", NETWORK)
    weights: str = _option("timm", "a safetensors file, 'timm' to download, or 'none'", NETWORK)
    frozen: int = _option(0, "the encoder's first stages stay as they are", NETWORK)
    width: int = _option(64, "channels of what stands on the encoder", NETWORK)
    target: str = _option("gaussian", "of heatmaps: gaussian or circle", NETWORK)
    decoder: str = _option("lateral", "of the heatmap: lateral or bilinear", NETWORK)
    stacks: int = _option(2, "hourglasses, one after the other", NETWORK)
    detector: str = _option("", "checkpoint of a box run whose detector is kept as it is", NETWORK)

    start: str = _option("", "checkpoint, ONNX file or 'bundled', to train on from ('' = nothing)")
    input_size: int = _option(256, "side of the network's input in pixels")
    sigma_px: float = _option(6.0, "standard deviation of the heatmaps' Gaussians, input pixels")
    epochs: int = _option(20, "how many times the pictures are seen")
    batch: int = _option(16, "pictures a step, over all devices")
    optimizer: str = _option("adamw", "adamw, or adam: weight decay as part of the gradient")
    lr: float = _option(1e-3, "peak learning rate")
    schedule: str = _option("cosine", "of the rate: warm-up, then half a cosine; or constant")
    weight_decay: float = _option(0.02, "of weights, not of biases and normalisation")
    seed: int = _option(0, "seed of everything random")
    workers: int = _option(1, "processes that prepare pictures")
    accelerator: str = _option("auto", "Lightning Fabric's accelerator: auto, cpu, cuda, mps")
    devices: int = _option(1, "how many devices; under torchrun as many as it started")
    precision: str = _option("32-true", "Lightning Fabric's precision: 32-true, bf16-mixed, …")
    out: str = _option("", "folder of checkpoints and log ('' = runs/ and what is learnt)")
    resume: bool = _option(False, "go on from the last checkpoint in `out`")

    def __post_init__(self) -> None:
        self._check_numbers()
        if not self.real + self.empty <= 1:
            raise ValueError(
                f"shares must add up to at most 1, got real {self.real} + empty {self.empty}"
            )
        self._check_start()
        if self.dataset and not self.data:
            raise ValueError(f"where is the dataset {self.dataset}? Name its folder with data")
        for option, known in _CHOICES.items():
            if (got := getattr(self, option)) not in known:
                raise ValueError(f"{option} must be {' or '.join(known)}, got {got!r}")
        foreign = PACKETS if self.dataset else KEYPOINTS
        if changed := self.changed(foreign):
            other = f"not with dataset {self.dataset}" if self.dataset else "name a dataset too"
            raise ValueError(f"{changed[0]} goes with {foreign}: {other}")

    def _check_start(self) -> None:
        """Raise ValueError for what does not go with what is trained on from, or needs it."""
        if self.only_count and not self.start:
            raise ValueError("only_count needs a checkpoint to start from: name it with start")
        if self.only_count and (self.start == "bundled" or self.start.endswith(".onnx")):
            raise ValueError(
                f"only_count starts from a checkpoint (.pt), got {self.start}: "
                "train a network from that first"
            )
        if self.only_count and self.resume:
            raise ValueError("only_count takes minutes and is not resumed: leave resume out")
        if self.start and self.detector:
            raise ValueError("start brings a detector of its own: leave detector out")
        if self.deck and not self.start:
            raise ValueError(
                "deck is for a network that knows packets: name one with start, as bundled"
            )

    def _check_numbers(self) -> None:
        if self.input_size < 32 or self.input_size % 32:
            raise ValueError(f"input_size must be a multiple of 32, got {self.input_size}")
        for option in ("epochs", "batch", "devices", "stride", "layers", "width"):
            if (got := getattr(self, option)) < 1:
                raise ValueError(f"{option} must be 1 or more, got {got}")
        for share in ("real", "empty"):
            if not getattr(self, share) >= 0:  # which NaN is not either
                raise ValueError(f"{share} must be 0 or more, got {getattr(self, share)}")
        counts = not self.dataset and self.count_weight
        if counts and self.precision in {"bf16-true", "16-true"}:
            raise ValueError(
                f"precision {self.precision} is too coarse to count cards by: take bf16-mixed, "
                "or count_weight 0"
            )

    def changed(self, of: str) -> list[str]:
        """The options of a kind that are not as they are if nobody says anything."""
        mine = [option for option in fields(self) if option.metadata["of"] == of]
        return [o.name for o in mine if getattr(self, o.name) != o.default]

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
        return Path(self.out or f"runs/{self.dataset or 'packet'}")


_CHOICES = {
    "view": ("whole", "box", "mixed", "cat"),
    "optimizer": ("adamw", "adam"),
    "schedule": ("cosine", "constant"),
}
