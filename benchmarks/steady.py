"""How still corners stand, how far they lag, and how the count settles and lets go.

    python benchmarks/steady.py [--model FILE] [--clips 6] [--frames 75]

Renders clips of 720p at 30 frames a second, puts each through H.264 and the network, and compares
the corners as the network finds them with what is made of them, in one pass and in two.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

import engines
from engines.spec import Engine
from stream.constancy import ConstantCount
from stream.decode import count_of
from stream.estimate import Sighting, sightings
from stream.frame import Count
from stream.sources.video import open_source
from stream.steady import Steady, steady_both_ways
from stream.synth import Clip, SceneConfig
from stream.synth.camera import Camera
from stream.synth.render import render
from stream.synth.scene import Scene

HW = (720, 1280)
FPS = 30
LAGS = np.arange(-2, 4.01, 0.1)  # frames


@dataclass(frozen=True, eq=False)
class Film:
    """A rendered clip after the network."""

    found: list[Sighting]
    cards: int  # before the change, if there is one
    visible: NDArray[np.bool_]  # (8,) in the first frame

    def corners(self) -> list[NDArray[np.float64]]:
        """As found, steadied in one pass, in two: each (N, 8, 2)."""
        steady, rows = Steady(), []
        for sighting in self.found:
            look, track = sighting.look, sighting.named.track
            xy, score = look.packet.xy[track], look.packet.score[track]
            rows.append((xy, score, look.seen[track], sighting.frame.time_s))
        once = np.array([steady.update(*row)[0] for row in rows])
        xy, score, seen, times_s = (np.array(column) for column in zip(*rows, strict=True))
        return [xy, once, steady_both_ways(xy, score, seen, times_s)[0]]


def main() -> None:
    """Print the three tables."""
    parser = argparse.ArgumentParser(description="jitter, lag, and the count over time")
    parser.add_argument("--model", type=Path, default=engines.DEFAULT_MODEL)
    parser.add_argument("--clips", type=int, default=6, help="of each kind (default 6)")
    parser.add_argument("--frames", type=int, default=75, help="of each clip (default 75)")
    args = parser.parse_args()
    engine = engines.open_engine(args.model)
    if engine.spec.max_cards is None:
        raise SystemExit("this model counts nothing: name one with a count head")
    print(f"{engine.spec.name}, {engine}; {args.clips} clips of {args.frames} frames of each kind")

    def films(way: Callable[[Clip, int], Camera], seed: int, taken: int = 0) -> list[Film]:
        clips = (_clip(seed + i, taken) for i in range(args.clips))
        return [_filmed(clip, way, args.frames, taken, engine) for clip in clips]

    still = films(lambda clip, _: clip.path.at(0.7), 0)
    slow = films(lambda clip, i: clip.path.at(i / FPS), 100)
    fast = films(lambda clip, i: clip.path.at(4 * i / FPS), 200)
    print_jitter(still)
    print_lag({"slow": slow, "four times as fast": fast})
    print_counts([*still, *slow, *fast])
    for taken in (1, 2, 5, 10, 25):
        print_change(taken, films(lambda clip, i: clip.path.at(i / FPS), 300 + 10 * taken, taken))
    engine.close()


def print_jitter(films: list[Film]) -> None:
    """Root mean square, over both axes, of a visible corner of a still packet, after 0.5 s."""
    print("a still packet: rms of a visible corner, px      median    p90    all")
    names = ("as found", "one pass", "two passes")
    ways: list[list[float]] = [[], [], []]
    for film in films:
        for way, xy in zip(ways, film.corners(), strict=True):
            spread = np.sqrt(np.nanvar(xy[FPS // 2 :, film.visible], axis=0).sum(axis=1))
            way.extend(spread.tolist())
    for name, way in zip(names, ways, strict=True):
        rms = np.sqrt(np.mean(np.square(way)))
        print(f"  {name:<46}{np.median(way):7.2f}{np.quantile(way, 0.9):7.2f}{rms:7.2f}")


def print_lag(kinds: dict[str, list[Film]]) -> None:
    """The shift of the path, in frames, that fits the smoothed corners best."""
    print("motion: lag in frames, median and worst clip      one pass      two passes")
    for name, films in kinds.items():
        lags = np.array([_lags(film) for film in films])
        median, worst = np.median(lags, axis=0), lags.max(axis=0)
        cells = "".join(f"{m:9.1f} {w:5.1f}" for m, w in zip(median, worst, strict=True))
        print(f"  {name:<44}{cells}")


def print_counts(films: list[Film]) -> None:
    """Clips of one count: error at lock and at the end, what the interval holds, false restarts."""
    locked_s, errors, ends, held, restarts, seconds = [], [], [], [], 0, 0.0
    for film in films:
        pool, count, lock = ConstantCount(), Count(np.nan, 0, 0), None
        starts = set()
        for sighting in film.found:
            said = sighting.reading.distribution
            if said is None:  # missed, or too far away to be counted
                continue
            count = count_of(pool.update(said, sighting.frame.time_s)) or count
            starts.add(pool.began_s)
            if pool.locked and lock is None:
                lock = sighting.frame.time_s - film.found[0].frame.time_s
                errors.append(abs(count.median - film.cards))
                locked_s.append(lock)
        ends.append(abs(count.median - film.cards))
        held.append(count.low <= film.cards <= count.high)
        restarts += len(starts) - 1
        seconds += film.found[-1].frame.time_s - film.found[0].frame.time_s
    print(
        f"count: {len(films)} clips, {len(locked_s)} locked after {np.median(locked_s):.2f} s; "
        f"mean error {np.mean(errors):.2f} at lock, {np.mean(ends):.2f} at the end; "
        f"interval holds {np.mean(held):.0%}; {restarts} false restarts in {seconds:.0f} s"
    )


def print_change(taken: int, films: list[Film]) -> None:
    """Cards taken in the middle of a clip: in how many it was noticed within half a second."""
    after_s = []
    for film in films:
        pool, middle_s = ConstantCount(), film.found[len(film.found) // 2].frame.time_s
        began_s, noticed = np.inf, np.inf
        for sighting in film.found:
            if sighting.reading.distribution is None:
                continue
            pool.update(sighting.reading.distribution, sighting.frame.time_s)
            if sighting.frame.time_s >= middle_s and pool.began_s != began_s:
                noticed = min(noticed, sighting.frame.time_s - middle_s)
            began_s = pool.began_s
        after_s.append(noticed)
    within = sum(s <= 0.5 for s in after_s)
    print(
        f"  {taken:2d} taken: let go within 0.5 s in {within} of {len(films)}, median "
        f"{np.median(after_s):.2f} s"
    )


def _lags(film: Film) -> list[float]:
    found, *smoothed = film.corners()
    known = np.isfinite([found, *smoothed]).all(axis=(0, 1, 3))
    moments = np.arange(len(found))
    path = found[:, known].reshape(len(found), -1)
    lags = []
    for xy in smoothed:
        other = xy[:, known].reshape(len(found), -1)
        errors = []
        for lag in LAGS:
            late = np.stack([np.interp(moments - lag, moments, line) for line in path.T], axis=1)
            errors.append(np.square(late - other)[6:-6].mean())
        lags.append(float(LAGS[np.argmin(errors)]))
    return lags


def _clip(seed: int, taken: int) -> Clip:
    return Clip(SceneConfig(cards=(max(4, taken + 2), 52)), seed=seed, hw=HW, fps=FPS)


def _filmed(
    clip: Clip, way: Callable[[Clip, int], Camera], frames: int, taken: int, engine: Engine
) -> Film:
    """A clip with its camera moved as `way` says → through H.264 and the network."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.mp4"
        with av.open(str(path), "w") as container:
            video = container.add_stream("libx264", rate=FPS, options={"preset": "veryfast"})
            video.height, video.width = HW
            video.pix_fmt = "yuv420p"
            for picture in _pictures(clip, way, frames, taken):
                container.mux(video.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")))
            container.mux(video.encode())
        source = open_source(str(path))
        found = [
            replace(s, frame=replace(s.frame, pixels=_NONE)) for s in sightings(source, engine)
        ]
        source.close()
    visible = render(clip.scene, way(clip, 0), HW, np.random.default_rng(0)).visible
    return Film(found, clip.cards, visible)


def _pictures(
    clip: Clip, way: Callable[[Clip, int], Camera], frames: int, taken: int
) -> Iterator[NDArray[np.uint8]]:
    for i in range(frames):
        scene = clip.scene if i < frames // 2 else _fewer(clip.scene, taken)
        yield render(scene, way(clip, i), HW, np.random.default_rng(i)).image


def _fewer(scene: Scene, taken: int) -> Scene:
    """The same packet with cards taken off its top."""
    if not taken or scene.packet is None:
        return scene
    left = scene.cards - taken
    thickness_mm = scene.body.thickness_mm * left / scene.cards
    body = replace(scene.body, thickness_mm=thickness_mm)
    tones, shifts = scene.packet.tones[:left], scene.packet.shifts[:left]
    lie = scene.packet.lie
    if lie is not None:
        edges = lie.edges[: left + 1] / lie.edges[left]
        lie = replace(lie, turns=lie.turns[:left], edges=edges, gaps=lie.gaps[:left])
    packet = replace(scene.packet, thickness_mm=thickness_mm, tones=tones, shifts=shifts, lie=lie)
    return replace(scene, cards=left, body=body, packet=packet)


_NONE = np.empty((0, 0, 3), np.uint8)

if __name__ == "__main__":
    main()
