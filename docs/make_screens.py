"""Runs the commands of the pages' console blocks, and writes what they print into the pages.

    python docs/make_screens.py            # writes the screens anew
    python docs/make_screens.py --check    # 1 where a screen is not what the command prints

A page says with ``<!-- screens: NAME -->`` that the blocks after it are of the project ``docs/tutorial/NAME``, which is
copied to a folder of its own, the same one for all blocks of a page. Its indexes are those of a recorded world, so that
the same is printed everywhere and at any time; what says so is left out of the screens. Seconds are written as 0.3,
digests as their first digits in order.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).parent
PAGES = (HERE.parent / "README.md", *sorted(HERE.glob("*.md")))
_TORCH = HERE.parent / "corpora" / "torch" / "torch.snapshot"
_WORLDS = {"service": HERE / "tutorial" / "service.snapshot", "torch": _TORCH, "train": _TORCH}
_MARK = re.compile(r"<!-- screens: (\S+) -->")
_ASKS = ("lock", "why", "conflicts", "outdated", "audit")
_DIGEST = re.compile(r"sha256 [0-9a-f]{12}\b")
_SECONDS = re.compile(r"\d+\.\d s\b")


class Screen:
    """A shell in the folder of one project."""

    def __init__(self, name: str, scratch: Path) -> None:
        self.folder = scratch / name
        shutil.copytree(HERE / "tutorial" / name, self.folder)
        shutil.copy(HERE / "tutorial" / "advisories.json", self.folder)
        self.snapshot = _WORLDS[name]
        self.name = name

    def output(self, command: str) -> str:
        """What a command prints, on both streams."""
        ours = f"{shlex.quote(sys.executable)} -m satlock"
        snapshot = shlex.quote(str(self.snapshot))
        asks = "|".join(_ASKS)
        shell = (
            f'satlock() {{ case "$1" in {asks}) local c=$1; shift; {ours} "$c" --corpus {snapshot} "$@";; '
            f'*) {ours} "$@";; esac; }}; {command}'
        )
        environment = {**os.environ, "NO_COLOR": "1", "COLUMNS": "100", "GIT_PAGER": "cat", "PYTHONHASHSEED": "0"}
        done = subprocess.run(
            ["bash", "-c", shell],
            cwd=self.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
            check=False,
        )
        text = done.stdout.replace(f" --corpus {self.snapshot}", "").replace(str(self.folder), "~/" + self.name)
        return _DIGEST.sub("sha256 0123456789ab", _SECONDS.sub("0.3 s", text))


def renewed(page: str, scratch: Path) -> str:
    """The page with its screens as they are now."""
    screens: dict[str, Screen | None] = {"none": None}
    screen = None
    lines: list[str] = []
    block: list[str] | None = None
    for line in page.splitlines():
        mark = _MARK.fullmatch(line.strip())
        if mark is not None:
            if mark[1] not in screens:
                screens[mark[1]] = Screen(mark[1], Path(tempfile.mkdtemp(dir=scratch)))
            screen = screens[mark[1]]
        if block is not None and line.strip() == "```":
            assert screen is not None
            lines += _run(block, screen)
            block = None
        if block is None:
            lines.append(line)
        else:
            block.append(line)
        if line.strip() == "```console" and screen is not None:
            block = []
    return "\n".join(lines) + "\n"


def _run(block: list[str], screen: Screen) -> Iterator[str]:
    for line in block:
        if line.startswith("$ "):
            yield line
            yield from screen.output(line[2:].partition("   #")[0]).rstrip("\n").splitlines()


def main() -> int:
    wrong = 0
    with tempfile.TemporaryDirectory() as scratch:
        for page in PAGES:
            before = page.read_text(encoding="utf-8")
            after = renewed(before, Path(scratch)) if _MARK.search(before) else before
            if after != before and "--check" in sys.argv:
                wrong += 1
                print(f"{page.name} has screens that are not what is printed now; write them: docs/make_screens.py")
            elif after != before:
                page.write_text(after, encoding="utf-8")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
