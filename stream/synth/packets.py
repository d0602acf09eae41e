"""Random numbers → a packet: its body, and how its cards lie and look."""

from __future__ import annotations

import numpy as np

from stream.decks import DECKS
from stream.synth.body import Body, rounded
from stream.synth.config import SceneConfig
from stream.synth.light import gloss_map
from stream.synth.paint import Block
from stream.synth.stock import Stock


def draw_body(rng: np.random.Generator, config: SceneConfig, cards: int) -> Body:
    """Random numbers and a count → the packet's body."""
    deck = DECKS["poker"]
    card = float(np.clip(rng.normal(0.31, 0.02), *config.card_mm))
    thickness = cards * card
    if cards > 46:
        thickness *= float(rng.uniform(*config.squeeze))
    lean = (0.0, 0.0)
    if rng.random() < config.lean:
        x, y = rng.uniform(*config.lean_mm, 2) * min(1.0, thickness / 8)
        lean = (float(x), float(y))
    face_up = bool(rng.random() < config.face_up)
    return Body(deck.width_mm, deck.height_mm, thickness, 3.5, lean, face_up)


def draw_packet(
    rng: np.random.Generator, config: SceneConfig, stock: Stock, body: Body, cards: int
) -> Block:
    """Random numbers → what the packet on that body looks like."""
    pictures = stock.faces if body.face_up else stock.backs
    gloss = None
    if rng.random() < config.gloss:
        gloss = gloss_map(rng, float(rng.uniform(*config.gloss_strength)))
    level = rng.uniform(195, 250)
    paper = np.array([level - rng.uniform(0, 34), level - rng.uniform(0, 14), level])
    loose = rng.normal(0, rng.uniform(*config.misaligned_mm), (cards, 2))
    loose[[0, -1]] = 0  # the truth is the place of the large faces
    lean = np.linspace(-0.5, 0.5, cards)[:, None] if cards > 1 else np.zeros((1, 1))
    tones = 1 + rng.normal(0, rng.uniform(0.01, 0.08), cards)
    tones *= np.linspace(rng.uniform(0.8, 1.0), 1, cards)  # less light gets to the table
    return Block(
        outline=rounded(body.width_mm, body.height_mm, body.radius_mm),
        size_mm=(body.width_mm, body.height_mm),
        thickness_mm=body.thickness_mm,
        top=pictures[int(rng.integers(len(pictures)))],
        paper=paper,
        tones=tones,
        shifts=loose + lean * np.array(body.lean_mm),
        gloss=gloss,
        grain=int(rng.integers(1000)),
    )
