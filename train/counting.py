"""Fit the count head alone, on what a trained network that stays says of many pictures.

The network is the slow part and does not change, so each picture goes through it once; the head,
which is small, then reads what came out as often as it needs to.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple, cast

import cv2
import lightning_fabric
import numpy as np
import torch
from rich.progress import track

from train import losses, optimizers
from train.config import Config
from train.count_head import mixture
from train.datasets import cardcut
from train.example import Example
from train.loop import (
    example_loader,
    load_checkpoint,
    log,
    replaced,
    save,
    schedule,
)
from train.mixture import Mixture, read_pictures
from train.models.heatmap import PacketModel
from train.watch import count_errors, crops

NETWORK = (
    *("approach", "encoder_model", "layers", "width", "decoder"),
    *("loss", "target", "input_size", "sigma_px"),
)
"""What the checkpoint decides of a configuration, whatever else is asked for."""


class Read(NamedTuple):
    """What the head reads of N pictures, and the truth. Half precision: 0.3 MB a picture."""

    fine: torch.Tensor  # (N, C, h, w) float16
    heatmaps: torch.Tensor  # (N, K, h, w) float16 heights, also of a network that says logits
    visibility: torch.Tensor  # (N, K) float16 logits
    cards: torch.Tensor  # (N,) int64

    def at(self, numbers: torch.Tensor, device: torch.device) -> Read:
        """Some of the pictures, in full precision."""
        fine, heatmaps, visibility, cards = (part[numbers].to(device) for part in self)
        return Read(fine.float(), heatmaps.float(), visibility.float(), cards)


def fit_count(config: Config) -> Path:
    """Train the count head of the network in `config.start`, and return the new checkpoint.

    `config.samples` pictures are read once, `config.epochs` times over them the head learns.
    """
    fabric = lightning_fabric.Fabric(
        accelerator=config.accelerator, devices=1, precision=cast("Any", config.precision)
    )
    cv2.setNumThreads(1)
    fabric.seed_everything(config.seed, verbose=False)
    model, before = load_checkpoint(Path(config.start))
    if not isinstance(model, PacketModel):
        raise TypeError(f"{config.start} holds no heatmap network that counts cards: name one")
    config = replace(config, **{name: getattr(before, name) for name in NETWORK})
    model.count.reset()
    model.count.requires_grad_(True)
    model = model.to(fabric.device).to(memory_format=torch.channels_last)

    samples = cardcut.load(Path(config.data)) if config.data else []
    train_samples, held = cardcut.split(samples, config.hold_out)
    loader = example_loader(Mixture(config, read_pictures(config, train_samples)), config)
    with fabric.autocast():
        seen = read(model, _countable(track(loader, "reading", auto_refresh=False)))
    held_seen = read(model, crops(held, model.spec.input_hw[0])) if held else None

    named, peak = dict(model.count.named_parameters()), optimizers.COUNT_LR * config.lr
    optimizer = optimizers.of(optimizers.decaying(named, peak, config), config)
    for note in replaced(config):
        print(note)
    config.folder.mkdir(parents=True, exist_ok=True)
    checkpoint = config.folder / "last.pt"
    for epoch, loss in enumerate(_learn(model, optimizer, seen, config), 1):
        save(checkpoint, model, optimizer, epoch, config)
        errors = _errors(model, held_seen, [sample.clip for sample in held]) if held_seen else {}
        log(config.folder / "log.jsonl", {"epoch": epoch, "count": loss, **errors})
    return checkpoint


@torch.no_grad()
def read(model: PacketModel, batches: Iterable[tuple[torch.Tensor, torch.Tensor]]) -> Read:
    """Batches of pictures (B, 3, H, W) and their cards (B,) → what the head reads, on the CPU.

    Raises ValueError if there is none.
    """
    device = next(model.parameters()).device
    parts = []
    for images, cards in batches:
        floats = images.to(device).float().contiguous(memory_format=torch.channels_last)
        seen = model.trunk(floats)
        said = (seen.fine, model.heights(seen.heatmaps), seen.visibility)
        halves = (part.half().cpu() for part in said)
        parts.append((*halves, cards.cpu()))
    if not parts:
        raise ValueError("no picture shows a packet to learn from: raise samples, or lower empty")
    with torch.autocast("cpu", enabled=False):  # which knows no half precision
        return Read._make(torch.cat(part) for part in zip(*parts, strict=True))


def _countable(loader: Iterable[Example]) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Batches of examples → their pictures and cards, without those that nobody could count."""
    for batch in loader:
        kept = (batch.cards > 0) & (batch.countable > 0)
        if kept.any():
            yield batch.image[kept], batch.cards[kept]


def _learn(
    model: PacketModel, optimizer: torch.optim.Optimizer, seen: Read, config: Config
) -> Iterator[float]:
    """The head, `config.epochs` times over what was seen; yields the mean loss of each."""
    if len(seen.cards) < config.batch:
        raise ValueError(f"a batch is {config.batch} pictures, got {len(seen.cards)} to learn from")
    head, device = model.count, next(model.parameters()).device
    steps = len(seen.cards) // config.batch
    generator = torch.Generator().manual_seed(config.seed)
    for epoch in range(config.epochs):
        head.train()
        order = torch.randperm(len(seen.cards), generator=generator)
        losses_of_steps = []
        name = f"epoch {epoch + 1}/{config.epochs}"
        for i in track(range(steps), name, auto_refresh=False):
            schedule(optimizer, config, epoch * steps + i, steps * config.epochs)
            batch = seen.at(order[i * config.batch : (i + 1) * config.batch], device)
            counts = head(*batch[:3])
            known = torch.ones_like(batch.cards)
            loss = losses.count_nll(counts.log_p, counts.mean, batch.cards, known)
            optimizer.zero_grad(set_to_none=True)
            torch.autograd.backward(loss)
            torch.nn.utils.clip_grad_norm_(head.parameters(), 5.0)
            optimizer.step()
            losses_of_steps.append(loss.item())
        head.eval()
        yield float(np.mean(losses_of_steps))


@torch.inference_mode()
def _errors(model: PacketModel, seen: Read, clips: list[str]) -> dict[str, float]:
    """Count errors in cards: of the mixture, and the mean absolute ones of each reading alone."""
    every = seen.at(torch.arange(len(seen.cards)), next(model.parameters()).device)
    log_p = model.count(*every[:3]).log_p.cpu()
    cards = torch.arange(1.0, log_p.shape[-1] + 1)
    errors = count_errors((mixture(log_p) @ cards - seen.cards).numpy(), clips)
    alone = (log_p.softmax(dim=2) @ cards - seen.cards[:, None]).abs().mean(dim=0)
    return {**errors, "by_geometry": float(alone[0]), "by_look": float(alone[1])}
