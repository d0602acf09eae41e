"""Render the sample clip, docs/sample.mp4: an ordinary deck on a cloth, filmed for six seconds.

    python benchmarks/sample_clip.py docs/sample.mp4

43 rather thick cards (0.31 mm each), squared up, in even light: what a performer shows first.
Nothing but the renderer's own drawings is in it. Needs what `pip install .` installs.
"""

import sys
from typing import Any

import av

from stream.synth import Clip, SceneConfig

HW, FPS, FRAMES, SEED = (720, 1280), 30, 180, 3

_NEVER = (
    "held", "occluder", "lone_hand", "hard", "backlit", "gels", "spot", "hand_shadow", "dark",
    "bright", "blotches", "webcam", "flicker", "wide", "rolling", "tarot", "jumbo", "mini",
    "brushed", "twist", "fan", "stray_sheet", "bowed", "worn", "recoloured", "photo_back",
    "gilt", "dirty", "clutter",
)  # fmt: skip

_KNOBS: dict[str, Any] = {
    **dict.fromkeys(_NEVER, 0.0),  # all of them are shares
    "card_mm": (0.305, 0.315),
    "extent": (0.3, 0.45),
}
SCENE = SceneConfig(**_KNOBS)


def main() -> None:
    """Render the clip into the file that is named."""
    clip = Clip(SCENE, None, SEED, HW, FPS, FRAMES)
    with av.open(sys.argv[1], "w", options={"movflags": "faststart"}) as out:
        stream = out.add_stream("libx264", rate=FPS, options={"crf": "26", "preset": "slow"})
        stream.height, stream.width = HW
        stream.pix_fmt = "yuv420p"
        for shot in clip:
            out.mux(stream.encode(av.VideoFrame.from_ndarray(shot.image, format="bgr24")))
        out.mux(stream.encode())
    print(f"{sys.argv[1]}: {clip.scene.cards} cards")


if __name__ == "__main__":
    main()
