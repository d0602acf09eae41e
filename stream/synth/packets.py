"""Random numbers → a packet: its body, and how its cards look."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stream.decks import DECKS, Deck
from stream.synth.art import Texture, any_of
from stream.synth.body import Body, rounded
from stream.synth.config import SceneConfig
from stream.synth.light import gloss_map
from stream.synth.lying import draw_bow, draw_levels, draw_poses
from stream.synth.paint import Block, Lie
from stream.synth.printing import draw_print
from stream.synth.sides import Edge
from stream.synth.stock import Stock

Floats = NDArray[np.float64]

_FULL = 46  # a packet of more cards than this has most often been squeezed
_GILT = (
    (60, 150, 205),
    (70, 165, 215),
    (45, 45, 170),
    (35, 35, 40),
    (150, 75, 30),
    (165, 165, 172),
)


def draw_body(rng: np.random.Generator, config: SceneConfig, cards: int) -> Body:
    """Random numbers and a count → the packet's body."""
    deck = _draw_deck(rng, config)
    width, height = np.array([deck.width_mm, deck.height_mm]) * (
        1 + rng.uniform(*config.size_jitter, 2)
    )
    size = (float(width), float(height))
    thickness = _draw_thickness(rng, config, cards)
    edges, gaps = draw_levels(rng, config, cards, thickness)
    return Body(
        width_mm=size[0],
        height_mm=size[1],
        thickness_mm=thickness,
        radius_mm=float(rng.uniform(*config.radius_mm)) * min(1.0, size[0] / 57),
        face_up=bool(rng.random() < config.face_up),
        poses=draw_poses(rng, config, cards, size),
        edges=edges,
        gaps=gaps,
        bow=draw_bow(rng, config, size),
    )


def _draw_deck(rng: np.random.Generator, config: SceneConfig) -> Deck:
    weights = np.array([getattr(config, name) for name in DECKS])
    return list(DECKS.values())[int(rng.choice(len(weights), p=weights / weights.sum()))]


def _draw_thickness(rng: np.random.Generator, config: SceneConfig, cards: int) -> float:
    """Millimetres: the cards' own, with air between them or squeezed out."""
    thickness = cards * float(np.clip(rng.normal(0.31, 0.02), *config.card_mm))
    if rng.random() < (config.squeezed_full if cards > _FULL else config.squeezed):
        return thickness * float(rng.uniform(*config.squeeze))
    if rng.random() < config.loose:
        thickness += float(rng.uniform(*config.slack_mm)) * min(1.0, (cards - 1) / 15)
    return thickness


def draw_packet(
    rng: np.random.Generator, config: SceneConfig, stock: Stock, body: Body, cards: int
) -> Block:
    """Random numbers → what the packet on that body looks like."""
    gloss = None
    if rng.random() < config.gloss:
        gloss = gloss_map(rng, float(rng.uniform(*config.gloss_strength)))
    off = np.zeros((cards, 3))  # the truth is the place of the large faces: they stay
    if cards > 2:
        off[1:-1, :2] = rng.normal(0, rng.uniform(*config.misaligned_mm), (cards - 2, 2))
        off[1:-1, 2] = rng.normal(0, np.radians(rng.uniform(*config.turned_deg)), cards - 2)
    poses = body.poses + off
    top = _draw_top(rng, config, stock, body)
    ink = draw_print(rng, config)
    colour, edge = _draw_edge(rng, config)
    return Block(
        outline=rounded(body.width_mm, body.height_mm, body.radius_mm, 6, 8 if body.bow else 1),
        size_mm=(body.width_mm, body.height_mm),
        thickness_mm=body.thickness_mm,
        top=top,
        paper=colour,
        tones=_draw_tones(rng, config, cards),
        shifts=poses[:, :2],
        gloss=gloss,
        grain=int(rng.integers(1000)),
        edge=edge,
        lie=Lie(poses[:, 2], body.edges, body.gaps, body.bow),
        ink=ink,
    )


def _draw_top(rng: np.random.Generator, config: SceneConfig, stock: Stock, body: Body) -> Texture:
    """The picture on top: a face, a back, or a photograph for a back."""
    photo = not body.face_up and rng.random() < config.photo_back
    if not body.face_up and not photo:
        return stock.back(rng)
    pictures = stock.faces if body.face_up else stock.tables
    return any_of(rng, pictures)


def _draw_tones(rng: np.random.Generator, config: SceneConfig, cards: int) -> Floats:
    """Brightness of each sheet's edge (n,), from the table up."""
    tones = 1 + rng.normal(0, rng.uniform(*config.tone_jitter), cards)
    if rng.random() < config.marked:  # some cards of another print, or bent ones
        tones[rng.integers(0, cards, int(rng.integers(1, 4)))] *= rng.uniform(0.4, 1.15)
    tones *= np.linspace(rng.uniform(*config.darker_below), 1, cards)  # less light gets down there
    return np.asarray(np.clip(tones, 0.05, 1.27))


def _draw_edge(rng: np.random.Generator, config: SceneConfig) -> tuple[Floats, Edge]:
    """Colour of the sides (3,) BGR, and how they look."""
    level = rng.uniform(*config.paper_level)
    cream = rng.uniform(0, 1) ** 2 * rng.uniform(*config.paper_cream)
    colour = np.array([level - cream, level - 0.4 * cream, level])
    grain, speck = float(rng.uniform(*config.edge_grain)), None
    if rng.random() < config.gilt:
        colour = np.array(_GILT[int(rng.integers(len(_GILT)))]) * rng.uniform(0.8, 1.15)
    elif rng.random() < config.specks:
        speck = rng.uniform(20, 220, 3)
    dirt = float(rng.uniform(*config.dirt)) if rng.random() < config.dirty else 0.0
    return colour, Edge(float(rng.uniform(*config.line)), grain, dirt, speck)
