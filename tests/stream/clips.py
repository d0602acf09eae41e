"""Small media files, made by PyAV for the tests, copied, and what a decoder reads back from one."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from stream.frame import Frame, Result
from stream.sinks.video import open_sink
from stream.sources.video import open_source

RATE = 48_000
COLOURS = [(0, 0, 255), (0, 255, 0), (255, 0, 0), (30, 120, 200), (200, 40, 90), (128, 128, 128)]


def flat(index: int, hw: tuple[int, int] = (96, 128)) -> NDArray[np.uint8]:
    """A picture whose brightness names its index, 0 to 20."""
    return np.full((*hw, 3), 20 + 10 * index, np.uint8)


def index_of(image: NDArray[np.uint8]) -> int:
    """The index that a `flat` picture names, after a codec had it."""
    return round((float(np.median(image)) - 20) / 10)


def quadrants(hw: tuple[int, int] = (96, 128)) -> NDArray[np.uint8]:
    """Red, green over blue, white: shows how a picture is turned."""
    image = np.zeros((*hw, 3), np.uint8)
    y, x = hw[0] // 2, hw[1] // 2
    image[:y, :x], image[:y, x:] = (0, 0, 255), (0, 255, 0)
    image[y:, :x], image[y:, x:] = (255, 0, 0), (255, 255, 255)
    return image


def write_clip(
    path: Path,
    pictures: Sequence[NDArray[np.uint8]],
    times_s: Sequence[float] | None = None,
    sound: str | None = None,
    *,
    sound_s: float | None = None,
    options: dict[str, str] | None = None,
    matrix: int = 2,
    title: str | None = None,
    layout: str = "mono",
    sound_first: bool = False,
    between: int = 0,
    pixel: Fraction | None = None,
) -> None:
    """Pictures at given times (else 30 a second) → an H.264 file; `sound` names its audio codec.

    `matrix` is H.273's number: 1 is BT.709, 2 leaves the file untagged (and converts by BT.601).
    `pixel` is the width of a pixel as it is to be shown, over its height.
    `between` pictures in a row may refer to later ones, which are then stored before them.
    """
    times_s = times_s or [i / 30 for i in range(len(pictures))]
    with av.open(str(path), "w", container_options=options or {}) as output:
        if title is not None:
            output.metadata["title"] = title
        audio = output.add_stream(sound, rate=RATE) if sound and sound_first else None
        coding = {"preset": "ultrafast", "crf": "1", "bf": str(between)}
        video = output.add_stream("libx264", rate=30, options=coding)
        video.height, video.width = pictures[0].shape[:2]
        # AVI counts frames
        video.codec_context.time_base = Fraction(1, 30 if path.suffix == ".avi" else 90_000)
        video.codec_context.colorspace = matrix
        if pixel is not None:
            video.codec_context.sample_aspect_ratio = pixel
        if sound and not sound_first:
            audio = output.add_stream(sound, rate=RATE)
        if audio is not None:
            audio.codec_context.layout = layout
        for picture, time_s in zip(pictures, times_s, strict=True):
            frame = _yuv(picture, matrix)
            frame.pts, frame.time_base = round(time_s * 90_000), Fraction(1, 90_000)
            output.mux(video.encode(frame))
        output.mux(video.encode(None))
        if audio is not None:
            tone_s = times_s[-1] + 1 / 30 - times_s[0] if sound_s is None else sound_s
            for frame in _tone(tone_s, times_s[0]):
                output.mux(audio.encode(frame))
            output.mux(audio.encode(None))


def _yuv(picture: NDArray[np.uint8], matrix: int) -> av.VideoFrame:
    """BGR → limited range YUV 4:2:0 by the standards' own formulas: swscale is off by up to 3."""
    red, blue = (0.2126, 0.0722) if matrix == 1 else (0.299, 0.114)
    b, g, r = np.moveaxis(picture / 255.0, 2, 0)
    y = red * r + (1 - red - blue) * g + blue * b
    height, width = y.shape
    cells = np.stack([(b - y) / (1 - blue), (r - y) / (1 - red)]) * 112 + 128
    cells = cells.reshape(2, height // 2, 2, width // 2, 2).mean((2, 4))
    planes = np.concatenate([(16 + 219 * y).ravel(), cells.ravel()]).round().astype(np.uint8)
    return av.VideoFrame.from_ndarray(planes.reshape(height * 3 // 2, width), format="yuv420p")


def write_sound(path: Path) -> None:
    """A second of a tone → a file that holds nothing else."""
    with av.open(str(path), "w") as output:
        audio = output.add_stream("aac", rate=RATE)
        audio.codec_context.layout = "mono"
        for frame in _tone(1.0):
            output.mux(audio.encode(frame))
        output.mux(audio.encode(None))


def _tone(seconds: float, begin_s: float = 0) -> list[av.AudioFrame]:
    frames = []
    first = round(begin_s * RATE)
    for begin in range(0, int(seconds * RATE), 1024):
        wave = np.sin(2 * np.pi * 440 * np.arange(begin, begin + 1024) / RATE)
        samples = (wave * 8000).astype(np.int16)[None]
        frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = RATE, first + begin, Fraction(1, RATE)
        frames.append(frame)
    return frames


def turn(path: Path, matrix: tuple[int, int, int, int]) -> None:
    """Write (a, b, c, d) into an MP4's display matrix, in place: PyAV can only read it.

    It stands 44 bytes behind the name of the track header (ISO/IEC 14496-12, 8.3.2, version 0).
    """
    data = bytearray(path.read_bytes())
    a, b, c, d = (int(v * 65536).to_bytes(4, "big", signed=True) for v in matrix)
    zero, one = bytes(4), (1 << 30).to_bytes(4, "big")
    at = data.index(b"tkhd") + 44
    data[at : at + 36] = a + b + zero + c + d + zero + zero + zero + one
    path.write_bytes(data)


def decoded(path: Path) -> list[tuple[float, NDArray[np.uint8]]]:
    """A file → its pictures with their times, as PyAV alone reads them."""
    with av.open(str(path)) as container:
        return [(f.time, f.to_ndarray(format="bgr24")) for f in container.decode(video=0)]


def sound_packets(path: Path) -> tuple[str, float | None, list[bytes]]:
    """A file → its sound: codec, time of the first packet in seconds, the packets' bytes."""
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        packets = [p for p in container.demux(stream) if p.size]
        first = packets[0].pts
        begin = None if first is None else float(first * packets[0].time_base)
        return stream.codec_context.name, begin, [bytes(p) for p in packets]


def copy(path: Path, clip: Path | str, count: int | None = None) -> Path:
    """A clip or address through source and sink, its first `count` frames or all of them."""
    source = open_source(str(clip))
    sink = open_sink(path, source.info)
    for frame in source:
        sink.write(nothing_found(frame.image, frame.index, frame.pts_s), frame.image)
        if frame.index + 1 == count:
            break
    source.close()
    sink.close()
    return path


def nothing_found(image: NDArray[np.uint8], index: int = 0, pts_s: float | None = None) -> Result:
    """A result without a packet, taken at second 100 + index / 10."""
    return Result(Frame(image, index, 100 + index / 10, pts_s, "clip"), "no_packet", None, None, 0)


def save_picture(path: Path, image: NDArray[np.uint8]) -> None:
    assert cv2.imwrite(str(path), image)


def write_upright(path: Path) -> None:
    """Quadrants of a camera held upright → a JPEG whose EXIF says to turn them right (6)."""
    good, jpeg = cv2.imencode(".jpg", quadrants())
    assert good
    tiff = b"MM\x00\x2a\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06\x00\x00"
    exif = b"Exif\x00\x00" + tiff + bytes(4)
    block = b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif
    data = jpeg.tobytes()
    path.write_bytes(data[:2] + block + data[2:])
