"""Pictures that a scene is dressed with: card backs, card faces, backgrounds and hands."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from stream.picture_file import decoded
from stream.synth import faces, ornament, tables

Image = NDArray[np.uint8]

CARD_SIDE_PX = 528  # longer side that pictures of cards are brought down to
TABLE_SIDE_PX = 384
HAND_SIDE_PX = 384
SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".bmp"}


@dataclass(frozen=True, eq=False)
class Art:
    """Pictures (H, W, 3) BGR or (H, W, 4) BGRA uint8; none of the first three lists may be empty.

    Cards stand upright. What is transparent in a card's picture is taken for paper. Hands are
    cut-outs (H, W, 4) of any pose; where there are none, hands are drawn.
    """

    backs: Sequence[Image]
    faces: Sequence[Image]
    backgrounds: Sequence[Image]
    hands: Sequence[Image] = ()

    def __post_init__(self) -> None:
        for name in ("backs", "faces", "backgrounds"):
            if not getattr(self, name):
                raise ValueError(f"art needs at least one of {name}, got none")
        for hand in self.hands:
            if hand.ndim != 3 or hand.shape[2] != 4:
                raise ValueError(f"a hand must be a cut-out (H, W, 4), got {hand.shape}")

    def __add__(self, other: Art) -> Art:
        """The pictures of both."""
        return Art(
            [*self.backs, *other.backs],
            [*self.faces, *other.faces],
            [*self.backgrounds, *other.backgrounds],
            [*self.hands, *other.hands],
        )

    @classmethod
    def procedural(cls, rng: np.random.Generator, each: int = 24) -> Art:
        """Drawn pictures, `each` of every kind; needs no file."""
        return cls(
            [ornament.back(rng) for _ in range(each)],
            [faces.face(rng) for _ in range(each)],
            [tables.table(rng) for _ in range(each)],
        )

    @classmethod
    def from_folders(
        cls,
        backs: Path | None = None,
        faces: Path | None = None,
        backgrounds: Path | None = None,
        hands: Path | None = None,
        keep: Callable[[Path], bool] | None = None,
    ) -> Art:
        """Pictures below the given folders, brought down in size; drawn ones where none is given.

        `keep` says of each file whether it is read, so that training and test can share a folder
        and no picture. Raises OSError for a folder that is not there, holds no picture (or none to
        keep) or a broken one.
        """
        drawn = built_in()
        return cls(
            read_folder(backs, CARD_SIDE_PX, keep) if backs else drawn.backs,
            read_folder(faces, CARD_SIDE_PX, keep) if faces else drawn.faces,
            read_folder(backgrounds, TABLE_SIDE_PX, keep) if backgrounds else drawn.backgrounds,
            read_folder(hands, HAND_SIDE_PX, keep, cut_out=True) if hands else (),
        )


@lru_cache(maxsize=1)
def built_in() -> Art:
    """The drawn pictures that are used where none are given."""
    return Art.procedural(np.random.default_rng(0), each=40)


@lru_cache(maxsize=8)
def read_folder(
    folder: Path,
    side_px: int,
    keep: Callable[[Path], bool] | None = None,
    *,
    cut_out: bool = False,
) -> tuple[Image, ...]:
    """Pictures below a folder, in sorted order, none with a side longer than `side_px`.

    `keep` False leaves a file out. What is `cut_out` has to have transparency.
    """
    if not folder.is_dir():
        raise NotADirectoryError(f"pictures are read from a folder, got {folder}")
    paths = sorted(p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES)
    if not paths:
        raise FileNotFoundError(f"no picture ({', '.join(sorted(SUFFIXES))}) below {folder}")
    kept = [path for path in paths if keep is None or keep(path)]
    if not kept:
        raise FileNotFoundError(
            f"none of the pictures below {folder} ({len(paths)}) is on the wanted side of the "
            "split, which goes by their names: add some"
        )
    return tuple(_read(path, side_px, cut_out=cut_out) for path in kept)


def _read(path: Path, side_px: int, *, cut_out: bool) -> Image:
    # a camera's JPEG says how it was held, which OpenCV heeds only where it need not keep alpha
    jpeg = path.suffix.lower() in {".jpg", ".jpeg"}
    picture = decoded(path, cv2.IMREAD_COLOR if jpeg else cv2.IMREAD_UNCHANGED)
    if picture is None:
        raise OSError(f"{path} is not a picture that OpenCV can read")
    if picture.dtype == np.uint16:
        picture = picture // 257
    if picture.ndim == 2:
        picture = cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR)
    height, width = picture.shape[:2]
    if min(height, width) < 2:
        raise OSError(f"{path} is {width}x{height} px: leave it out, 2x2 is the least to show")
    if cut_out and picture.shape[2] != 4:
        raise OSError(f"{path} has no transparency: a cut-out is wanted, a PNG with alpha")
    if picture.shape[2] == 4 and not (picture[..., 3] > 127).any():
        raise OSError(f"{path} is transparent everywhere: leave it out, there is nothing to show")
    return within(np.asarray(picture, dtype=np.uint8), side_px)


def within(picture: Image, side_px: int) -> Image:
    """A picture → the same with no side longer than `side_px`."""
    height, width = picture.shape[:2]
    scale = side_px / max(height, width)
    if scale >= 1:
        return picture
    size = (max(2, round(width * scale)), max(2, round(height * scale)))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


@dataclass(frozen=True, eq=False)
class Texture:
    """A picture in halving sizes, so that what is far away can be read without flicker."""

    levels: tuple[Image, ...]  # (H, W, 3) BGR, the finest first

    @classmethod
    def of(cls, picture: Image) -> Texture:
        """A picture BGR or BGRA → its halving sizes; what is transparent becomes paper."""
        levels = [_opaque(picture)]
        while min(levels[-1].shape[:2]) >= 16:
            height, width = levels[-1].shape[:2]
            half = cv2.resize(levels[-1], (width // 2, height // 2), interpolation=cv2.INTER_AREA)
            levels.append(np.asarray(half, dtype=np.uint8))
        return cls(tuple(levels))

    def at(self, shrink: float) -> Image:
        """The level for pictures in which `shrink` texels of the finest one share a pixel."""
        level = round(math.log2(max(shrink, 1.0)))
        return self.levels[min(level, len(self.levels) - 1)]


def any_of(rng: np.random.Generator, pictures: Sequence[Texture]) -> Texture:
    """One of some textures."""
    return pictures[int(rng.integers(len(pictures)))]


def _opaque(picture: Image) -> Image:
    if picture.shape[2] == 3:
        return picture
    alpha = picture[..., 3:].astype(np.float32) / 255
    paper = np.array([236, 242, 245], dtype=np.float32)
    return np.asarray((picture[..., :3] * alpha + paper * (1 - alpha)).astype(np.uint8))
