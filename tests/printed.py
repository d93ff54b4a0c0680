"""Commands that satlock and its documents print, run as they are printed."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path


def pasted(command: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Runs a printed command in a shell, with ``satlock`` as this Python has it."""
    here = f"{shlex.quote(sys.executable)} -m satlock"
    return subprocess.run(
        ["bash", "-c", f'satlock() {{ {here} "$@"; }}; {command}'],
        cwd=folder or Path(__file__).parents[1],
        env={**os.environ, "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
