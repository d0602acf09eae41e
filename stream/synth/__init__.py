"""Rendered packets of cards and their truth, for `synth:`, the tests and training alike."""

from __future__ import annotations

from stream.synth.art import Art
from stream.synth.clip import Clip
from stream.synth.config import SceneConfig
from stream.synth.render import Rendered, Renderer

__all__ = ["Art", "Clip", "Rendered", "Renderer", "SceneConfig"]
