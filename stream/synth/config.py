"""Every knob of the rendered scenes in one place: (low, high) ranges and probabilities."""

from __future__ import annotations

import difflib
import json
from dataclasses import dataclass, fields

from stream.decks import DECKS
from stream.packet import MAX_CARDS

Range = tuple[float, float]


@dataclass(frozen=True)
class SceneConfig:
    """What scenes are drawn from. Pairs are (low, high) ranges, single floats are probabilities.

    Sizes that end in `_rel` are fractions of the picture's shorter side, so that one configuration
    serves every picture size. Raises ValueError for a range upside down, a probability that is
    none and decks of no weight at all.
    """

    # the packet: which deck (weights against each other), how large, how thick
    cards: tuple[int, int] = (1, MAX_CARDS)
    poker: float = 0.5
    bridge: float = 0.26
    tarot: float = 0.08
    jumbo: float = 0.08
    mini: float = 0.08
    size_jitter: Range = (-0.015, 0.015)  # each side of a card, parts of it
    radius_mm: Range = (2.0, 5.5)  # of the round corners; small cards' are smaller in proportion
    card_mm: Range = (0.265, 0.35)  # one card, drawn from N(0.31, 0.02) and clipped to this
    squeezed: float = 0.15  # a packet pressed together
    squeezed_full: float = 0.6  # the same for one of more than 46 cards
    squeeze: Range = (0.9, 1.0)  # thickness of such a packet, times its loose one
    loose: float = 0.25  # air in a packet that is not squeezed
    slack_mm: Range = (0.1, 0.9)  # how much, in one of at least 16 cards

    # how the sheets lie
    lean_mm: Range = (-1.2, 1.2)  # how far the upper face is shifted against the lower one
    lean: float = 0.5
    brushed: float = 0.1  # a lean by far more, as when a thumb has brushed over an end
    brushed_mm: Range = (2.0, 11.0)
    twist: float = 0.2  # sheets turned more and more, from the table up
    twist_deg: Range = (-4.0, 4.0)
    fan: float = 0.07  # the topmost sheets spread to a side, or turned about a corner
    fan_mm: Range = (1.0, 7.0)
    fan_deg: Range = (1.0, 8.0)
    stray_sheet: float = 0.12  # one sheet that sticks out
    stray_mm: Range = (0.3, 3.0)
    stray_deg: Range = (-1.5, 1.5)
    misaligned_mm: Range = (0.0, 0.25)  # standard deviation of one card's place
    turned_deg: Range = (0.0, 0.3)  # standard deviation of one card's turn
    sheet_jitter: Range = (0.0, 0.3)  # standard deviation of one sheet's share of the thickness
    stick: Range = (0.0, 0.8)  # part of the sheets that stick to the one below
    air: Range = (0.02, 0.6)  # gap below a sheet that does not, against a sheet's thickness
    breaks: float = 0.3  # a gap that is wider than the others, or up to three
    break_mm: Range = (0.2, 1.2)
    bowed: float = 0.25  # a packet bent along one side
    bow_rel: Range = (-0.03, 0.03)  # how far, as a part of that side; > 0: the middle stands up

    # the look of the sides
    paper_level: Range = (175.0, 252.0)  # grey level of the brightest colour
    paper_cream: Range = (0.0, 60.0)  # at most so many levels less of blue
    tone_jitter: Range = (0.0, 0.14)  # standard deviation of one sheet's brightness
    darker_below: Range = (0.8, 1.0)  # brightness of the lowest sheet
    marked: float = 0.12  # up to three sheets that are much darker, or lighter
    line: Range = (0.35, 1.0)  # brightness of the gaps between sheets; 1 = not to be seen
    edge_grain: Range = (0.3, 1.6)  # strength of the paper's streaks
    dirty: float = 0.35  # grey where hands hold it
    dirt: Range = (0.05, 0.4)
    gilt: float = 0.05  # edges of gold, red, black, blue or silver
    specks: float = 0.12  # print that runs to the edge shows in it

    # the look of the card on top
    face_up: float = 0.15
    photo_back: float = 0.04  # a back that is a picture of anything
    mixed_back: float = 0.0  # a back put together of parts of others
    recoloured: float = 0.5  # the print's colours turned into others; paper stays paper
    worn: float = 0.4
    wear: Range = (0.2, 1.0)  # how much
    empty: float = 0.0  # a picture without a packet

    # the camera; a clip's heeds the first three
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
                if len(value) != 2 or not value[0] <= value[1]:  # which NaN is not either
                    raise ValueError(f"{field.name} must be (low, high), got {value}")
            elif not 0 <= value <= 1:
                raise ValueError(f"{field.name} must be a probability in 0..1, got {value}")
        if self.cards[0] < 1 or self.cards[1] > MAX_CARDS:
            raise ValueError(f"cards must lie in 1..{MAX_CARDS}, got {self.cards}")
        if not any(getattr(self, name) for name in DECKS):
            raise ValueError(f"packets are of a deck: one of {', '.join(DECKS)} must be above 0")

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
