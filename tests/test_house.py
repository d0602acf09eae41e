"""The house rules, each held by the tool that knows it."""

import re
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CODE = ("engines", "stream", "train", "tests", "benchmarks")
BANNED_NAMES = {
    "utils",
    "helpers",
    "base",
    "core",
    "common",
    "manager",
    "factory",
    "types",
    "handler",
}
PAGES = ("*.md", "docs/*.md", "engines/**/*.md", "benchmarks/**/*.md")
COMMAND = re.compile(r"^python3 -m venv .*$", re.MULTILINE)


def modules() -> list[Path]:
    found = [path for folder in CODE for path in (ROOT / folder).rglob("*.py")]
    assert len(found) > 30
    return found


def told(*words: str) -> None:
    """Run a tool on the project; what it complains of is the failure's message."""
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.fail(f"{' '.join(words[2:])}\n{done.stdout}{done.stderr}", pytrace=False)


def tool(name: str) -> str:
    beside = Path(sys.executable).with_name(name)
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        pytest.skip(f"needs {name}: pip install '.[dev]'")
    return found


def test_ruff_finds_nothing():
    told(tool("ruff"), "check", ".")


def test_ruff_would_format_nothing():
    told(tool("ruff"), "format", "--check", ".")


def test_mypy_finds_nothing():
    # without the extra's own types half of train would be Any, and strict mypy says so
    for module in ("torch", "onnx", "matplotlib"):
        pytest.importorskip(module, reason=f"needs {module}: pip install '.[train]'")
    numpy = pytest.importorskip("numpy", minversion="2.3", reason="numpy's types differ before 2.3")
    assert numpy is not None
    told(tool("mypy"))


def test_arrows_only_point_down():
    told(tool("lint-imports"))


@pytest.mark.parametrize("package", ["stream", "engines"])
def test_streaming_leaves_the_trainer_unloaded(package):
    program = (
        "import importlib, pkgutil, sys\n"
        f"import {package}, stream.cli\n"
        f"for found in pkgutil.walk_packages({package}.__path__, {package + '.'!r}):\n"
        "    importlib.import_module(found.name)\n"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.split())
    assert {"stream", "engines", "argparse"} <= loaded
    assert not loaded & {"torch", "torchvision", "timm", "onnx", "train", "matplotlib", "sklearn"}


def test_no_file_is_longer_than_300_lines():
    sizes = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in modules()}
    assert {str(path.relative_to(ROOT)): n for path, n in sizes.items() if n > 300} == {}


def test_names_say_what_a_file_is_about():
    assert [path for path in modules() if path.stem in BANNED_NAMES] == []


@pytest.mark.parametrize(
    ("what", "files"),
    [
        (r"\bThread\(|ThreadPoolExecutor", {"stream/flow.py"}),
        (r"except (Base)?Exception\b.*noqa", {"stream/flow.py", "stream/cli.py", "train/cli.py"}),
    ],
    ids=["threads start", "every error is caught"],
)
def test_there_is_one_place_where(what, files):
    written = [path for path in modules() if path.relative_to(ROOT).parts[0] in CODE[:3]]
    found = {
        path.relative_to(ROOT).as_posix()
        for path in written
        if re.search(what, path.read_text(encoding="utf-8"))
    }
    assert found <= files
    assert "stream/flow.py" in found


def test_no_path_of_one_machine_stands_anywhere():
    suffixes = {".py", ".md", ".toml", ".txt", ".json", ".yml", ""}
    folders = [ROOT / folder for folder in (*CODE, "docs", ".ci")]
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    files += [path for path in ROOT.iterdir() if path.is_file()]
    read = [path for path in files if path.suffix in suffixes and "__pycache__" not in path.parts]
    assert ROOT / "README.md" in read
    private = re.compile(r"(?<![\w.])/(?:home|root|work|Users)/\w|[A-Z]:\\Users")
    lines = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in read
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if private.search(line)
    ]
    assert lines == []


def readme() -> str:
    return (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_first_screen_has_the_two_command_lines():
    first_screen = "\n".join(readme().splitlines()[:40])
    run, test = COMMAND.findall(first_screen)
    assert "kpstream docs/sample.mp4 --out annotated.mp4" in run
    assert "torch" not in run
    assert "[train" not in run
    assert "pytest" in test


def test_the_sample_clip_ships():
    assert (ROOT / "docs" / "sample.mp4").stat().st_size > 10_000


def test_the_readme_and_ci_run_the_same_test_command():
    _, test = COMMAND.findall(readme())
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert COMMAND.findall(script) == [test]
    assert script.startswith("#!/usr/bin/env bash\nset -euo pipefail\n")


def test_the_readme_names_every_option():
    from stream import calibrate_command, cli

    parsers = (cli._parser(), calibrate_command._parser())
    options = {word for p in parsers for action in p._actions for word in action.option_strings}
    assert {"--camera", "--out", "--json"} <= options
    # \b would also find --out in --output
    missing = [o for o in options - {"-h"} if not re.search(rf"{o}(?![\w-])", readme())]
    assert missing == []


def test_links_of_the_documents_lead_somewhere():
    astray = []
    pages = [page for place in PAGES for page in ROOT.glob(place)]
    assert len(pages) > 8
    for page in pages:
        for file, anchor in re.findall(r"\]\(([^)#\s]*)(?:#([^)\s]*))?\)", page.read_text("utf-8")):
            target = page.parent / file if file else page
            if "://" in file or (target.exists() and (not anchor or anchor in anchors(target))):
                continue
            astray.append(f"{page.relative_to(ROOT)}: {file}#{anchor}")
    assert not astray


def anchors(page):
    """What the headings of a page are linked by."""
    headings = re.findall(r"^#+ (.*)$", page.read_text("utf-8"), re.MULTILINE)
    return [re.sub(r"[^\w\- ]", "", text.lower()).strip().replace(" ", "-") for text in headings]


def test_pyav_is_taken_only_as_far_as_it_was_tried():
    # its next major version takes away what is used of it here, time and again
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    bounds = re.search(r'^    "av>=(\d+),<(\d+)",$', text, re.MULTILINE)
    assert bounds is not None
    assert int(bounds[1]) <= int(metadata.version("av").split(".")[0]) < int(bounds[2])
