"""Encoders: pictures → feature maps, fine to coarse. Any timm model, or two plain ones to train."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import timm
import torch
from safetensors import safe_open
from torch import nn

from engines.spec import ModelSpec


class Stage(NamedTuple):
    """One feature map that an encoder gives."""

    channels: int
    stride: int


class Normalise(nn.Module):
    """(B, 3, H, W) BGR pictures of 0…255 → RGB with the mean and deviation an encoder is used to.

    In this order of operations the export folds all of it into the first convolution.
    """

    def __init__(self, encoder: Any) -> None:
        super().__init__()
        cfg = getattr(encoder, "pretrained_cfg", None) or encoder.default_cfg
        self.mean: torch.Tensor
        self.std: torch.Tensor
        for name in ("mean", "std"):
            values = torch.tensor(tuple(cfg[name])).view(1, 3, 1, 1) * 255.0
            self.register_buffer(name, values, persistent=False)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Pictures → pictures."""
        return (images.flip(1) - self.mean) / self.std


def create(spec: ModelSpec, name: str, layers: int, weights: str, width: int) -> Any:
    """The first `layers` stages, or all if there are fewer, of a timm model, "vgg" or "resnet".

    `weights` is a safetensors file of the whole timm model, "timm" for timm's own download, or
    "none". Those that are built here have no weights, and `width` channels in their first stage.
    """
    if name in PLANS:
        if weights not in {"timm", "none"}:
            raise ValueError(f"{name} starts from noise and reads no {weights}: leave weights out")
        return PLANS[name](width, layers)
    if not timm.is_model(name):
        raise ValueError(f"timm has no model called {name!r}; timm.list_models() names them")
    cfg = timm.get_pretrained_cfg(name)
    fixed = cfg is not None and cfg.fixed_input_size
    more: dict[str, Any] = {"img_size": spec.input_hw} if fixed else {}
    more |= {"features_only": True, "pretrained": weights != "none"}
    held: set[str] | None = None
    if weights not in {"timm", "none"}:
        held = _names(Path(weights))
        more["pretrained_cfg_overlay"] = {"file": weights, "custom_load": False}
    # else it tells of the layers that the file has and nobody asked for
    logging.getLogger("timm").setLevel(logging.ERROR)
    try:
        try:
            encoder = timm.create_model(name, out_indices=tuple(range(layers)), **more)
        except (IndexError, AssertionError):  # what timm says of a stage that is not there
            encoder = timm.create_model(name, **more)
    except OSError as error:
        raise OSError(
            f"the weights of {name} cannot be downloaded: name a safetensors file with --weights, "
            "or none"
        ) from error
    if held is not None:
        _check_whole(encoder, held, weights)
    if getattr(encoder, "output_fmt", "NCHW") == "NHWC":
        encoder.register_forward_hook(_channels_first)
    return encoder


def early(encoder: Any, count: int) -> list[nn.Module]:
    """What makes the first `count` feature maps of an encoder, in order: its parts with weights.

    Raises ValueError for more stages than there are.
    """
    most = len(stages(encoder))
    if not 0 <= count <= most:
        raise ValueError(f"the encoder has {most} stages, got {count} that are to be frozen")
    if count == 0:
        return []
    if isinstance(encoder, Plain):
        ends = f"parts.{count - 1}"
    else:
        ends = _plain(encoder.feature_info.get_dicts()[count - 1]["module"])
    named = list(encoder.named_modules())
    last = max(
        (i for i, (name, _) in enumerate(named) if f"{_plain(name)}.".startswith(f"{ends}.")),
        default=-1,
    )
    if last < 0:
        raise ValueError("nobody knows which parts make this encoder's stages: leave frozen out")
    return [part for _, part in named[: last + 1] if [*part.parameters(recurse=False)]]


def stages(encoder: Any) -> list[Stage]:
    """What an encoder gives, in order."""
    if isinstance(encoder, Plain):
        return encoder.stages
    return [Stage(s["num_chs"], s["reduction"]) for s in encoder.feature_info.get_dicts()]


def _names(path: Path) -> set[str]:
    """A safetensors file → what its weights are called."""
    if not path.is_file():
        raise FileNotFoundError(f"no weights at {path}: name a safetensors file, 'timm' or 'none'")
    with safe_open(path, "pt") as file:
        return set(file.keys())


def _check_whole(encoder: nn.Module, held: set[str], path: str) -> None:
    """Raise ValueError if a weight of the stages that are used is not among those that it held."""
    found = set(map(_plain, held))
    lacking = [name for name in encoder.state_dict() if _plain(name) not in found]
    lacking = [name for name in lacking if not name.endswith("num_batches_tracked")]
    if lacking:
        raise ValueError(f"{path} lacks {len(lacking)} of the encoder's weights, e.g. {lacking[0]}")


def _plain(name: str) -> str:
    """A part's name, of a whole model or of one that timm took to pieces → one for both.

    There stages.0 is called stages_0, or model.stages.0.
    """
    return name.removeprefix("model.").replace("_", ".")


def _channels_first(_: nn.Module, __: Any, maps: list[torch.Tensor]) -> list[torch.Tensor]:
    """Maps (B, h, w, C), as Swin and some others give them → (B, C, h, w)."""
    return [one.permute(0, 3, 1, 2) for one in maps]


class Plain(nn.Module):
    """Stages one after the other, each of half the size of the one before."""

    default_cfg = {"mean": (0.5, 0.5, 0.5), "std": (0.25, 0.25, 0.25)}  # noqa: RUF012 - as timm's

    def __init__(self, parts: Sequence[nn.Module], described: Sequence[Stage]) -> None:
        super().__init__()
        self.parts = nn.ModuleList(parts)
        self.stages = list(described)

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        """Pictures → feature maps."""
        found = []
        for part in self.parts:
            x = part(x)
            found.append(x)
        return found


def convolution(inner: int, outer: int, stride: int = 1, size: int = 3) -> nn.Sequential:
    """Convolution, batch norm, ReLU."""
    return nn.Sequential(
        nn.Conv2d(inner, outer, size, stride, size // 2, bias=False),
        nn.BatchNorm2d(outer),
        nn.ReLU(inplace=True),
    )


class Residual(nn.Module):
    """ResNet's basic block (He et al., 2016)."""

    def __init__(self, inner: int, outer: int, stride: int = 1) -> None:
        super().__init__()
        self.way = nn.Sequential(
            convolution(inner, outer, stride),
            nn.Conv2d(outer, outer, 3, 1, 1, bias=False),
            nn.BatchNorm2d(outer),
        )
        same = inner == outer and stride == 1
        self.past = nn.Identity() if same else nn.Conv2d(inner, outer, 1, stride)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, inner, h, w) → (B, outer, h / stride, w / stride)."""
        return torch.relu(self.way(x) + self.past(x))


def vgg(width: int, layers: int) -> Plain:
    """VGG-16's convolutions (Simonyan and Zisserman, 2015) with batch norm; 64 is its own width."""
    plan = list(zip((2, 2, 3, 3, 3), (1, 2, 4, 8, 8), (1, 2, 4, 8, 16), strict=True))[:layers]
    parts, described, inner = [], [], 3
    for count, times, stride in plan:
        outer = times * width
        ways: list[nn.Module] = [nn.MaxPool2d(2)] if stride > 1 else []
        ways += [convolution(outer if i else inner, outer) for i in range(count)]
        parts.append(nn.Sequential(*ways))
        described.append(Stage(outer, stride))
        inner = outer
    return Plain(parts, described)


def resnet(width: int, layers: int) -> Plain:
    """ResNet-18's stages (He et al., 2016); 64 is its own width."""
    parts: list[nn.Module] = [convolution(3, width, 2, 7)]
    described, inner = [Stage(width, 2)], width
    for i in range(4):
        outer = width * 2**i
        blocks: list[nn.Module] = [nn.MaxPool2d(3, 2, 1)] if i == 0 else []
        blocks += [Residual(inner, outer, 1 if i == 0 else 2), Residual(outer, outer)]
        parts.append(nn.Sequential(*blocks))
        described.append(Stage(outer, 4 * 2**i))
        inner = outer
    return Plain(parts[:layers], described[:layers])


PLANS = {"vgg": vgg, "resnet": resnet}
"""Encoders that are built here, to be trained from nothing."""
