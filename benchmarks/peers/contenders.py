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
    """One row of the table. What follows a comma in its name is how it differs from its like."""

    name: str
    command: Command
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def program(self) -> str:
        """The name without the difference: a column of the facts."""
        return self.name.partition(",")[0]


FACTS = {
    "": ("kpstream", "Ultralytics pose", "MediaPipe Hands", "plain loop"),
    "finds": (
        "eight corners of a packet of cards, which are hidden, how many cards",
        "nothing, as it is untrained; else 17 points of every person",
        "21 points on each of up to two hands",
        "the eight corners",
    ),
    "looks at": (
        "a square crop that follows the packet, at 256 × 256",
        "whole frame, letterboxed to 640 × 384",
        "whole frame at 192 × 192 while fewer than two hands are held; a crop of each",
        "whole frame, squashed to 256 × 256",
    ),
    "network and runtime": (
        "packet-nano, 3.4 million parameters, the engine that `auto` takes",
        "yolo26n-pose, 3.7 million parameters, built from its yaml, torch f32",
        "its lite palm detector and lite hand landmarks, TFLite with XNNPACK",
        "packet-nano, ONNX Runtime f32",
    ),
    "places": (
        "sub-pixel, from heatmaps by mean shift",
        "regressed, sub-pixel",
        "regressed, sub-pixel",
        "the highest cell of 64 × 64: steps of 20 × 11 px in a 720p frame",
    ),
    "from frame to frame": (
        "crop follows; corners and count smoothed",
        "nothing: each frame alone",
        "crop follows the hand",
        "nothing: each frame alone",
    ),
    "draws": (
        "corners, edges, hidden ones dashed, the count",
        "nothing, as nothing is found; else boxes and skeletons",
        "points and connections",
        "circles",
    ),
    "threads": (
        "three, beside the engine's and the codecs'",
        "one loop; torch on all cores but one, as it sets itself, or told to take all",
        "one loop; MediaPipe's own graph threads",
        "one loop; ONNX Runtime on all cores",
    ),
}
"""What each does and does not do, a row a question."""


def contenders(ours: Path, python: Path, scratch: Path) -> list[Contender]:
    """The command kpstream, the peers' Python, a folder for settings → all, kpstream first."""
    cores = os.cpu_count() or 1
    # its usage statistics and its look for updates would wait for a network; its settings are ours
    alone = {"YOLO_OFFLINE": "true", "YOLO_CONFIG_DIR": str(scratch)}

    def peer(script: str, out: str, *more: str) -> Command:
        return lambda clip, folder: [
            *(str(python), str(HERE / script), str(clip), str(folder / out), *more)
        ]

    model = str(engines.DEFAULT_MODEL)
    return [
        Contender(
            "kpstream",
            lambda clip, folder: [str(ours), str(clip), "--out", str(folder / "kpstream.mp4")],
        ),
        Contender("Ultralytics pose", peer("ultralytics_pose.py", ""), alone),
        Contender(
            "Ultralytics pose, all cores", peer("ultralytics_pose.py", "", str(cores)), alone
        ),
        Contender("MediaPipe Hands", peer("mediapipe_hands.py", "out.mp4")),
        Contender("MediaPipe Hands, H.264", peer("mediapipe_hands.py", "out.mp4", "h264")),
        Contender("plain loop", peer("plain_loop.py", "out.mp4", model)),
        Contender("plain loop, H.264", peer("plain_loop.py", "out.mp4", model, "h264")),
    ]
