"""kpstream and other programs, whole processes in turns on one clip → tables in Markdown.

    python benchmarks/peers/run.py --peers PYTHON [CLIP] [--hand PICTURE] [--rounds 5] [--json FILE]

PYTHON is that of the peers' environment (README.md beside this). Without a CLIP it renders a packet
at 720p30, and beside it the hand of PICTURE, a PNG with alpha. Of each process: seconds, CPU
seconds, peak memory, and its own word on its rate from the first frame written to the last.
Each video is decoded: exit code 1 if one lacks a frame, or has another size than the clip.
Unix only.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import platform
import random
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import av
import clips
from contenders import Contender, contenders
from table import markdown

from stream.bench.machine import describe

COMMAND = Path(sys.executable).with_name("kpstream")
TIMED = Path(__file__).with_name("timed.py")
PACKAGES = ("kpstream", "openvino", "onnxruntime", "av", "opencv-python")
SUMMARY = re.compile(r"(?P<frames>\d+) frames, (?P<fps>[\d.]+) fps, .*")


def main() -> int:
    """Words → tables on stdout, and an exit code."""
    args = _arguments()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clip, what = _clip(args, folder)
        entries = contenders(COMMAND, args.peers, folder)
        report: dict[str, Any] = {
            "machine": machine(),
            "clip": {"what": what, **video_facts(clip)},
            "versions": {entry.program: {} for entry in entries},
            "rounds": {entry.name: [] for entry in entries},
        }
        ours = {name: importlib.metadata.version(name) for name in PACKAGES}
        report["versions"]["kpstream"] = {"Python": platform.python_version(), **ours}
        found = packets_found(clip, folder / "found.jsonl")
        for number in range(args.rounds):
            for entry in random.sample(entries, len(entries)):
                taken, told = measure(entry, clip, folder / f"{entry.name} {number}")
                taken["found"] = told.get("found", found)
                if "versions" in told:
                    report["versions"][entry.program] = told["versions"]
                else:
                    report["kpstream_said"] = told["said"]
                report["rounds"][entry.name].append(taken)
                print(f"round {number + 1}: {entry.name} {taken['fps']:.1f} fps", file=sys.stderr)
    if args.json:
        args.json.write_text(json.dumps(report, indent=1), encoding="utf-8")
    print(markdown(report, entries))
    return check(report)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("clip", type=Path, nargs="?")
    parser.add_argument("--hand", type=Path, metavar="PICTURE")
    parser.add_argument("--peers", type=Path, required=True, metavar="PYTHON")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--frames", type=int, default=540, help="of a clip that is made")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    for program in (args.peers, COMMAND):
        if not program.is_file():
            parser.error(f"there is no {program}: README.md beside this script says how to get it")
    return args


def _clip(args: argparse.Namespace, folder: Path) -> tuple[Path, str]:
    """The clip that was named, or one made for this → its path, and a word on it."""
    if args.clip:
        return args.clip, "a clip given"
    clip, pictures = folder / "clip.mp4", clips.packet(args.frames)
    what = "a rendered packet, filmed from a moving hand"
    if args.hand:
        pictures = clips.with_hand(pictures, args.hand)
        what += ", beside it a photographed hand"
    clips.write(clip, pictures)
    return clip, what


def measure(entry: Contender, clip: Path, folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Run one program into a new folder → what it took and wrote, and what it told of itself.

    Raises RuntimeError if it fails, or does not tell its rate.
    """
    folder.mkdir()
    figures = folder / "figures.json"
    words = [sys.executable, str(TIMED), str(figures), *entry.command(clip, folder)]
    environment = {**os.environ, **entry.environment}
    done = subprocess.run(words, capture_output=True, text=True, check=False, env=environment)
    if done.returncode != 0:
        raise RuntimeError(f"{entry.name} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    told = told_by(entry, done, folder)
    video = Path(told["video"])
    taken = {**json.loads(figures.read_text(encoding="utf-8")), **video_facts(video)}
    taken["fps"] = taken["frames"] / taken["wall_s"]
    taken["steady_fps"] = told["steady_fps"]
    taken["cpu_ms"] = 1000 * taken["cpu_s"] / taken["frames"]
    taken["cores_busy"] = taken["cpu_s"] / taken["wall_s"]
    taken["written_mb"] = video.stat().st_size / 1e6
    video.unlink()
    return taken, told


def told_by(
    entry: Contender, done: subprocess.CompletedProcess[str], folder: Path
) -> dict[str, Any]:
    """A finished program → what it says: a peer its last line of JSON, kpstream its summary."""
    if entry.name != "kpstream":
        told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return told
    said = SUMMARY.search(done.stderr)
    if said is None:
        raise RuntimeError(f"kpstream's last line tells no rate:\n{done.stderr[-2000:]}")
    return {
        "video": folder / "kpstream.mp4",
        "steady_fps": float(said["fps"]),
        "said": said[0].strip(),
    }


def packets_found(clip: Path, lines: Path) -> int:
    """In how many frames kpstream finds a packet, from a run that is not measured."""
    subprocess.run([COMMAND, clip, "--json", lines], check=True, stderr=subprocess.DEVNULL)
    with lines.open(encoding="utf-8") as file:
        return sum(bool(json.loads(line)["keypoints"]) for line in file)


def video_facts(path: Path) -> dict[str, Any]:
    """A video → its frames, counted by decoding them, its size, codec, and whether it has sound."""
    with av.open(str(path)) as container:
        video = container.streams.video[0]
        video.thread_type = "AUTO"
        facts = {
            "width": video.codec_context.width,
            "height": video.codec_context.height,
            "codec": video.codec_context.name,
            "sound": bool(container.streams.audio),
        }
        return {"frames": sum(1 for _ in container.decode(video)), **facts}


def machine() -> dict[str, Any]:
    """This machine: processor, cores, system."""
    described = describe()
    return {
        "cpu": described.cpu,
        "cores": described.cores,
        "system": f"{platform.system()} {platform.release()}",
    }


def check(report: dict[str, Any]) -> int:
    """Every video against the clip → 1 if one is short or of another size, else 0."""
    wanted = {key: report["clip"][key] for key in ("frames", "width", "height")}
    code = 0
    for name, rounds in report["rounds"].items():
        for taken in rounds:
            got = {key: taken[key] for key in wanted}
            if got != wanted:
                print(f"{name} wrote {got}, wanted {wanted}", file=sys.stderr)
                code = 1
    return code


if __name__ == "__main__":
    sys.exit(main())
