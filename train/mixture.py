"""Real, rendered and empty pictures → the examples of an epoch.

Which picture an example shows and how it is seen follow from (seed, epoch, index) alone, so that a
resumed run, and one on several devices, sees what an uninterrupted one on a single device sees.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset

from stream.geometry import inside
from stream.packet import MAX_CARDS
from stream.synth import Art, Renderer, SceneConfig
from stream.synth.art import CARD_SIDE_PX, Image, built_in, read_folder
from train import augment
from train.config import Config
from train.datasets import cardcut, empty, held_out
from train.example import Example
from train.pictures import read

NEAR = 0.75
"""Share of the rendered packets that fill the view as a tracker's crop does, not a whole frame."""
COVERED = 0.35
"""Share of the rendered packets with fingers in front of a part of the corners."""
FACE_UP = 0.4
"""Share of the rendered packets that show a face: no real one does."""

MIXED = 0.6
"""Share of the backs that are put together of parts of others: of 71 backs, each seen thousands of
times, a network knows the packets, but not those of other backs."""

PHOTOGRAPHS, BESIDE, TABLES = 0.2, 0.1, 0.25
"""Shares of the pictures without a packet: photographs, the surroundings of real packets, rendered
tables with things on them. The rest shows a box, a book or a phone as near as a tracker would show
a packet, every other a deck in its box: what is harder to tell from a packet than any table."""


@dataclass(frozen=True, slots=True)
class Pictures:
    """What is read from disk once, before the first epoch."""

    real: list[cardcut.Sample]
    frames: list[Image]
    empty: list[Image]
    near: Renderer
    far: Renderer
    covered: Renderer
    without: Renderer
    instead: Renderer
    hands: list[Image]


def read_pictures(config: Config, real: list[cardcut.Sample]) -> Pictures:
    """The real samples' pictures, the backgrounds that training may see, and the renderers."""
    frames = [read(sample.path) for sample in real]
    backgrounds = empty.load(Path(config.backgrounds), held_out=False) if config.backgrounds else []
    art = _art(config, backgrounds)
    mixed = 0.0 if config.deck else MIXED
    scene = SceneConfig(face_up=FACE_UP, mixed_back=mixed)
    nothing = SceneConfig(empty=1.0, mixed_back=mixed)
    # A packet of small cards looks like a thicker one of large cards: whoever counts has to know
    # the kind, and the head takes it for the common one (stream.decks has what others make of it).
    if config.only_count:
        scene = replace(scene, tarot=0.0, jumbo=0.0, mini=0.0)
    near = (0.42, 0.92)
    far = (0.35, 0.6) if config.only_count else (0.12, 0.5)  # counts are read in a crop that fits
    return Pictures(
        real,
        frames,
        backgrounds,
        Renderer(replace(scene, extent=near), art),
        Renderer(replace(scene, extent=far), art),
        Renderer(replace(scene, extent=near, covered=(0.2, 0.6), held=0.0), art),
        Renderer(nothing, art),
        Renderer(replace(nothing, things=(1, 3), instead=1.0, lookalike=0.5, extent=near), art),
        list(art.hands),
    )


def _art(config: Config, backgrounds: list[Image]) -> Art:
    """What packets are rendered with: half of it one deck, where that is named."""
    art = _of_many(config, backgrounds)
    if not config.deck:
        return art
    deck = Path(config.deck)
    backs = _as_often(read_folder(deck / "backs", CARD_SIDE_PX), art.backs)
    faces = deck / "faces"
    if not faces.is_dir():
        return replace(art, backs=backs)
    return replace(art, backs=backs, faces=_as_often(read_folder(faces, CARD_SIDE_PX), art.faces))


def _as_often(few: tuple[Image, ...], many: Sequence[Image]) -> list[Image]:
    """All pictures, few of them so often that they are met as often as the many."""
    return [*many, *few * max(1, round(len(many) / len(few)))]


def _of_many(config: Config, backgrounds: list[Image]) -> Art:
    """Drawings, and the given pictures that training may see."""
    if not config.art and not config.hands and not backgrounds:
        return built_in()
    folder = Path(config.art) if config.art else None
    given = Art.from_folders(
        backs=folder / "backs" if folder else None,
        faces=folder / "faces" if folder else None,
        hands=Path(config.hands) if config.hands else None,
        keep=held_out.may_train,
    )
    return built_in() + replace(given, backgrounds=backgrounds or built_in().backgrounds)


class Mixture(Dataset[Example]):
    """`config.samples` examples; `epoch` chooses which."""

    def __init__(self, config: Config, pictures: Pictures) -> None:
        self.config = config
        self.pictures = pictures
        self.epoch = 0

    def __len__(self) -> int:
        return self.config.samples

    def __getitem__(self, index: int) -> Example:
        """Example of this epoch at `index`."""
        rng = np.random.default_rng([self.config.seed, self.epoch, index])
        draw = rng.random()
        # where none is given the share of real pictures is rendered, not left without a packet
        real = self.config.real if self.pictures.real else 0.0
        if draw < real:
            return self._real(rng)
        if draw < real + self.config.empty:
            return self._empty(rng)
        return self._rendered(rng)

    def _real(self, rng: np.random.Generator) -> Example:
        at = int(rng.integers(len(self.pictures.real)))
        sample, frame = self.pictures.real[at], self.pictures.frames[at]
        view = augment.random_view(rng, sample.xy, (frame.shape[0], frame.shape[1]))
        size = self.config.input_size
        image = augment.colour(rng, augment.warp(frame, view, size))
        xy, visible = augment.moved(sample.xy, sample.visible, view, size)
        within = inside(xy, (size, size))
        # A hidden corner's place is not labelled; a labelled one outside the view is absent there.
        known = ~np.isnan(xy[:, 0])
        xy = np.where(within[:, None], xy, np.nan)
        return _example(image, xy, known, visible & within, sample.cards)

    def _rendered(self, rng: np.random.Generator) -> Example:
        size = self.config.input_size
        draw = rng.random()
        if draw < COVERED:
            renderer = self.pictures.covered
        else:
            renderer = self.pictures.near if rng.random() < NEAR else self.pictures.far
        shot = renderer.sample(rng, (size, size))
        image = augment.colour(rng, shot.image) if rng.random() < 0.5 else shot.image
        within = inside(shot.xy, (size, size))
        xy = np.where(within[:, None], shot.xy, np.nan)
        return _example(image, xy, np.ones(8, bool), shot.visible & within, shot.cards)

    def _empty(self, rng: np.random.Generator) -> Example:
        """A background, a part of a real frame beside its packet, a rendered table, or a box."""
        size = self.config.input_size
        draw = rng.random()
        image: Image | None = None
        if draw < PHOTOGRAPHS and self.pictures.empty:
            whole = self.pictures.empty[int(rng.integers(len(self.pictures.empty)))]
            view = augment.empty_view(rng, (whole.shape[0], whole.shape[1]))
            image = augment.warp(whole, view, size) if view else None
        elif draw < PHOTOGRAPHS + BESIDE and self.pictures.real:
            image = self._beside(rng, size)
        if image is None:
            near = draw >= PHOTOGRAPHS + BESIDE + TABLES
            renderer = self.pictures.instead if near else self.pictures.without
            image = renderer.sample(rng, (size, size)).image
        if self.pictures.hands and rng.random() < 0.3:
            hand = self.pictures.hands[int(rng.integers(len(self.pictures.hands)))]
            image = _pasted(rng, image, hand)
        nothing = np.full((8, 2), np.nan)
        image = augment.colour(rng, image)
        return _example(image, nothing, np.ones(8, bool), np.zeros(8, bool), 0)

    def _beside(self, rng: np.random.Generator, size: int) -> Image | None:
        at = int(rng.integers(len(self.pictures.real)))
        frame = self.pictures.frames[at]
        for _ in range(8):
            hw = (frame.shape[0], frame.shape[1])
            view = augment.empty_view(rng, hw, self.pictures.real[at].xy)
            if view is not None:
                return augment.warp(frame, view, size)
        return None


def _pasted(rng: np.random.Generator, image: Image, hand: Image) -> Image:
    """A cut-out (h, w, 4) laid somewhere over the picture, turned and scaled."""
    size = image.shape[0]
    scale = size * rng.uniform(0.3, 0.9) / max(hand.shape[:2])
    view = augment.View(
        (
            hand.shape[1] / 2 + rng.uniform(-0.4, 0.4) * size / scale,
            hand.shape[0] / 2 + rng.uniform(-0.4, 0.4) * size / scale,
        ),
        size / scale,
        rng.uniform(-np.pi, np.pi),
    )
    laid = cv2.warpAffine(hand, view.matrix(size), (size, size))
    alpha = laid[..., 3:].astype(np.float32) / 255
    return (image * (1 - alpha) + laid[..., :3] * alpha).astype(np.uint8)


def _example(
    image: Image,
    xy: NDArray[np.float64],
    known: NDArray[np.bool_],
    visible: NDArray[np.bool_],
    cards: int,
) -> Example:
    seen = int(visible.sum())
    if cards > 0 and seen < 2:
        known = known & False  # a sliver of a packet is neither one nor none
    said = visible if cards > 0 else np.full(8, np.nan)
    return Example(
        torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1))),
        torch.from_numpy(xy.astype(np.float32))[None],
        torch.from_numpy(known.astype(np.float32)),
        torch.from_numpy(said.astype(np.float32)),
        torch.full((1, 4), torch.nan),
        torch.full((1,), torch.nan),
        torch.tensor(min(cards, MAX_CARDS)),
        torch.tensor(float(seen >= 5)),
    )
