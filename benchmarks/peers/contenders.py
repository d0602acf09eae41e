"""Who is measured: what each is started with, and what it does and does not do.

What can be measured (codec, sound, drops, how often something was found) is not written here.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import engines

HERE = Path(__file__).parent

Command = Callable[[Path, Path], list[str]]
"""A clip and an empty folder for the video → the words to start."""


@dataclass(frozen=True)
class Contender:
    """One row of the table. `does` answers each of `QUESTIONS`."""

    name: str
    command: Command
    does: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict)


QUESTIONS = (
    "finds",
    "looks at",
    "network and runtime",
    "places",
    "from frame to frame",
    "draws",
    "threads",
)


def contenders(ours: Path, python: Path, scratch: Path) -> list[Contender]:
    """The command kpstream, the peers' Python, a folder for settings → all, kpstream first."""
    cores = os.cpu_count() or 1
    ultralytics = (
        "nothing, as it is untrained; else 17 points of every person",
        "whole frame, letterboxed to 640 × 384",
        "yolo26n-pose, 3.7 million parameters, built from its yaml, torch f32",
        "regressed, sub-pixel",
        "nothing: each frame alone",
        "nothing, as nothing is found; else boxes and skeletons",
    )
    # its usage statistics and its look for updates would wait for a network; its settings are ours
    alone = {"YOLO_OFFLINE": "true", "YOLO_CONFIG_DIR": str(scratch)}
    return [
        Contender(
            "kpstream",
            lambda clip, folder: [str(ours), str(clip), "--out", str(folder / "kpstream.mp4")],
            (
                "eight corners of a packet of cards, which are hidden, how many cards",
                "a square crop that follows the packet, at 256 × 256",
                "packet-nano, 3.2 million parameters, the engine that `auto` takes",
                "sub-pixel, from heatmaps by mean shift",
                "crop follows; corners and count smoothed",
                "corners, edges, hidden ones dashed, the count",
                "three, beside the engine's and the codecs'",
            ),
        ),
        Contender(
            "Ultralytics pose",
            lambda clip, folder: [
                *(str(python), str(HERE / "ultralytics_pose.py")),
                *(str(clip), str(folder)),
            ],
            (*ultralytics, "one loop; torch on all cores but one, as it sets itself"),
            alone,
        ),
        Contender(
            "Ultralytics pose, all cores",
            lambda clip, folder: [
                *(str(python), str(HERE / "ultralytics_pose.py")),
                *(str(clip), str(folder), str(cores)),
            ],
            (*ultralytics, "one loop; torch made to take all cores"),
            alone,
        ),
        Contender(
            "MediaPipe Hands",
            lambda clip, folder: [
                *(str(python), str(HERE / "mediapipe_hands.py")),
                *(str(clip), str(folder / "mediapipe.mp4")),
            ],
            (
                "21 points on each of up to two hands",
                "whole frame at 192 × 192 while fewer than two hands are held; a crop of each",
                "its lite palm detector and lite hand landmarks, TFLite with XNNPACK",
                "regressed, sub-pixel",
                "crop follows the hand",
                "points and connections",
                "one loop; MediaPipe's own graph threads",
            ),
        ),
        Contender(
            "plain loop",
            lambda clip, folder: [
                *(str(python), str(HERE / "plain_loop.py")),
                *(str(clip), str(folder / "plain.mp4"), str(engines.DEFAULT_MODEL)),
            ],
            (
                "the eight corners",
                "whole frame, squashed to 256 × 256",
                "packet-nano, ONNX Runtime f32",
                "the highest cell of 64 × 64: steps of 20 × 11 px in a 720p frame",
                "nothing: each frame alone",
                "circles",
                "one loop; ONNX Runtime on all cores",
            ),
        ),
    ]
