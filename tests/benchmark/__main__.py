"""satlock against uv, whole processes in turns: cold, warm, relock, check, no-op; time, processor time, memory.

    python -m tests.benchmark --output docs/benchmark.md

Recorded worlds are served on loopback with the caching headers of PyPI; ``--live`` takes the sets of ``live.toml`` on
the real index as well, which are called ``live-NAME`` here. ``--json`` keeps every run, and goes on where it was left.
Needs uv, satlock and psutil in the environment, and a machine with nothing else to do: ratios move when something else
runs. Nothing here runs in CI.
"""

from __future__ import annotations

import argparse
import fnmatch
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

from tests.benchmark.measuring import LIMIT, Run
from tests.benchmark.phases import PHASES, Result, results_of
from tests.benchmark.report import Circumstances, row, text_of
from tests.benchmark.sets import Set, live_sets, recorded_sets


@contextmanager
def served(snapshot: Path | None) -> Iterator[str | None]:
    """The address of a snapshot's default index while the block runs; None for the live one."""
    if snapshot is None:
        yield None
        return
    command = [sys.executable, "-m", "satlock", "corpus", "serve", str(snapshot), "--json", "--max-age", "600"]
    process = subprocess.Popen([*command, "--with-stdin"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None and process.stdout is not None
    try:
        yield json.loads(process.stdout.readline())["base"] + "/simple"
    finally:
        process.stdin.close()
        process.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", nargs="*", default=["*"], metavar="NAME", help="names or patterns such as geo-*")
    parser.add_argument("--live", action="store_true", help="also the sets of live.toml, on the real index")
    parser.add_argument("--phases", nargs="*", default=list(PHASES), choices=PHASES, metavar="PHASE")
    parser.add_argument("--runs", type=int, default=5, help="of each tool in each phase; two where one takes 20 s")
    parser.add_argument("--limit", type=float, default=LIMIT, help="seconds after which a run is given up")
    parser.add_argument("--no-memory", action="store_true", help="leave out the runs that look at memory")
    parser.add_argument("--json", type=Path, help="keep every run here; sets that are in it are not run again")
    parser.add_argument("--output", type=Path, help="write the page here; standard output by default")
    given = parser.parse_args()
    before = os.getloadavg()[0]
    kept = json.loads(given.json.read_text()) if given.json and given.json.exists() else {}
    with tempfile.TemporaryDirectory() as scratch:
        families = Path(scratch, "families")
        made = [sys.executable, "-m", "satlock", "corpus", "generate", "--output", str(families)]
        sizes = ["--size", "20", "--size", "40", "--size", "80"]
        subprocess.run([*made, *sizes], check=True, capture_output=True)
        live = [replace(one, name=f"live-{one.name}") for one in live_sets()] if given.live else []
        every = [*recorded_sets(families), *live]
        chosen = [one for one in every if any(fnmatch.fnmatch(one.name, pattern) for pattern in given.sets)]
        for snapshot in dict.fromkeys(one.snapshot for one in chosen):
            with served(snapshot) as index:
                for one in chosen:
                    if one.snapshot == snapshot and one.name not in kept:
                        kept[one.name] = asdict(_run(one, Path(scratch), index, given))
                        if given.json:
                            given.json.write_text(json.dumps(kept))
                        print(row(_read(kept[one.name])), file=sys.stderr, flush=True)
    results = [_read(kept[one.name]) for one in chosen]
    command = " ".join(["python -m tests.benchmark", *sys.argv[1:]])
    text = text_of(results, Circumstances(command, before))
    if given.output:
        given.output.write_text(text, encoding="utf-8")
    else:
        print(text)


def _run(one: Set, scratch: Path, index: str | None, given: argparse.Namespace) -> Result:
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        place, memory = Path(folder), not given.no_memory
        return results_of(one, place, index, phases=given.phases, runs=given.runs, memory=memory, limit=given.limit)


def _read(kept: dict[str, object]) -> Result:
    found = Result(**kept)  # type: ignore[arg-type]
    found.runs = {
        phase: {tool: [Run(**run) for run in runs] for tool, runs in by_tool.items()}  # type: ignore[arg-type]
        for phase, by_tool in found.runs.items()
    }
    return found


if __name__ == "__main__":
    main()
