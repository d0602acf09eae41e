"""Scenes in which nothing happens but what a test asks for."""

from stream.synth import SceneConfig

PLAIN = SceneConfig(
    face_up=0.0, lean=0.0, misaligned_mm=(0, 0), gloss=0.0, clutter=0.0, stray_card=0.0,
    occluder=0.0, held=0.0, outside=0.0, cast=(1, 1), exposure=(1, 1), gamma=(1, 1), defocus=0.0,
    motion=0.0, noise=(0, 0), jpeg=0.0, hard=0.0, backlit=0.0, gels=0.0, spot=0.0,
    vignette=(0, 0), hand_shadow=0.0, dark=0.0, bright=0.0, blotches=0.0, webcam=0.0, flicker=0.0,
    wide=0.0, rolling=0.0, metering=(0, 0), bridge=0.0, tarot=0.0, jumbo=0.0, mini=0.0,
    size_jitter=(0, 0), radius_mm=(3.5, 3.5), loose=0.0, brushed=0.0, twist=0.0, fan=0.0,
    stray_sheet=0.0, turned_deg=(0, 0), breaks=0.0, bowed=0.0, worn=0.0, recoloured=0.0,
    photo_back=0.0, marked=0.0, dirty=0.0, gilt=0.0, specks=0.0,
)  # fmt: skip
