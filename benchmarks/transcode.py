"""How fast `kpstream CLIP --out FILE` is beside a plain decode-and-encode of the same clip.

    python benchmarks/transcode.py [CLIP] [--runs 5] [--frames 330] [OPTIONS OF kpstream]

Both are whole processes, started in turns, with the codec settings of stream/sinks/video.py; a
figure is frames a second of wall time, start-up included, and the ratio is of each pair. Without a
CLIP it renders a packet at 720p30. The stages' own rates come first, each alone in this process.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import av

from stream.bench.rendered import encode
from stream.colour import bgr_picture
from stream.frame import Result
from stream.sinks import video as sink
from stream.sources import open_source
from stream.synth import Clip


def render(path: Path, frames: int) -> None:
    """A rendered packet → a 720p30 clip."""
    encode(path, (rendered.image for rendered in Clip(frames=frames)), (720, 1280), 30.0)


def plain(clip: Path, out: Path) -> int:
    """Decode and encode with PyAV and nothing between; returns the number of frames."""
    count = 0
    with av.open(str(clip)) as source, av.open(str(out), "w") as output:
        decoded = source.streams.video[0]
        decoded.thread_type = "AUTO"
        size = decoded.codec_context.height, decoded.codec_context.width
        encoded = sink.add_video_stream(output, size, float(decoded.average_rate or 30))
        for frame in source.decode(decoded):
            frame.pict_type = av.video.frame.PictureType.NONE
            output.mux(encoded.encode(frame))
            count += 1
        output.mux(encoded.encode(None))
    return count


def decode_only(clip: Path, *, bgr: bool = False) -> int:
    """Decode, with or without the conversion to BGR; returns the number of frames."""
    count = 0
    with av.open(str(clip)) as source:
        source.streams.video[0].thread_type = "AUTO"
        for frame in source.decode(video=0):
            if bgr:
                bgr_picture(frame)
            count += 1
    return count


def source_to_sink(clip: Path, out: Path) -> int:
    """Our source straight into our sink, on one thread; returns the number of frames."""
    source = open_source(str(clip))
    output = sink.open_sink(out, source.info)
    count = 0
    for frame in source:
        output.write(Result(frame, "no_packet", None, None, 0.0), frame.image)
        count += 1
    output.close()
    return count


def best_fps(run: Callable[[], int], runs: int = 3) -> float:
    """The highest of some runs' rates: what is slower was somebody else's doing."""
    rates = []
    for _ in range(runs):
        began = time.perf_counter()
        rates.append(run() / (time.perf_counter() - began))
    return max(rates)


def process_s(command: list[str]) -> float:
    """A command → the seconds that it took. Raises CalledProcessError if it fails."""
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - began


def compare(clip: Path, folder: Path, runs: int, extra: list[str]) -> None:
    """Pairs of whole processes, in turns; prints each pair, the medians and the ratio."""
    frames = decode_only(clip)
    run_plain = [sys.executable, __file__, "--plain", str(clip), str(folder / "plain.mp4")]
    program = "import sys; from stream.cli import main; sys.exit(main())"
    ours = [sys.executable, "-c", program, str(clip), "--out", str(folder / "annotated.mp4")]
    pairs = []
    for number in range(runs):
        pair = frames / process_s(run_plain), frames / process_s([*ours, *extra])
        pairs.append(pair)
        print(f"  pair {number + 1}: plain {pair[0]:6.1f} fps   kpstream {pair[1]:6.1f} fps")
    plain_fps, our_fps = (statistics.median(rates) for rates in zip(*pairs, strict=True))
    ratio = statistics.median(b / a for a, b in pairs)
    print(f"median of {runs}: plain {plain_fps:.1f} fps, kpstream {our_fps:.1f} fps")
    print(f"ratio {ratio:.2f} (median of the pairs; 0.55 is wanted)")


def main() -> None:
    """Arguments → the measurement."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("clip", type=Path, nargs="?")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--frames", type=int, default=330)
    parser.add_argument("--plain", type=Path, nargs=2, help=argparse.SUPPRESS)
    args, extra = parser.parse_known_args()
    if args.plain:
        plain(*args.plain)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clip = args.clip or folder / "clip.mp4"
        if args.clip is None:
            render(clip, args.frames)
        out = folder / "out.mp4"
        for stage, run in {
            "decode": lambda: decode_only(clip),
            "decode to BGR": lambda: decode_only(clip, bgr=True),
            "source to sink": lambda: source_to_sink(clip, out),
            "plain transcode": lambda: plain(clip, out),
        }.items():
            print(f"{stage:16s} {best_fps(run):6.1f} fps")
        compare(clip, folder, args.runs, extra)


if __name__ == "__main__":
    main()
