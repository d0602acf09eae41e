"""What the renderer makes → files: a contact sheet, a clip with its truth, crops to compare on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from stream.geometry import around
from stream.prepare import prepare
from stream.synth import Art, Clip, Renderer, SceneConfig
from stream.track import MARGIN
from train import clip as clips
from train.sheet import sheet, with_truth

TRIES = 100
"""Pictures in a row without enough of a packet before it is given up; one in eight is such."""


@dataclass(frozen=True, slots=True, eq=False)
class Stage:
    """What to render, and the seed that everything random follows from."""

    config: SceneConfig
    art: Art
    seed: int

    @classmethod
    def of(
        cls,
        config: SceneConfig,
        seed: int,
        *,
        art: Path | None = None,
        backgrounds: Path | None = None,
        hands: Path | None = None,
    ) -> Stage:
        """A configuration, folder with backs/ and faces/, of backgrounds, of hands → a stage."""
        pictures = Art.from_folders(
            backs=art / "backs" if art else None,
            faces=art / "faces" if art else None,
            backgrounds=backgrounds,
            hands=hands,
        )
        return cls(config, pictures, seed)


def rendered_sheet(stage: Stage, hw: tuple[int, int], count: int, out: Path) -> None:
    """`count` pictures with their true visible corners → one picture in `out`."""
    renderer = Renderer(stage.config, stage.art)
    tiles = []
    for i in range(count):
        shot = renderer.sample(np.random.default_rng([stage.seed, i]), hw)
        seen = np.where(shot.visible[:, None], shot.xy, np.nan)
        tiles.append((with_truth(shot.image, seen), f"{i}: {shot.cards} cards"))
    # `cv2.imwrite` writes a file of another name, or ends the process, if not all of it is ASCII
    _, data = cv2.imencode(out.suffix.lower(), sheet(tiles, columns=8, tile_hw=hw))
    out.write_bytes(data.tobytes())


def clip(
    stage: Stage,
    hw: tuple[int, int],
    fps: int,
    frames: int,
    out: Path,
    *,
    truth: Path | None = None,
) -> None:
    """A camera's way round one packet → an MP4 in `out`, and its truth as JSON lines."""
    shots = Clip(stage.config, stage.art, stage.seed, hw, fps, frames)
    clips.write(shots, out, fps, truth)


def crops(stage: Stage, hw: tuple[int, int], count: int, out: Path) -> None:
    """`count` packets as the network sees them, in crops of `hw` → `images` of an npz archive.

    Only packets with five visible corners: what is compared on them needs something to compare.
    Raises ValueError if there is none among as many pictures as TRIES.
    """
    if count < 1:
        raise ValueError(f"crops are of one packet or more, got {count}")
    renderer = Renderer(stage.config, stage.art)
    images = np.empty((count, *hw, 3), np.uint8)
    seed = made = last = 0
    while made < count:
        if seed - last == TRIES:
            raise ValueError(f"{TRIES} pictures in a row show no packet with five corners seen")
        shot = renderer.sample(np.random.default_rng([stage.seed, seed]), (480, 640))
        seed += 1
        if shot.visible.sum() >= 5:
            prepare(shot.image, around(shot.xy, hw, MARGIN), hw, images[made])
            made, last = made + 1, seed
    np.savez_compressed(out, images=images & 0xFC)  # noise in the lowest bits is half the size
