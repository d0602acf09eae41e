"""Every knob of the rendered scenes in one place: (low, high) ranges and probabilities."""

from __future__ import annotations

import difflib
import json
from dataclasses import dataclass, fields

from stream.packet import MAX_CARDS

Range = tuple[float, float]


@dataclass(frozen=True)
class SceneConfig:
    """What scenes are drawn from. Pairs are (low, high) ranges, single floats are probabilities.

    Sizes that end in `_rel` are fractions of the picture's shorter side, so that one configuration
    serves every picture size. Raises ValueError for a range upside down or a probability that is
    none.
    """

    # the packet
    cards: tuple[int, int] = (1, MAX_CARDS)
    card_mm: Range = (0.265, 0.35)  # one card, drawn from N(0.31, 0.02) and clipped to this
    squeeze: Range = (0.9, 1.0)  # thickness of a packet of more than 46 cards, times its loose one
    lean_mm: Range = (-1.2, 1.2)  # how far the upper face is shifted against the lower one
    lean: float = 0.5
    misaligned_mm: Range = (0.0, 0.25)  # standard deviation of one card's place
    face_up: float = 0.1
    empty: float = 0.0  # a picture without a packet

    # the camera
    elevation_deg: Range = (10.0, 72.0)
    azimuth_deg: Range = (0.0, 360.0)
    distance_mm: Range = (180.0, 800.0)
    roll_deg: Range = (-12.0, 12.0)
    off_axis_deg: Range = (-18.0, 18.0)  # a picture is often a crop: the optical axis is elsewhere
    extent: Range = (0.15, 0.95)  # the packet's larger extent as a part of the picture's
    outside: float = 0.12  # the packet may reach beyond the picture

    # the light
    light_elevation_deg: Range = (25.0, 85.0)
    ambient: Range = (0.45, 0.85)
    gloss: float = 0.55
    gloss_strength: Range = (0.1, 1.3)
    shadow: Range = (0.15, 0.75)
    softness_rel: Range = (0.004, 0.04)
    hard: float = 0.15  # one small lamp: sharp dark shadows
    hard_softness_rel: Range = (0.0005, 0.004)
    hard_shadow: Range = (0.7, 0.97)
    hard_ambient: Range = (0.12, 0.4)
    backlit: float = 0.06  # what is behind is brighter than what is looked at
    backlit_gain: Range = (1.4, 2.2)
    gels: float = 0.14  # coloured light: tungsten, LED blue, pink; two colours at times
    gel_strength: Range = (0.25, 0.9)
    spot: float = 0.08  # a spot on a dark stage
    vignette: Range = (0.0, 0.6)  # what is lost in the corners, in every other picture
    hand_shadow: float = 0.08  # a hand's shadow lies across everything

    # hands
    held: float = 0.3  # the packet is in the air: no shadow on a table, what is behind is blurred
    held_elevation_deg: Range = (5.0, 88.0)  # of the camera over the face of a held packet
    held_roll_deg: Range = (-180.0, 180.0)
    held_blur_rel: Range = (0.002, 0.03)  # standard deviation of the background's blur
    bare_hold: float = 0.12  # a held packet without a hand: thrown, hung, or cut out of its picture
    occluder: float = 0.15  # a hand or fingers reach in front of a packet on the table
    covered: Range = (0.0, 0.0)  # share of the corners otherwise visible that fingers must hide

    # what else is there
    clutter: float = 0.3  # boxes, books, phones
    things: tuple[int, int] = (0, 4)  # how many of them where there is no packet
    instead: float = 0.6  # where there is no packet, one of them takes its place in the middle
    lookalike: float = 0.25  # of the things: a deck in its box
    lone_hand: float = 0.25  # where there is no packet, an empty hand
    stray_card: float = 0.08  # single cards, or a row, beside a packet of at least three
    flat_picture: float = 0.25  # the background is a picture as it is, not a table in perspective

    # the camera's own marks
    cast: Range = (0.85, 1.15)  # gain of each colour
    exposure: Range = (0.65, 1.3)
    metering: Range = (0.3, 0.95)  # how far the camera itself brings a picture to middle grey
    dark: float = 0.08  # too little light: gain, and the noise that goes with it
    dark_exposure: Range = (0.3, 0.6)
    dark_noise: Range = (5.0, 18.0)
    bright: float = 0.05  # overexposed
    bright_exposure: Range = (1.35, 2.0)
    gamma: Range = (0.8, 1.25)
    defocus: float = 0.4
    defocus_rel: Range = (0.001, 0.006)  # standard deviation
    motion: float = 0.2
    motion_rel: Range = (0.006, 0.06)  # length
    noise: Range = (0.0, 7.0)  # standard deviation, grey levels
    blotches: float = 0.2  # noise in the colours, in patches
    blotch: Range = (2.0, 9.0)  # its standard deviation
    jpeg: float = 0.6
    jpeg_quality: tuple[int, int] = (35, 95)
    webcam: float = 0.15  # few pixels made many, coded hard, sharpened
    webcam_shrink: Range = (1.2, 2.3)
    webcam_quality: tuple[int, int] = (18, 60)
    sharpen: Range = (0.0, 1.6)  # halos at edges
    flicker: float = 0.06  # stripes: rows exposed as a lamp goes bright and dark
    flicker_depth: Range = (0.05, 0.35)
    flicker_rows_rel: Range = (0.08, 0.7)  # from stripe to stripe
    wide: float = 0.2  # lines bend
    distortion: Range = (-0.08, 0.3)  # k of stream.synth.lens.Lens
    rolling: float = 0.1  # rows read one after the other while the camera moves
    skew_rel: Range = (0.005, 0.05)

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, tuple):
                if len(value) != 2 or value[0] > value[1]:
                    raise ValueError(f"{field.name} must be (low, high), got {value}")
            elif not 0 <= value <= 1:
                raise ValueError(f"{field.name} must be a probability in 0..1, got {value}")
        if self.cards[0] < 1 or self.cards[1] > MAX_CARDS:
            raise ValueError(f"cards must lie in 1..{MAX_CARDS}, got {self.cards}")

    @classmethod
    def from_json(cls, text: str) -> SceneConfig:
        """A JSON object of knobs, e.g. {"held": 1, "covered": [0.4, 0.6]} → a configuration.

        Raises ValueError for what is no such object, for an unknown knob and for a bad value.
        """
        try:
            given = json.loads(text)
        except json.JSONDecodeError as error:
            raise ValueError(f"the knobs must be a JSON object: {error}") from None
        if not isinstance(given, dict):
            raise ValueError(  # noqa: TRY004 - it is a value of the file's
                f"the knobs must be a JSON object, got {type(given).__name__}"
            )
        known = {field.name: field.default for field in fields(cls)}
        for name, value in given.items():
            if name not in known:
                near = difflib.get_close_matches(name, known, 3, 0.4) or sorted(known)
                raise ValueError(f"no knob is called {name}; near it are {', '.join(near)}")
            wanted = known[name]
            number = isinstance(value, (int, float)) and not isinstance(value, bool)
            if isinstance(wanted, tuple):
                kinds = (int,) if isinstance(wanted[0], int) else (int, float)
                pair = isinstance(value, list) and len(value) == 2
                if not pair or not all(type(v) in kinds for v in value):
                    what = "whole numbers" if kinds == (int,) else "numbers"
                    raise ValueError(f"{name} must be two {what} [low, high], got {value!r}")
                given[name] = tuple(value)
            elif not number:
                raise ValueError(f"{name} must be a number, got {value!r}")
        return cls(**given)
