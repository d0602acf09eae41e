"""Words of a command line → values."""

from __future__ import annotations

import argparse


def numbers(text: str) -> tuple[int, ...]:
    """Text "51,45" → (51, 45); nothing → ()."""
    return tuple(int(part) for part in text.split(",") if part.strip())


def seed(text: str) -> int:
    """Text "7" → 7, from 0 as NumPy takes them."""
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f"{text}: a seed is 0 or more")
    return number


def size(text: str) -> tuple[int, int]:
    """Text "640x480" → (480, 640): height, width."""
    width, height = (int(part) for part in text.lower().split("x"))
    if width < 16 or height < 16:
        raise argparse.ArgumentTypeError(f"{text}: a picture must be 16x16 at least")
    return height, width
