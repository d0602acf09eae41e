"""A result → the frame with what was found drawn over it.

All sizes follow the picture's shorter side, so that 480p and 4K read alike. Text stands on a dark
translucent plate and every mark has a dark rim, for light pictures and dark ones.
"""

from __future__ import annotations

import colorsys

import cv2
import numpy as np
from numpy.typing import NDArray

from engines.spec import ModelSpec
from stream.frame import Packet, Result
from stream.geometry import Region

Picture = NDArray[np.uint8]
Point = NDArray[np.float64]
Colour = tuple[int, int, int]

DARK: Colour = (20, 20, 20)
LIGHT: Colour = (250, 250, 250)
QUIET: Colour = (185, 185, 185)

_SHIFT = 4  # OpenCV takes whole numbers of 1/16 px
_SHADE = 0.25  # brightness that the picture keeps under a plate
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_FONT_PX = 21.0  # height of its capitals at scale 1
_SMALLEST_PX = 9.0  # capitals lower than that cannot be read
_PAD, _GAP = 10, 16  # round the texts of a plate, and between them, in units


def draw(result: Result, spec: ModelSpec, *, names: bool = False, hud: str = "") -> Picture:
    """Result → a copy of its frame (H, W, 3) with corners, edges, the count and `hud` over it.

    Visible corners are filled, hidden ones hollow; edges at a hidden corner are dashed. `names`
    writes each corner's short name beside it, `hud` is a line of small text at the top right.
    """
    picture: Picture = result.frame.image.copy()
    draw_over(picture, result, spec, names=names, hud=hud)
    return picture


def draw_over(
    picture: Picture, result: Result, spec: ModelSpec, *, names: bool = False, hud: str = ""
) -> None:
    """Draw on a picture (H, W, 3) of the frame's size what `draw` draws on a copy of the frame.

    No pixel beyond the regions of `reach` is read or changed.
    """
    unit = _unit(result)
    if result.packet is not None:
        _draw_packet(picture, result.packet, spec, unit, names=names)
    for texts, at in _lines(result, hud):
        _write(picture, texts, at, unit)


def outdated(picture: Picture, seconds: int) -> Picture:
    """A picture that was shown → a copy that says for how long no other has come."""
    dark: Picture = np.asarray(cv2.convertScaleAbs(picture, alpha=_SHADE), np.uint8)
    unit = min(picture.shape[:2]) / 720
    text = _Text(f"no picture for {seconds} s", 22 * unit, LIGHT)
    x, y = (picture.shape[1] - text.width) // 2, picture.shape[0] // 2
    _write(dark, [text], (x, y), unit)
    return dark


def reach(result: Result, spec: ModelSpec, *, names: bool = False, hud: str = "") -> list[Region]:
    """What `draw_over` touches: regions that may reach beyond the picture, a little generous."""
    unit = _unit(result)
    height, width = result.frame.hw
    spans = [_plate(texts, at, unit) for texts, at in _lines(result, hud)]
    if result.packet is not None:
        xy = result.packet.xy[np.isfinite(result.packet.xy).all(axis=1)]
        if len(xy):
            around = 2 * _radius(xy, unit) + 4  # the widest mark is a ring with its rims
            inside = np.clip(xy, (0, 0), (width, height))
            low, high = inside.min(axis=0) - around, inside.max(axis=0) + around
            if names:  # to the right of a corner, and above it
                words = [_Text(name, 13 * unit, LIGHT) for name in short_names(spec.keypoints)]
                high[0] += max(word.width for word in words) + around
                low[1] -= max(word.height for word in words) + around
            spans.append((int(low[0]), int(low[1]), int(high[0]), int(high[1])))
    return [Region(x, y, max(1, right - x), max(1, bottom - y)) for x, y, right, bottom in spans]


def colours(k: int) -> list[Colour]:
    """K steady BGR colours evenly round the hues, every other one darker."""
    turns = [colorsys.hls_to_rgb(i / k, (0.65, 0.5)[i % 2], 1.0) for i in range(k)]
    return [(round(255 * b), round(255 * g), round(255 * r)) for r, g, b in turns]


def short_names(keypoints: tuple[str, ...]) -> list[str]:
    """Names → initials, upper_left_back → ULB; where two agree, the last word says more of itself.

    left_eye and left_ear are LEY and LEA.
    """
    words = [name.replace("-", "_").split("_") for name in keypoints]
    heads = ["".join(word[:1] for word in parts[:-1]) for parts in words]
    said = [1] * len(words)  # letters of the last word
    while True:
        short = [h + parts[-1][:n] for h, parts, n in zip(heads, words, said, strict=True)]
        more = [
            short.count(s) > 1 and n < len(parts[-1])
            for s, parts, n in zip(short, words, said, strict=True)
        ]
        if not any(more):
            return [s.upper() for s in short]
        said = [n + m for n, m in zip(said, more, strict=True)]


def _draw_packet(
    picture: Picture, packet: Packet, spec: ModelSpec, unit: float, *, names: bool
) -> None:
    found = np.all(np.isfinite(packet.xy), axis=1)
    if not found.any():
        return
    radius = _radius(packet.xy[found], unit)
    _draw_edges(picture, packet, [(a, b) for a, b in spec.edges if found[a] and found[b]], radius)
    size = np.array([picture.shape[1], picture.shape[0]])
    near = np.all((packet.xy > -2 * radius) & (packet.xy < size + 2 * radius), axis=1)
    for i, colour in enumerate(colours(len(packet.xy))):
        if near[i]:
            _draw_corner(picture, packet.xy[i], radius, colour, filled=bool(packet.visible[i]))
    for i, name in enumerate(short_names(spec.keypoints) if names else ()):
        if near[i]:
            x, y = packet.xy[i] + (1.6 * radius, -1.2 * radius)
            _Text(name, 13 * unit, LIGHT).put(picture, round(x), round(y), rim=True)


def _radius(found: Point, unit: float) -> float:
    """Of a corner's mark, px. Those of a distant packet are smaller, or they would cover it."""
    extent = float(np.ptp(found, axis=0).max())
    return max(4.0, 3 * unit, min(8 * unit, extent / 20))


def _unit(result: Result) -> float:
    """What sizes are in terms of: 1 where the shorter side is 720 px."""
    return min(result.frame.hw) / 720


def _draw_corner(
    picture: Picture, xy: Point, radius: float, colour: Colour, *, filled: bool
) -> None:
    """A disc with a dark rim, or a wider ring with one on either side; its middle stays empty."""
    centre = np.round(xy * (1 << _SHIFT)).astype(int).tolist()
    rim, width = max(1, round(radius / 5)), max(1, round(radius / 3))
    for extra, shade in ((rim, DARK), (0, colour)):
        reach = radius + extra if filled else 1.2 * radius
        thickness = -1 if filled else width + extra
        r = round(reach * (1 << _SHIFT))
        cv2.circle(picture, centre, r, shade, thickness, cv2.LINE_AA, _SHIFT)


def _draw_edges(
    picture: Picture, packet: Packet, edges: list[tuple[int, int]], radius: float
) -> None:
    """Lines between corners, dashed and dim where one of the two is hidden; all rims lie below."""
    lines: dict[Colour, list[NDArray[np.int32]]] = {QUIET: [], LIGHT: []}
    for a, b in edges:
        seen = packet.visible[[a, b]]
        colour = LIGHT if seen.all() else QUIET
        lines[colour].extend(_edge(picture, packet.xy[[a, b]], seen, radius))
    width = max(1, round(radius / 4))
    rim = width + 2 * max(1, round(width / 3))
    for shade, thickness, some in (
        (DARK, rim, lines[QUIET] + lines[LIGHT]),
        (QUIET, width, lines[QUIET]),
        (LIGHT, width, lines[LIGHT]),
    ):
        cv2.polylines(picture, some, False, shade, thickness, cv2.LINE_AA, _SHIFT)


def _edge(
    picture: Picture, ends: Point, visible: NDArray[np.bool_], radius: float
) -> list[NDArray[np.int32]]:
    """The line between two corners (2, 2), or its dashes; ends in 1/16 px."""
    length = float(np.hypot(*(ends[1] - ends[0])))
    gap = radius * 1.5  # it stops short of rings, which stay hollow
    if length < (1.0 if visible.all() else 2 * gap):
        return []
    span = np.where(visible, [0.0, 1.0], [gap / length, 1.0 - gap / length])
    span = _clipped(ends, span, picture, margin=radius)
    if span[0] >= span[1]:
        return []
    if not visible.all():
        dashes = max(1, round((span[1] - span[0]) * length / (4 * radius)))
        span = np.linspace(span[0], span[1], 2 * dashes)
    xy = ends[0] + span[:, None] * (ends[1] - ends[0])
    return list(np.round(xy.reshape(-1, 2, 2) * (1 << _SHIFT)).astype(np.int32))


def _clipped(ends: Point, span: Point, picture: Picture, margin: float) -> Point:
    """The part (from, to) of a span along a line that crosses the picture; from > to if none does.

    Liang and Barsky, 1984. OpenCV's own clipping overflows for points far away.
    """
    low, high = float(span[0]), float(span[1])
    for axis, size in ((0, picture.shape[1]), (1, picture.shape[0])):
        start, step = float(ends[0, axis]), float(ends[1, axis] - ends[0, axis])
        if step == 0:
            if not -margin <= start <= size + margin:
                return np.array([1.0, 0.0])
            continue
        at = sorted(((-margin - start) / step, (size + margin - start) / step))
        low, high = max(low, at[0]), min(high, at[1])
    return np.array([low, high])


def _lines(result: Result, hud: str) -> list[tuple[list[_Text], tuple[int, int]]]:
    """All that is written on plates: texts of one line, and where they begin (x, y)."""
    unit = _unit(result)
    margin = round(16 * unit)
    count = _count_texts(result, unit)
    lines = [(count, (margin, margin))]
    if result.doubt:
        below = _plate(count, (margin, margin), unit)[3] if count else 0
        text = _Text(result.doubt.split(":")[0], 22 * unit, LIGHT)
        lines.append(([text], (margin, below + margin)))
    if hud:
        text = _Text(hud, 14 * unit, LIGHT)
        lines.append(([text], (result.frame.hw[1] - margin - text.width, margin)))
    return [(texts, at) for texts, at in lines if texts]


def _count_texts(result: Result, unit: float) -> list[_Text]:
    """The number large and its interval small; a number that still settles is dim, with dots."""
    if result.state == "no_packet":
        return [_Text("no packet", 14 * unit, QUIET)]
    if result.count is None:
        return []
    settling = result.state == "settling"
    count = result.count
    number = _Text(str(count.cards), 60 * unit, QUIET if settling else LIGHT, bold=True)
    interval = f"{count.low}-{count.high}" + (" ..." if settling else "")
    return [number, _Text(interval, 22 * unit, QUIET if settling else LIGHT)]


class _Text:
    """A word with its size in pixels; `height` is that of its capitals."""

    def __init__(self, words: str, height: float, colour: Colour, *, bold: bool = False) -> None:
        self.height = max(height, _SMALLEST_PX)
        self._words, self._colour = words, colour
        self._scale = self.height / _FONT_PX
        # OpenCV 5 knows two weights, thickness 1 and more; before, it was the stroke in pixels.
        self._stroke = max(2, round(self.height / 8)) if bold else max(1, round(self.height / 14))
        self.width = cv2.getTextSize(words, _FONT, self._scale, self._stroke)[0][0]

    def put(self, picture: Picture, x: int, baseline: int, *, rim: bool = False) -> None:
        """Write with the lower left corner of the first letter at (x, baseline)."""
        # The rim is the word itself, moved: a thicker one would be wider in OpenCV 5.
        off = max(1, round(self.height / 12))
        moves = [(dx, dy) for dx in (-off, off) for dy in (-off, off)] if rim else []
        for dx, dy in [*moves, (0, 0)]:
            colour = self._colour if (dx, dy) == (0, 0) else DARK
            at = (x + dx, baseline + dy)
            cv2.putText(
                picture, self._words, at, _FONT, self._scale, colour, self._stroke, cv2.LINE_AA
            )


def _write(picture: Picture, texts: list[_Text], at: tuple[int, int], unit: float) -> None:
    """Texts beside each other on one baseline and one plate, whose text begins at (x, y)."""
    left, top, right, bottom = _plate(texts, at, unit)
    plate = picture[max(0, top) : max(0, bottom), max(0, left) : max(0, right)]
    if plate.size:
        plate[:] = cv2.convertScaleAbs(plate, alpha=_SHADE)
    x, y = at
    for text in texts:
        text.put(picture, x, y + round(max(text.height for text in texts)))
        x += text.width + round(_GAP * unit)


def _plate(texts: list[_Text], at: tuple[int, int], unit: float) -> tuple[int, int, int, int]:
    """The plate under a line of texts: left, top, right, bottom."""
    pad = round(_PAD * unit)
    height = round(max(text.height for text in texts))
    width = sum(text.width for text in texts) + round(_GAP * unit) * (len(texts) - 1)
    return at[0] - pad, at[1] - pad, at[0] + width + pad, at[1] + height + pad
