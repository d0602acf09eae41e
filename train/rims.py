"""Real and rendered packets → the small network that reads the rims (`stream.rim_network`).

Corners are moved off at random, as a network would find them; the sides that they cut out, and how
far off their rims are then, are the examples. They are made once and fit in memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from rich.progress import track
from torch import nn

from stream import rim_network, rims
from stream.packet import extent_px
from stream.rim_network import ABOUT, LEAST, NEAR, OUTPUTS, SURE, UNSURE
from train import mixture
from train.config import Config
from train.datasets import cardcut
from train.export import cleaned, exported
from train.loop import rate

Floats = NDArray[np.float64]

WIDTHS = (16, 16, 24, 24)
"""Channels of the convolutions."""

LAYERS = ((5, 2, 1), (3, 2, 1), (3, 2, 2), (3, 1, 4))
"""Of each: its width, its step along the columns, and how far apart the five rows are it takes."""

HIDDEN = 48
"""Numbers between what is seen and the doubts."""

HEIGHTS = (288, 384, 480, 600)
"""Of the rendered pictures, px: sides of 5 to 100 pixels are seen so."""

OFF = (0.002, 0.018)
"""Standard deviation of a packet's corners, in parts of its extent, log-uniform."""

TOGETHER = 0.4
"""How far all corners move together, in those deviations."""

ASTRAY, ASTRAY_TIMES = 0.08, 4.0
"""Share of the corners that are further off, and by how much."""

DRAWS = 2
"""Times that a picture's corners are moved."""


class Examples(NamedTuple):
    """N strips, and what is true of them. Rows are in parts of a strip's height."""

    pictures: NDArray[np.uint8]  # (N, ROWS, COLUMNS, 3)
    thought: NDArray[np.float32]  # (N, 4) rows of tl, tr, bl, br
    about: NDArray[np.float32]  # (N, 4)
    truth: NDArray[np.float32]  # (N, 4)

    def at(self, which: slice | NDArray[np.int64]) -> Examples:
        """Some of them."""
        return Examples(*(part[which] for part in self))  # type: ignore[arg-type]


class Convolutions(nn.Module):
    """The part that OpenCV runs."""

    def __init__(self, layers: nn.Sequential, scores: nn.Conv2d) -> None:
        super().__init__()
        self.layers, self.scores = layers, scores

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Inputs (N, 5, ROWS, COLUMNS) → scores (N, 4, ROWS, 1), features (N, C, ROWS, W)."""
        features = self.layers(x)
        return self.scores(features), features


class RimModel(nn.Module):
    """`stream.rim_network.RimNetwork`, to be trained."""

    def __init__(self) -> None:
        super().__init__()
        inner, layers = 5, []
        for outer, (wide, step, apart) in zip(WIDTHS, LAYERS, strict=True):
            layers += [
                nn.Conv2d(
                    inner,
                    outer,
                    (5, wide),
                    stride=(1, step),
                    padding=(2 * apart, wide // 2),
                    dilation=(apart, 1),
                ),
                nn.ReLU(),
            ]
            inner = outer
        left = rims.COLUMNS // int(np.prod([step for _, step, _ in LAYERS]))
        self.convolutions = Convolutions(
            nn.Sequential(*layers), nn.Conv2d(inner, 4, (5, left), padding=(2, 0))
        )
        self.near = nn.Parameter(torch.zeros(4))
        self.doubt0, self.doubt1 = nn.Linear(inner + 12, HIDDEN), nn.Linear(HIDDEN, 2)
        self.centres: torch.Tensor
        self.register_buffer("centres", torch.from_numpy(rim_network.CENTRES))

    def forward(
        self, x: torch.Tensor, thought: torch.Tensor, about: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Inputs (N, 5, ROWS, COLUMNS), rows (N, 4), about (N, 4) → rows, logs of deviations."""
        scores, features = self.convolutions(x)
        away = (self.centres - thought[..., None]) ** 2
        scores = scores[..., 0] - NEAR * self.near.exp()[:, None] * away
        share = torch.softmax(scores, dim=2)
        said = share @ self.centres
        variance = (share * (self.centres - said[..., None]) ** 2).sum(dim=2)
        spread = torch.log(variance + LEAST) / 2
        scaled = about * torch.from_numpy(ABOUT)
        numbers = torch.cat([features.mean(dim=(2, 3)), spread, thought, scaled], dim=1)
        more = self.doubt1(torch.relu(self.doubt0(numbers)))
        return said, (spread.view(-1, 2, 2).mean(dim=2) + more).clamp(SURE, UNSURE)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The weights as `RimNetwork` takes them: those of the convolutions with their graph."""
        strips = torch.zeros(2, 5, rims.ROWS, rims.COLUMNS)
        proto = exported(self.convolutions.eval(), strips, "x", OUTPUTS)
        cleaned(proto, "rims")
        graph = np.frombuffer(proto.SerializeToString(), np.uint8)
        named = {"convolutions": graph, "near": self.near.detach().numpy()}
        for i, layer in enumerate((self.doubt0, self.doubt1)):
            named[f"doubt{i}"] = layer.weight.detach().T.numpy()
            named[f"doubt{i}_bias"] = layer.bias.detach().numpy()
        return named


def examples(config: Config) -> Examples:
    """`config.samples` pictures, `config.real` of them real → the strips of their sides.

    Raises ValueError if no side of a packet is seen in any of them.
    """
    samples = cardcut.load(Path(config.data)) if config.data else []
    pictures = mixture.read_pictures(config, cardcut.split(samples, config.hold_out)[0])
    rows = []
    for index in track(range(config.samples), "cutting out sides", auto_refresh=False):
        rng = np.random.default_rng([config.seed, index])
        rows += list(_strips(*_picture(pictures, config, rng), rng))
    if not rows:
        raise ValueError(f"no side of a packet is seen in {config.samples} pictures: raise samples")
    cut, thought, about, truth = zip(*rows, strict=True)
    numbers = (np.array(part, np.float32) for part in (thought, about, truth))
    return Examples(np.stack(cut), *numbers)


def _picture(
    pictures: mixture.Pictures, config: Config, rng: np.random.Generator
) -> tuple[NDArray[np.uint8], Floats, NDArray[np.bool_]]:
    """A picture, its corners, and which are seen."""
    if pictures.real and rng.random() < config.real:
        at = int(rng.integers(len(pictures.real)))
        return pictures.frames[at], pictures.real[at].xy, pictures.real[at].visible
    height = int(rng.choice(HEIGHTS))
    covered = rng.random() < mixture.COVERED
    renderer = pictures.covered if covered else pictures.near
    shot = renderer.sample(rng, (height, height * 4 // 3))
    return shot.image, shot.xy, shot.visible


def _strips(
    image: NDArray[np.uint8], xy: Floats, visible: NDArray[np.bool_], rng: np.random.Generator
) -> Iterator[tuple[NDArray[np.uint8], Floats, Floats, Floats]]:
    """A packet → its strips, as cut out by corners that are off, with the truth."""
    sides = rims.sides(visible & np.isfinite(xy).all(axis=1))
    if not sides:
        return
    extent = extent_px(xy[visible])
    for _ in range(DRAWS):
        sigma = extent * np.exp(rng.uniform(*np.log(OFF)))
        times = np.where(rng.random((8, 1)) < ASTRAY, ASTRAY_TIMES, 1.0)
        off = rng.normal(0, sigma, (8, 2)) * times + rng.normal(0, TOGETHER * sigma, 2)
        for strip in rims.cut(image, xy + off, sides):
            corners = list(strip.corners)
            truth = strip.rows - off[corners] @ strip.normal / strip.height_px
            yield strip.picture, strip.rows, strip.about, truth


def fit(config: Config) -> Path:
    """Train on what `examples` gives, and write the weights to `config.out`.

    The last tenth of the strips is not learnt; its errors are printed. Raises ValueError for fewer
    strips than a batch.
    """
    cv2.setNumThreads(1)
    torch.manual_seed(config.seed)
    given = examples(config)
    count = len(given.pictures)
    learnt, watched = (
        given.at(slice(count - count // 10)),
        given.at(slice(count - count // 10, None)),
    )
    if len(learnt.pictures) < config.batch:
        raise ValueError(f"a batch is {config.batch} strips, got {count}: raise samples")
    model = RimModel()
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=config.lr, weight_decay=config.weight_decay
    )
    rng, steps = np.random.default_rng(config.seed), len(learnt.pictures) // config.batch
    for epoch in range(config.epochs):
        order = rng.permutation(len(learnt.pictures))
        losses = []
        for i in track(range(steps), f"epoch {epoch + 1}/{config.epochs}", auto_refresh=False):
            for group in optimizer.param_groups:
                group["lr"] = config.lr * rate(epoch * steps + i, steps * config.epochs)
            at = order[i * config.batch : (i + 1) * config.batch]
            loss = _loss(model, _varied(learnt.at(at), rng))
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            optimizer.step()
            losses.append(loss.item())
        print(f"epoch {epoch + 1}  loss {np.mean(losses):.3f}  {errors(model, watched)}")
    out = Path(config.out)
    np.savez_compressed(out, **model.arrays())  # type: ignore[arg-type]
    return out


def _varied(batch: Examples, rng: np.random.Generator) -> Examples:
    """The same strips in other colours, half of them mirrored."""
    pictures, thought, about, truth = batch
    count = len(pictures)
    mirrored = rng.random(count) < 0.5
    pictures = np.where(mirrored[:, None, None, None], pictures[:, :, ::-1], pictures)
    thought, truth = (
        np.where(mirrored[:, None], rows[:, [1, 0, 3, 2]], rows) for rows in (thought, truth)
    )
    levels = pictures[..., rng.permutation(3)] * rng.uniform(0.7, 1.3, (count, 1, 1, 3))
    levels += rng.normal(0, 20, (count, 1, 1, 3))
    levels += rng.normal(0, 1, pictures.shape) * rng.uniform(0, 4, (count, 1, 1, 1))
    return Examples(levels.clip(0, 255).astype(np.uint8), thought, about, truth)


def _said(model: RimModel, batch: Examples) -> tuple[torch.Tensor, torch.Tensor]:
    x = torch.from_numpy(rim_network.inputs(batch.pictures, batch.thought)).permute(0, 3, 1, 2)
    said: tuple[torch.Tensor, torch.Tensor] = model(
        x, torch.from_numpy(batch.thought), torch.from_numpy(batch.about)
    )
    return said


def _loss(model: RimModel, batch: Examples) -> torch.Tensor:
    """Negative log-likelihood of Laplace distributions, which forgive an outlier, and of heights.

    A deviation is that of the Laplace distribution, its scale times the root of 2.
    """
    said, logs = _said(model, batch)
    off = said - torch.from_numpy(batch.truth)
    each = off.abs() * (2**0.5 * torch.exp(-logs)).repeat_interleave(2, dim=1)
    tall = (off[:, 2:] - off[:, :2]).mean(dim=1).abs()
    return each.mean() + logs.mean() + 5 * tall.mean()


@torch.inference_mode()
def errors(model: RimModel, watched: Examples) -> str:
    """How far off rims and heights are, before and after, and how wide the doubts."""
    parts = [
        _said(model, watched.at(slice(i, i + 512))) for i in range(0, len(watched.pictures), 512)
    ]
    said, logs = (torch.cat(part).numpy() for part in zip(*parts, strict=True))
    scale = 100 * watched.about[:, 3:]  # parts of the packet's extent, per cent
    before, after = (
        np.median(np.abs(rows - watched.truth) * scale) for rows in (watched.thought, said)
    )
    tall = [
        np.median(np.abs((rows[:, 2:] - rows[:, :2]).mean(1) * scale[:, 0]))
        for rows in (watched.thought - watched.truth, said - watched.truth)
    ]
    sigmas = np.abs(said - watched.truth) / np.repeat(np.exp(logs), 2, axis=1)
    return (
        f"rims {before:.2f} → {after:.2f}, heights {tall[0]:.2f} → {tall[1]:.2f} % of the extent, "
        f"{(sigmas < 1).mean():.0%} within a deviation"
    )
