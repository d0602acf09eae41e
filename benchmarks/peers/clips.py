"""Clips to measure on: 720p30 with a tone, of a rendered packet, alone or beside a hand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from stream.colour import video_frame
from stream.sinks import video as sink
from stream.synth import Clip

FPS = 30
HW = (720, 1280)
SOUND_HZ = 48_000
TONE_HZ = 440.0
HAND_HW = (420, 360)  # leaves the middle, where the packet is, alone

Picture = NDArray[np.uint8]


def packet(frames: int) -> Iterator[Picture]:
    """A rendered packet, filmed from a moving hand."""
    for rendered in Clip(frames=frames, hw=HW, fps=FPS):
        yield rendered.image


def with_hand(pictures: Iterator[Picture], path: Path) -> Iterator[Picture]:
    """Pictures → each with a cut-out hand at its left edge, that sways. Raises OSError, ValueError.

    The hand (a PNG with alpha) gives programs that look for hands something to find.
    """
    hand = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if hand is None:
        raise OSError(f"cannot read {path} as a picture: name a PNG")
    if hand.ndim != 3 or hand.shape[2] != 4:
        raise ValueError(f"the hand must be cut out, a PNG with alpha, got {hand.shape = }")
    scale = min(HAND_HW[0] / hand.shape[0], HAND_HW[1] / hand.shape[1])
    for index, picture in enumerate(pictures):
        turn = 2 * np.pi * index / FPS
        left, top = 40 + 25 * np.sin(turn / 5), 160 + 25 * np.sin(turn / 4)
        place = np.array([[scale, 0, left], [0, scale, top]])
        moved = cv2.warpAffine(hand, place, (picture.shape[1], picture.shape[0]))
        alpha = moved[..., 3:].astype(np.uint16)
        mixed = (moved[..., :3] * alpha + picture * (255 - alpha)) // 255
        yield mixed.astype(np.uint8)


def write(path: Path, pictures: Iterator[Picture]) -> None:
    """Pictures (720, 1280, 3) BGR → an H.264 file with a tone, to see who keeps the sound."""
    step = SOUND_HZ // FPS
    with av.open(str(path), "w") as output:
        video = sink.add_video_stream(output, HW, float(FPS))
        sound = output.add_stream("aac", rate=SOUND_HZ, layout="mono")
        for index, picture in enumerate(pictures):
            frame = video_frame(picture)
            frame.pts, frame.time_base = index * 90_000 // FPS, sink.TIME_BASE
            output.mux(video.encode(frame))
            moments_s = np.arange(index * step, (index + 1) * step) / SOUND_HZ
            wave = 0.1 * np.sin(2 * np.pi * TONE_HZ * moments_s).astype(np.float32)
            heard = av.AudioFrame.from_ndarray(wave[None], format="fltp", layout="mono")
            heard.sample_rate, heard.pts = SOUND_HZ, index * step
            output.mux(sound.encode(heard))
        output.mux(video.encode(None))
        output.mux(sound.encode(None))
