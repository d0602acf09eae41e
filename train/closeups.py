"""Patches round edges → the small network that says where they are (`stream.closeup_network`)."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any, cast

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from rich.progress import track
from torch import nn
from torch.nn import functional

from stream import closeup_network
from stream.closeup_network import (
    DEGREES,
    FINEST,
    GRID,
    LEAST,
    NUMBER,
    OUTPUTS,
    WIDEST,
)
from stream.closeups import SIZE
from train.closeup_examples import Examples, examples
from train.config import Config
from train.export import cleaned, exported
from train.loop import schedule

NEAR_BY, WHOLE = 64, 128
"""Channels where a cell is 4 px of a patch, and where it is 8 and all of it is overlooked."""

HIDDEN = 128
"""Numbers between what is seen at the corners and what is said of them."""

WATCHED = 10
"""One picture of so many is not learnt."""

NEAR = 0.1
"""What counts as near when errors are told, in parts of a patch's half."""

PLAIN, DOTS = 0.06, 6
"""Share of the patches in which nothing is shown of the packet but up to so many dots: a network
that has always seen one is as sure of what it has never seen."""

TALL = 3.0
"""Weight of how far off the edge from one corner to the other is, in parts of a patch's half."""

Said = tuple[torch.Tensor, torch.Tensor]  # places (N, 2, 2); the rest (N, 2, 4)


class Residual(nn.Module):
    """What two convolutions add to what they are given: nothing, to begin with."""

    def __init__(self, channels: int, apart: int = 1) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=apart, dilation=apart)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)
        nn.init.zeros_(self.second.weight)
        nn.init.zeros_(cast("nn.Parameter", self.second.bias))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C, n, n) → the same shape."""
        return torch.relu(x + self.second(torch.relu(self.first(x))))


class Convolutions(nn.Module):
    """The part that a runtime computes, as `stream.closeup_network.quickest` chooses.

    Where the straight edges lead to is seen from further away than how a rounded corner looks: what
    half the resolution overlooks is added to what is seen near by.
    """

    def __init__(self) -> None:
        super().__init__()
        self.near = nn.Sequential(
            *(nn.Conv2d(5, 24, 5, 2, 2), nn.ReLU(), nn.Conv2d(24, 24, 3, padding=1), nn.ReLU()),
            *(nn.Conv2d(24, NEAR_BY, 3, 2, 1), nn.ReLU(), Residual(NEAR_BY)),
        )
        self.whole = nn.Sequential(
            *(nn.Conv2d(NEAR_BY, WHOLE, 3, 2, 1), nn.ReLU(), Residual(WHOLE)),
            *(Residual(WHOLE, 2), nn.Conv2d(WHOLE, NEAR_BY, 1), nn.Upsample(scale_factor=2)),
        )
        self.both = nn.Sequential(nn.Conv2d(NEAR_BY, NEAR_BY, 3, padding=1), nn.ReLU())
        self.scores = nn.Conv2d(NEAR_BY, 2, 3, padding=1)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Inputs (N, 5, SIZE, SIZE) → scores (N, 2, n, n), features (N, C, n, n)."""
        near = self.near(x)
        features = self.both(near + self.whole(near))
        return self.scores(features), features


class CloseUpModel(nn.Module):
    """`stream.closeup_network.CloseUpNetwork`, to be trained."""

    def __init__(self) -> None:
        super().__init__()
        self.convolutions = Convolutions()
        numbers = 2 * (NEAR_BY + 6)
        self.dense0, self.dense1 = nn.Linear(numbers, HIDDEN), nn.Linear(HIDDEN, 12)
        self.grid: torch.Tensor
        self.register_buffer("grid", torch.from_numpy(GRID))

    def forward(self, x: torch.Tensor) -> Said:
        """Inputs (N, 5, SIZE, SIZE) → places (N, 2, 2); precisions' factors, log odds (N, 2, 4)."""
        low = x.to(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16, enabled=self.training):
            scores, features = self.convolutions(low)
        scores, features = scores.float().flatten(2), features.float().flatten(2)
        share = torch.softmax(scores, dim=2)
        means = share @ self.grid
        variance = share @ self.grid**2 - means**2
        spread = torch.log(variance.clamp(min=0) + LEAST) / 2
        size = torch.stack([scores.logsumexp(dim=2), scores.amax(dim=2)], dim=2) * NUMBER
        parts = [share @ features.transpose(1, 2), means, spread, size]
        numbers = torch.cat(parts, dim=2).flatten(1)
        each = self.dense1(torch.relu(self.dense0(numbers))).unflatten(1, (2, 6))
        return means + each[..., 4:] * NUMBER, each[..., :4]

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The weights as `CloseUpNetwork` takes them: the convolutions' with their graph.

        These are rounded to half precision, in float32 still: compressed they take half the room.
        """
        rounded = deepcopy(self.convolutions).half().float().eval()
        proto = exported(rounded, torch.zeros(2, 5, SIZE, SIZE), "x", OUTPUTS)
        cleaned(proto, "closeups")
        named = {"convolutions": np.frombuffer(proto.SerializeToString(), np.uint8)}
        for i, layer in enumerate((self.dense0, self.dense1)):
            named[f"dense{i}"] = layer.weight.detach().T.numpy()
            named[f"dense{i}_bias"] = layer.bias.detach().numpy()
        return named


def fit(config: Config, model: Path) -> Path:
    """Train on what `examples` gives of the network `model`, and write to `config.out`.

    Raises ValueError for fewer patches than a batch.
    """
    cv2.setNumThreads(1)  # with threads of its own, processes that are forked wait for ever
    network = trained(config, examples(config, model))
    out = Path(config.out)
    np.savez_compressed(out, **network.arrays())  # type: ignore[arg-type]
    return out


def trained(config: Config, given: Examples) -> CloseUpModel:
    """The network that has learnt nine tenths of the pictures; its errors on the rest are told."""
    torch.manual_seed(config.seed)
    apart = given.group % WATCHED == 0
    learnt, watched = given.at(~apart), given.at(apart)
    if len(learnt.seen) < config.batch:
        raise ValueError(f"a batch is {config.batch} patches, got {len(learnt.seen)}: more samples")
    network = CloseUpModel().to(memory_format=torch.channels_last)
    weights = {"params": list(network.parameters()), "lr": config.lr, "peak": config.lr}
    optimizer = torch.optim.AdamW([weights], weight_decay=config.weight_decay)
    rng, steps = np.random.default_rng(config.seed), len(learnt.seen) // config.batch
    for epoch in range(config.epochs):
        order = rng.permutation(len(learnt.seen))
        losses = []
        for i in track(range(steps), f"epoch {epoch + 1}/{config.epochs}", auto_refresh=False):
            schedule(optimizer, config, epoch * steps + i, steps * config.epochs)
            at = np.sort(order[i * config.batch : (i + 1) * config.batch])
            loss = _loss(network, learnt.at(at))
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(network.parameters(), 5.0)
            optimizer.step()
            losses.append(loss.item())
        print(f"epoch {epoch + 1}  loss {np.mean(losses):.3f}  {errors(network, watched)}")
    return network


def inputs(pictures: torch.Tensor, thought: torch.Tensor, neighbours: torch.Tensor) -> torch.Tensor:
    """`stream.closeup_network.inputs`, of tensors."""
    arrays = (part.numpy() for part in (pictures, thought, neighbours))
    return torch.from_numpy(closeup_network.inputs(*arrays))


def _varied(batch: Examples) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The same patches in other colours; what was thought a little off, some of it not found."""
    pictures, *places = (torch.from_numpy(part) for part in (_some_plain(batch[0]), *batch[1:3]))
    each = len(pictures), 1, 1
    levels = pictures[..., torch.randperm(3)] * torch.empty(*each, 3).uniform_(0.6, 1.4)
    levels += torch.randn(*each, 3) * 20
    noise = torch.empty(*each, 1).uniform_(0, 8) * (torch.rand(*each, 1) < 0.5)
    levels += torch.randn(levels.shape) * noise
    thought, neighbours = (at + torch.randn(at.shape) * 0.02 for at in places)
    neighbours[torch.rand(neighbours.shape[:3]) < 0.03] = torch.nan
    return levels.clamp(0, 255), thought, neighbours


def _some_plain(pictures: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Patches → a copy, some of which are of their own colour all over, with dots."""
    drawn = np.array(pictures)
    rng = np.random.default_rng(int(torch.randint(2**31, ())))
    for i in np.flatnonzero(rng.random(len(drawn)) < PLAIN):
        drawn[i] = drawn[i].mean(axis=(0, 1))
        for x, y in rng.integers(0, SIZE, (rng.integers(DOTS + 1), 2)).tolist():
            cv2.circle(
                drawn[i], (x, y), int(rng.integers(2, 9)), rng.integers(0, 256, 3).tolist(), -1
            )
    return drawn


def _loss(network: CloseUpModel, batch: Examples) -> torch.Tensor:
    """Negative log-likelihood of t distributions, which forgive an outlier, and of the flags."""
    places, each = network(inputs(*_varied(batch)))
    seen = torch.from_numpy(batch.seen)
    off = torch.nan_to_num(torch.from_numpy(batch.truth)) - places
    tall = (off[:, 1] - off[:, 0]).norm(dim=1)
    flags = functional.binary_cross_entropy_with_logits(each[..., 3], seen.float())
    return _mean(_unlikely(off, each), seen) + TALL * _mean(tall, seen.all(dim=1)) + flags


def _unlikely(off: torch.Tensor, more: torch.Tensor) -> torch.Tensor:
    """−ln of the t density (N, 2), up to a constant, at errors (N, 2, 2)."""
    logs = more[..., [0, 2]].clamp(WIDEST, FINEST)
    diagonal = logs.exp()
    skew = more[..., 1] * diagonal.prod(dim=-1).sqrt()
    first = diagonal[..., 0] * off[..., 0] + skew * off[..., 1]
    second = diagonal[..., 1] * off[..., 1]
    far = (first**2 + second**2) / DEGREES
    return (DEGREES + 2) / 2 * torch.log1p(far) - logs.sum(dim=-1)


def _mean(each: torch.Tensor, of: torch.Tensor) -> torch.Tensor:
    return torch.where(of, each, 0.0).sum() / of.sum().clamp(min=1)


@torch.inference_mode()
def errors(network: CloseUpModel, watched: Examples) -> str:
    """How far off corners and edges are, before and after, and how often it is told who is seen."""
    if not len(watched.seen):
        return "nothing is watched"
    network.eval()
    parts = []
    for i in range(0, len(watched.seen), 512):
        some = watched.at(slice(i, i + 512))
        parts.append(network(inputs(*(torch.from_numpy(part) for part in some[:3]))))
    network.train()
    places, each = (torch.cat(part).numpy() for part in zip(*parts, strict=True))
    seen = watched.seen
    told = []
    for at in (watched.thought, places):
        off = at - watched.truth
        tall = np.linalg.norm(off[:, 1] - off[:, 0], axis=1)[seen.all(axis=1)]
        far = np.linalg.norm(off, axis=2)[seen]
        told.append((np.mean(far < NEAR), np.nanmedian(far), np.nanmedian(tall)))
    error = (places - watched.truth)[seen]
    precision = np.linalg.inv(closeup_network.covariance_of(each[seen][:, :3]))
    sigmas = np.sqrt(np.einsum("ni,nij,nj->n", error, precision, error))
    (near, far, tall), (nearer, less, shorter) = told
    return (
        f"within {NEAR:.0%} of a patch {near:.0%} → {nearer:.0%}, off {far:.1%} → {less:.1%}, "
        f"edges {tall:.1%} → {shorter:.1%}; {np.mean(sigmas < 1):.0%} within a deviation, "
        f"{np.mean(sigmas < 2):.0%} within two; who is seen: "
        f"{np.mean((each[..., 3] > 0) == seen):.0%} right"
    )
