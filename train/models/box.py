"""Top-down: a detector says where the instance is, a second network reads the keypoints in its box.

    picture ─┬─ a quarter as large ─ detector ─ box of the surest instance
             └─ crop of the box ─ heatmap network ─ places in it ─ back to the picture

Both are one graph. The detector starts from the whole picture and learns the dataset's boxes (those
round the points, where it has none), and the second network is taught on what the detector cuts
out, so that it meets in training what it meets later. What streaming's region search adds is a
second pass over a closer picture. `detector` takes the detector of another run as it is.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional

from engines.spec import ModelSpec
from stream.prepare import BORDER
from train import cells, checkpoint, drawing
from train.approach import Approach, Said
from train.encoder import convolution
from train.example import Example
from train.heatmaps import Heatmaps, Outputs
from train.models import heatmap

STRIDE = 32
"""Of the detector's cells, input px."""

MARGIN = 1.5
"""Side of the crop in the longer side of the box, as streaming crops: the outermost keypoints lie
on the box itself."""

EXPORTS_ALL = False  # who is seen in the crop is not asked for

SHAKE = 0.05
"""In training a crop is moved and scaled by about this part of itself."""


class Boxed(NamedTuple):
    """B pictures: the box in each, and what is in it."""

    object: torch.Tensor  # (B, C) logits of the cells, of which one holds the box's middle
    box: torch.Tensor  # (B, 4) its middle x, y and its width, height in px
    crop: torch.Tensor  # (B, 3) the crop's middle x, y and its side in px; nothing pulls at it
    inside: Outputs  # of the crop


class Detector(nn.Module):
    """Pictures → (B, C) logits of cells, and the box (B, 4) that the surest of them agree on."""

    def __init__(self, input_hw: tuple[int, int]) -> None:
        super().__init__()
        widths = (3, 32, 64, 96, 128)
        first = convolution(widths[0], widths[1])
        steps = [convolution(a, b, 2) for a, b in pairwise(widths[1:])]
        self.body = nn.Sequential(first, *steps, convolution(128, 128))
        self.said = nn.Conv2d(128, 5, 1)
        nn.init.normal_(self.said.weight, std=1e-3)
        self.hw = input_hw

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Pictures (B, 3, H, W) → logits and box; it begins with the whole picture."""
        small = functional.avg_pool2d(images, 4) / 127.5 - 1.0
        said = self.said(self.body(small))
        hw = (said.shape[2], said.shape[3])
        said = said.flatten(2).transpose(1, 2)  # (B, C, 5)
        trust = torch.softmax(said[..., :1], dim=1)
        middle = cells.centres(hw, STRIDE, said) + STRIDE * said[..., 1:3]
        size = torch.exp(said[..., 3:].clamp(-6.0, 3.0)) * max(self.hw)
        return said[..., 0], (trust * torch.cat([middle, size], dim=2)).sum(dim=1)


class TopDown(Approach):
    """(B, 3, H, W) float BGR pictures of 0…255 → Boxed."""

    def __init__(self, spec: ModelSpec, inside: Heatmaps, *, detector: str) -> None:
        super().__init__(spec)
        self.detector, self.inside = Detector(spec.input_hw), inside
        self.frozen = bool(detector)
        if detector:
            self.detector.load_state_dict(_detector_of(Path(detector)))
            self.detector.requires_grad_(requires_grad=False)

    def train(self, mode: bool = True) -> TopDown:
        """A detector that is taken as it is does not learn the mean of a batch either."""
        super().train(mode)
        if self.frozen:
            self.detector.eval()
        return self

    def forward(self, images: torch.Tensor) -> Boxed:
        """Pictures → their boxes, and what is in them."""
        logits, box = self.detector(images)
        side = MARGIN * box[:, 2:].amax(dim=1, keepdim=True).clamp(min=8.0)
        crop = torch.cat([box[:, :2], side], dim=1).detach()
        if self.training:
            shake = SHAKE * torch.randn_like(crop)
            crop = torch.cat([crop[:, :2] + shake[:, :2] * side, side * shake[:, 2:].exp()], dim=1)
            crop = crop.detach()
        return Boxed(logits, box, crop, self.inside(self._cut(images, crop)))

    def _cut(self, images: torch.Tensor, crop: torch.Tensor) -> torch.Tensor:
        """Pictures and what to cut of them (B, 3) → (B, 3, h, w) of the same size."""
        at = cells.centres(self.spec.input_hw, 1, crop)  # (C, 2): every pixel
        size = at[-1] + 1.0
        part = (at + 0.5) / size - 0.5
        xy = crop[:, None, :2] + self._sides(crop)[:, None] * part  # (B, C, 2) px
        where = (xy + 0.5) / size * 2.0 - 1.0  # −1 and 1 are the picture's borders
        where = where.view(-1, *self.spec.input_hw, 2)
        cut = functional.grid_sample(images - BORDER, where, align_corners=False)
        return cut + BORDER

    def _sides(self, crop: torch.Tensor) -> torch.Tensor:
        """Crops (B, 3) → their width and height (B, 2) in px: a crop is shaped as the input is."""
        h, w = self.spec.input_hw
        return crop[:, 2:] * torch.tensor([w / max(h, w), h / max(h, w)], device=crop.device)

    def loss(self, out: Boxed, batch: Example) -> dict[str, torch.Tensor]:
        """The box beside the one of the instance that the picture is about, and what is in it."""
        parts = self.inside.loss(out.inside, batch._replace(xy=self._into(batch.xy, out.crop)))
        if self.frozen:
            return parts
        is_one = batch.boxes[:, 0].isfinite().all(dim=1)
        # one that is not there must have no slope, which NaN would have
        box = torch.where(is_one[:, None], batch.boxes[:, 0], torch.ones_like(out.box))
        middle, size = box[:, :2] + box[:, 2:] / 2 - 0.5, box[:, 2:].clamp(min=1.0)
        hw = (self.spec.input_hw[0] // STRIDE, self.spec.input_hw[1] // STRIDE)
        each = functional.cross_entropy(
            out.object, cells.holding(middle, hw, STRIDE), reduction="none"
        )
        off = (out.box[:, :2] - middle).abs() / size.amax(dim=1, keepdim=True)
        off = off + (out.box[:, 2:] / size).log().abs()
        none, count = torch.zeros_like(each), is_one.sum().clamp(min=1)
        parts["object"] = 0.1 * torch.where(is_one, each, none).sum() / count
        parts["box"] = torch.where(is_one, off.sum(dim=1), none).sum() / count
        return parts

    def _into(self, xy: torch.Tensor, crop: torch.Tensor) -> torch.Tensor:
        """Points (B, N, K, 2) px of the picture → of the first instance (B, 1, K, 2), of the crop.

        One beyond the crop is NaN there.
        """
        size = torch.tensor(self.spec.input_hw[::-1], device=xy.device)
        sides = self._sides(crop)[:, None, None]
        inside = (xy[:, :1] - crop[:, None, None, :2]) / sides + 0.5
        beyond = ((inside < 0) | (inside > 1)).any(dim=3, keepdim=True)
        return torch.where(beyond, torch.nan, inside * size - 0.5)

    def predict(self, images: torch.Tensor) -> Said:
        """Pictures → Gaussians at the places found in the box, as high as the peaks there."""
        out = self(images)
        sigma_cells = self.spec.sigma_px / self.spec.stride
        heights = self.inside.heights(out.inside.heatmaps)
        places, height = drawing.highest(heights, sigma_cells)
        xy = self._out_of(places, out.crop)
        return Said(drawing.points(xy[:, None], height[:, None].clamp(0.0, 1.0), self.spec))

    def _out_of(self, places: torch.Tensor, crop: torch.Tensor) -> torch.Tensor:
        """Places (B, K, 2) in cells of the crop → px of the picture."""
        size = torch.tensor(self.spec.heatmap_hw[::-1], device=places.device)
        part = (places + 0.5) / size - 0.5
        return crop[:, None, :2] + self._sides(crop)[:, None] * part


def _detector_of(path: Path) -> dict[str, torch.Tensor]:
    """A checkpoint of this approach → the weights of its detector."""
    state = checkpoint.read(path)["model"]
    found = {k.removeprefix("detector."): v for k, v in state.items() if k.startswith("detector.")}
    if not found:
        raise ValueError(f"{path} holds no detector: name a checkpoint of --approach box")
    return found


def build(
    spec: ModelSpec,
    encoder_model: str = "resnet",
    layers: int = 5,
    weights: str = "none",
    width: int = 64,
    *,
    loss: str = "mse",
    target: str = "gaussian",
    detector: str = "",
) -> TopDown:
    """The heatmap network of that encoder, on crops enlarged to the input's size, and a detector.

    `detector` is a checkpoint of this approach whose detector is kept as it is.
    """
    inside = heatmap.build(spec, encoder_model, layers, weights, width, loss=loss, target=target)
    return TopDown(spec, inside, detector=detector)
