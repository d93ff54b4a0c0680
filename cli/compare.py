"""``satlock compare``: satlock and its peers on the same projects and the same served snapshot."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from satlock.cli.failures import FAILED, WRONG, Ended
from satlock.cli.terminal import is_terminal, say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["compare"]

_PEERS = ("uv", "pip", "poetry", "pdm", "pip-tools")


@click.command()
@click.option(
    "--corpus", "snapshot", type=click.Path(path_type=Path), metavar="SNAPSHOT",
    help="The recorded world that all of them lock the projects against.",
)  # fmt: skip
@click.option(
    "--suite", "suites", multiple=True, type=click.Path(path_type=Path), metavar="FILE",
    help="A TOML file of worlds with their projects, to compare as well (repeatable).",
)  # fmt: skip
@click.option("--peer", "peers", multiple=True, type=click.Choice(_PEERS), help="Whom to compare with (repeatable).")
@click.option(
    "--output", required=True, type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
    help="Where results go; what is there from an earlier run is not done again.",
)  # fmt: skip
@click.option(
    "--runs", type=click.IntRange(min=1), default=3, show_default=True, help="Cold runs, each with a warm one."
)
@click.option("--repeat-limit", type=float, metavar="SECONDS", help="Run none again whose first run took longer.")
@click.option("--jobs", type=click.IntRange(min=1), help="Cases at once; all cores by default.")
@click.option("--minutes", type=float, metavar="N", help="Begin no more cases after that; go on with the same command.")
@click.option("--time-limit", type=float, default=120.0, show_default=True, metavar="SECONDS", help="Of one run.")
@click.option("--memory-limit", type=float, default=4096.0, show_default=True, metavar="MB", help="Of one run.")
@click.option("--engine", type=click.Choice(["local", "dask"]), default="local", show_default=True)
@click.option("--scheduler", metavar="ADDRESS", help="The scheduler of a dask.distributed cluster, with --engine dask.")
@click.option("--objective", metavar="NAME", help="Passed on to satlock lock.")
@click.option("-q", "--quiet", is_flag=True, help="Say only what is wrong.")
@click.option("-v", "--verbose", is_flag=True, help="Say more.")
@click.argument("projects", nargs=-1, type=click.Path(path_type=Path), metavar="[PROJECT...]")
def compare(  # noqa: PLR0917
    snapshot: Path | None,
    suites: tuple[Path, ...],
    peers: tuple[str, ...],
    output: Path,
    runs: int,
    jobs: int | None,
    repeat_limit: float | None,
    minutes: float | None,
    time_limit: float,
    memory_limit: float,
    engine: str,
    scheduler: str | None,
    objective: str | None,
    quiet: bool,
    verbose: bool,
    projects: tuple[Path, ...],
) -> None:
    """Lock the same projects with satlock and with each peer, judge every lock, and show what came of it."""
    _refuse_missing("compare", ("matplotlib", "psutil"))
    if (engine == "dask") != (scheduler is not None):
        raise click.UsageError("--engine dask and --scheduler ADDRESS go together.")
    if engine == "dask":
        _refuse_missing("dask", ("distributed",))
    from platformdirs import user_cache_path

    from satlock.corpora.compare.engine import compare_all
    from satlock.corpora.compare.report import write_report
    from satlock.corpora.compare.running import Limits
    from satlock.corpora.compare.trial import Plan

    suite = _suite(snapshot, projects, suites, output)
    plan = Plan(
        ("satlock", *dict.fromkeys(peers)),
        runs,
        Limits(time_limit, memory_limit),
        os.environ.get("SATLOCK_PEERS") or str(user_cache_path("satlock", appauthor=False) / "peers"),
        ("--objective", objective) if objective else (),
        repeat_limit,
    )
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        with _progress(len(suite), shown=not quiet) as told:
            results = compare_all(
                plan, suite, output, jobs=jobs or cores, scheduler=scheduler, minutes=minutes, told=told
            )
    except OSError as error:
        if scheduler is None:
            raise
        raise Ended(FAILED, f"The scheduler at {scheduler} cannot be reached: {error}.") from None
    about = {
        **{f"snapshot {world.name}": f"recorded {world.recorded}, content {world.digest[:16]}"
           for world in dict.fromkeys(world for _, world in suite)},
        "cases": f"{len(results)}" + (f" of {len(suite)}" if len(results) < len(suite) else ""),
        "runs": f"{runs} cold and {runs} warm of each resolver, in turns"
        + (f"; one of those whose first took over {repeat_limit:g} s" if repeat_limit is not None else ""),
        "limits": f"{time_limit:g} s and {memory_limit:g} MB for one run",
        "machine": f"{cores} cores, {jobs or cores} cases at once, Python {sys.version.split()[0]}, {sys.platform}",
    }  # fmt: skip
    lines = write_report(results, output, about, limit=time_limit)
    _tell(lines, results, output, quiet=quiet, verbose=verbose)


def _suite(snapshot: Path | None, projects: tuple[Path, ...], suites: tuple[Path, ...], output: Path) -> Any:
    """Every case with its world, from all that was given."""
    from satlock.corpora.compare.cases import CaseError, Recorded, read_cases, read_suite

    if bool(projects) != (snapshot is not None):
        raise click.UsageError("--corpus SNAPSHOT and PROJECT... go together.")
    if not projects and not suites:
        raise click.UsageError("Nothing to compare: give --corpus SNAPSHOT PROJECT..., or --suite FILE.")
    try:
        found = []
        if snapshot is not None:
            world = Recorded.at(snapshot)
            found = [(case, world) for case in read_cases(projects)]
        for number, path in enumerate(suites):
            found += read_suite(path, output / "generated" / f"{path.stem}-{number}")
    except CaseError as error:
        raise Ended(WRONG, str(error)) from None
    names = [case.name for case, _ in found]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise Ended(WRONG, f"Two projects are in folders named {twice[0]}; give each a name of its own.")
    return found


def _refuse_missing(extra: str, modules: tuple[str, ...]) -> None:
    missing = [module for module in modules if find_spec(module) is None]
    if missing:
        raise Ended(WRONG, f"This needs {', '.join(missing)}; install satlock[{extra}].")


@contextmanager
def _progress(many: int, *, shown: bool) -> Iterator[Callable[[str, int, int], None]]:
    """A bar on a terminal, else a line for each case."""
    if not shown:
        yield lambda name, done, of: None
        return
    if not is_terminal():
        yield lambda name, done, of: say(f"{done} of {of}: {name}" if name else f"{done} of {of} are there already")
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("starting", total=many)
        yield lambda name, done, of: bar.update(task, completed=done, description=name)


def _tell(lines: Any, results: list[dict[str, Any]], output: Path, *, quiet: bool, verbose: bool) -> None:
    from satlock.corpora.compare.tables import summary_of

    if verbose:
        say(f"Compared: {', '.join(result['case']['name'] for result in results)}.")
    for row in summary_of(lines) if not quiet else ():
        say(
            f"{row['peer']} {row['version']}: {row['locked']} locked of {row['cases']}, "
            f"{row['valid everywhere']} valid everywhere, {row['valid only here']} only here, "
            f"{row['wrong locks']} wrong"
        )
    for result in results:
        if result["error"]:
            say(f"{result['case']['name']} could not be compared: {result['error']}")
    if not quiet:
        say(f"All of it is in {output / 'index.html'}.")
