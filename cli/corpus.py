"""``satlock corpus``: record what projects read, look at it, and serve it to any installer."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import click

from satlock.cli.failures import FAILED, WRONG, Ended
from satlock.cli.inputs import Inputs, inputs_of_many
from satlock.cli.progress import Progress
from satlock.cli.report import print_line, print_report
from satlock.cli.terminal import say
from satlock.cli.words import count, example
from satlock.records import dataclass, replace

if TYPE_CHECKING:
    from satlock.corpora.recorded.recording import Recording
    from satlock.corpora.recorded.snapshot import SnapshotCorpus
    from satlock.encoder.project.project import Project

__all__ = ["corpus"]


_PEERS = ("uv", "pip", "poetry", "pdm", "pip-tools")


@click.group()
def corpus() -> None:
    """Recorded package indexes: make them, look at them, serve them."""


@corpus.command(
    short_help="What projects read, in one file.", epilog=example("satlock corpus record . --output world.snapshot")
)
@inputs_of_many
@click.option(
    "--output", "-o", required=True, type=click.Path(path_type=Path, dir_okay=False), metavar="SNAPSHOT", help="Where."
)
@click.option(
    "--deep",
    type=click.IntRange(min=0),
    default=0,
    metavar="N",
    help="Also keep the N newest versions that each requirement admits, and what these require.",
)
@click.option(
    "--walk",
    "peers",
    multiple=True,
    type=click.Choice(_PEERS),
    help="Also run this resolver, and keep all that it reads on its way (repeatable).",
)
@click.option(
    "--walk-limit", type=float, default=60.0, show_default=True, metavar="SECONDS", help="How long each may walk."
)
@click.option("--small", is_flag=True, help="Leave out hashes, sizes, and releases that nobody read.")
@click.option("--example-hosts", is_flag=True, help="Put example hosts in place of the real ones.")
@click.option("-q", "--quiet", is_flag=True, help="Say only what is wrong.")
def record(  # noqa: PLR0917
    given: Inputs,
    projects: tuple[Path, ...],
    output: Path,
    deep: int,
    peers: tuple[str, ...],
    walk_limit: float,
    small: bool,
    example_hosts: bool,
    quiet: bool,
) -> None:
    """Keep every listing and metadata file that locking these projects reads, in one file."""
    from satlock.corpora.recorded.recording import Recording, only_told, with_example_hosts
    from satlock.corpora.recorded.snapshot import write_snapshot

    if peers and find_spec("psutil") is None:
        raise Ended(WRONG, "--walk needs psutil; install satlock[compare].")
    read = [replace(given, source=folder) for folder in projects]
    names = [one.project_folder.resolve().name for one in read]
    loaded = [one.project() for one in read]
    from satlock.corpora.index.address import without_credentials

    recorder = _Recorder(Recording(given.corpus(*loaded)), deep, peers, walk_limit, quiet)
    with Progress(lambda: recorder.now, shown=not quiet):
        try:
            for one, project, name in zip(read, loaded, names, strict=True):
                recorder.read(one, project, name)
        finally:
            recorder.source.close()
    facts = only_told(recorder.source.facts) if small else recorder.source.facts
    default_index = without_credentials(recorder.default_index).rstrip("/")
    if example_hosts:
        facts, default_index = with_example_hosts(facts, default_index)
    write_snapshot(output, *facts, recorded=_moment(given), default_index=default_index, projects=names, small=small)
    if not quiet:
        told = f"{count(len(facts[0]), 'listing')} and {count(len(facts[1]), 'metadata file')}"
        say(f"Recorded {told}: {output}, {_size(output)}.")


@dataclass
class _Recorder:
    """One recording: what it keeps, and how far it is."""

    source: Recording
    deep: int
    peers: tuple[str, ...]
    walk_limit: float
    quiet: bool
    now: str = "Starting"
    default_index: str = ""

    def read(self, given: Inputs, project: Project, name: str) -> None:
        """Locks a project for what it reads; that there is no lock is as good a reason to keep it."""
        from satlock.solver.locking import lock
        from satlock.solver.search.search import NoLock

        self.now = f"Locking {name}"
        self.default_index = given.index_for(project, self.source)
        try:
            lock(project, self.source, default_index=self.default_index, objective=given.objective_for(project))
        except NoLock:
            if not self.quiet:
                say(f"{name} has no lock; what shows it is recorded.")
        if self.deep:
            self._deepen(project, name)
        if self.peers:
            self._walk(given, project, name)

    def _walk(self, given: Inputs, project: Project, name: str) -> None:
        from platformdirs import user_cache_path

        from satlock.corpora.compare.running import Limits
        from satlock.corpora.compare.walking import walk

        installed = os.environ.get("SATLOCK_PEERS") or user_cache_path("satlock", appauthor=False) / "peers"
        walks = walk(
            self.source,
            (given.project_folder / "pyproject.toml").read_text(encoding="utf-8"),
            self.peers,
            indexes=[index.url for index in project.indexes],
            default_index=self.default_index,
            environments=Path(installed),
            limits=Limits(seconds=self.walk_limit),
        )
        self.now = f"{name}: {' and '.join(self.peers)} read"
        for one in walks:
            if not self.quiet:
                why = "" if one.outcome in ("locked", "time") else f": {one.said.strip().rpartition(chr(10))[2][:200]}"
                say(f"{name}: {one.peer} {one.version}: {one.outcome} after {one.seconds:.1f} s{why}")

    def _deepen(self, project: Project, name: str) -> None:
        from satlock.corpora.recorded.deepening import deepen

        groups = [*project.extras.values(), *project.groups.values()]
        requirements = [one.text for one in (*project.dependencies, *(one for group in groups for one in group))]

        def told(packages: int, versions: int) -> None:
            self.now = f"{name}: {count(packages, 'package')}, {count(versions, 'version')}"

        deepen(
            self.source,
            requirements,
            default_index=self.default_index,
            requires_python=str(project.requires_python),
            depth=self.deep,
            before=None if project.exclude_newer is None else project.exclude_newer.strftime("%Y-%m-%dT%H:%M:%SZ"),
            on_round=told,
        )


def _moment(given: Inputs) -> str:
    """When it is recorded: now, or what SOURCE_DATE_EPOCH says, or when the snapshot was that it is taken from."""
    if given.snapshot is not None:
        return _opened(given.snapshot).recorded
    epoch = os.environ.get("SOURCE_DATE_EPOCH", "")
    moment = datetime.fromtimestamp(int(epoch), UTC) if epoch.isdecimal() else datetime.now(UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


# Serving them


@corpus.command(
    short_help="Serve a snapshot to any installer.", epilog=example("satlock corpus serve world.snapshot --port 8000")
)
@click.argument("path", type=click.Path(path_type=Path), metavar="SNAPSHOT")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Where; a free port by default.")
@click.option("--host", default="127.0.0.1", show_default=True, help="The interface; any but loopback lets others in.")
@click.option(
    "--max-age",
    type=click.IntRange(min=0),
    metavar="SECONDS",
    help="Let clients take pages from their caches for so long, and files for ever, as PyPI does (with 600).",
)
@click.option("--json", "as_json", is_flag=True, help="Print the addresses as one line of JSON on standard output.")
@click.option("--with-stdin", is_flag=True, hidden=True, help="End when standard input is closed.")
def serve(  # noqa: PLR0917
    path: Path, port: int, host: str, max_age: int | None, as_json: bool, with_stdin: bool
) -> None:
    """Serve a snapshot to any installer over the simple API, until it is interrupted."""
    from satlock.corpora.recorded.served import Served
    from satlock.corpora.recorded.serving import CorpusServer

    snapshot = _opened(path)
    try:
        server = CorpusServer(
            Served(snapshot), snapshot.indexes, snapshot.default_index, host=host, port=port, max_age=max_age
        )
    except (OSError, OverflowError) as error:
        why = getattr(error, "strerror", None) or error
        raise Ended(FAILED, f"Nothing can be served at {host}, port {port}: {why}.") from None
    if as_json:
        print_line("serve", {"base": server.base, "indexes": server.urls(), "default-index": snapshot.default_index})
    else:
        if snapshot.default_index is not None:
            click.echo(f"{server.base}/simple/  {snapshot.default_index} (the default index)")
        for index, url in server.urls().items():
            click.echo(f"{url}/  {index}")
    sys.stdout.flush()
    if with_stdin:
        import threading

        def close_after_input() -> None:
            sys.stdin.read()
            server.close()

        threading.Thread(target=close_after_input, daemon=True).start()
    server.run()


@corpus.command(
    short_help="Make one snapshot of several.",
    epilog=example("satlock corpus merge a.snapshot b.snapshot --output both.snapshot"),
)
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="SNAPSHOT...")
@click.option(
    "--output", "-o", required=True, type=click.Path(path_type=Path, dir_okay=False), metavar="SNAPSHOT", help="Where."
)
def merge(paths: tuple[Path, ...], output: Path) -> None:
    """Make one snapshot of several that were recorded of the same indexes."""
    from satlock.corpora.recorded.recording import merged
    from satlock.corpora.recorded.snapshot import write_snapshot

    opened = [_opened(path) for path in paths]
    if len({(one.small, one.default_index) for one in opened}) > 1:
        raise Ended(
            WRONG, "These snapshots are of different kinds: all have to be small or none, of one default index."
        )
    facts = merged(one.facts() for one in opened)
    write_snapshot(
        output,
        *facts,
        recorded=max(one.recorded for one in opened),
        default_index=opened[0].default_index,
        projects=[name for one in opened for name in one.projects],
        small=opened[0].small,
    )
    say(f"Merged {len(opened)} snapshots: {output}, {_size(output)}.")


# Generating them


@corpus.command(
    short_help="Generated projects, with the truth about each.",
    epilog=example("satlock corpus generate --output worlds"),
)
@click.option("--output", required=True, type=click.Path(path_type=Path, file_okay=False), metavar="DIR")
@click.option("--family", "families", multiple=True, metavar="NAME", help="Which; all of them by default (repeatable).")
@click.option("--size", "sizes", multiple=True, type=click.IntRange(1, 1000), help="How large; several by default.")
@click.option("--seed", "seeds", multiple=True, type=click.IntRange(1), help="Of random ones (repeatable).")
def generate(output: Path, families: tuple[str, ...], sizes: tuple[int, ...], seeds: tuple[int, ...]) -> None:
    """Write families of generated projects, with the truth about each, and the snapshot that they lock against."""
    from satlock.corpora.recorded.families import FAMILIES, write_families

    if unknown := sorted(set(families) - FAMILIES.keys()):
        raise Ended(WRONG, f"There is no family {', '.join(unknown)}; there are {', '.join(FAMILIES)}.")
    if sizes and min(sizes) < 3 and "phase-transition" in (families or FAMILIES):
        raise Ended(WRONG, "A phase-transition instance has at least 3 variables; give a larger --size.")
    instances = [
        make(size, seed)
        for name in families or FAMILIES
        for make, usual, usual_seeds in [FAMILIES[name]]
        for size in sizes or usual
        for seed in (seeds if seeds and usual_seeds != (0,) else usual_seeds)
    ]
    path = write_families(instances, output)
    say(f"Wrote {len(instances)} projects and {path}.")


# Looking at them


@corpus.command("list", short_help="One line for each snapshot.", epilog=example("satlock corpus list corpora"))
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="[SNAPSHOT|DIR]...")
def list_(paths: tuple[Path, ...]) -> None:
    """One line for each snapshot, in the folders that are given or here."""
    from satlock.corpora.recorded.snapshot import SnapshotError

    found = list(_snapshots(paths or (Path(),)))
    if not found:
        raise Ended(
            WRONG, "There is no snapshot here; name a file or a folder, or record one with satlock corpus record."
        )
    wrong = None
    for path in found:
        try:
            one = _opened(path)
        except SnapshotError as error:
            wrong = error
            click.echo(f"{path}  {error}")
            continue
        packages = sum(len(one.packages(index)) for index in one.indexes)
        click.echo(f"{path}  {_size(path)}  {one.recorded}  {count(packages, 'package')}  {one.digest[:16]}")
    if wrong is not None:
        raise wrong


def _snapshots(paths: Iterable[Path]) -> Iterable[Path]:
    for path in paths:
        yield from sorted(path.rglob("*.snapshot")) if path.is_dir() else [path]


@corpus.command(short_help="What a snapshot holds.", epilog=example("satlock corpus show world.snapshot torch"))
@click.argument("path", type=click.Path(path_type=Path), metavar="SNAPSHOT")
@click.option("--json", "as_json", is_flag=True, help="Print all of it as an object.")
@click.argument("names", nargs=-1, metavar="[NAME]...")
def show(path: Path, as_json: bool, names: tuple[str, ...]) -> None:
    """What a snapshot holds: its manifest, and the versions of the packages that are named."""
    one = _opened(path)
    objects, size = one.objects()
    listings, outcomes = one.facts()
    versions: dict[tuple[str, str], list[str]] = {key: [] for key in listings}
    for wanted in outcomes:
        if wanted.version not in (known := versions[wanted.index, wanted.name]):
            known.append(wanted.version)
    if names and (unknown := sorted(set(names) - {name for _, name in listings})):
        raise Ended(WRONG, f"{path} holds nothing of {', '.join(unknown)}.")
    said = {
        "snapshot": str(path),
        "digest": one.digest,
        "recorded": one.recorded,
        "bytes": path.stat().st_size,
        "objects": objects,
        "object-bytes": size,
        "default-index": one.default_index,
        "projects": list(one.projects),
        "indexes": {
            index: {
                name: {
                    "releases": None if (listing := listings[index, name]) is None else len(listing.releases),
                    "known": versions[index, name],
                }
                for name in one.packages(index)
                if not names or name in names
            }
            for index in one.indexes
        },
    }
    if as_json:
        print_report("corpus", said)
        return
    click.echo(f"content   {one.digest}")
    click.echo(f"recorded  {one.recorded}")
    click.echo(f"file      {_size(path)}; {objects} objects of {size / 1e6:.1f} MB in all")
    click.echo(f"projects  {', '.join(one.projects) or 'not told'}")
    for index in one.indexes:
        mark = " (stands for the default index)" if index == one.default_index else ""
        read = sum(len(found) for (where, _), found in versions.items() if where == index)
        holds = count(len(one.packages(index)), "package")
        click.echo(f"index     {index}{mark}: {holds}, {count(read, 'version')} with metadata")
        for name in one.packages(index) if names else ():
            if name in names:
                click.echo(f"  {name}: {', '.join(versions[index, name]) or 'no metadata'}")


def _opened(path: Path) -> SnapshotCorpus:
    from satlock.corpora.recorded.snapshot import SnapshotCorpus

    return SnapshotCorpus(path)


def _size(path: Path) -> str:
    size = path.stat().st_size
    return f"{size / 1e6:.1f} MB" if size >= 100_000 else f"{size / 1e3:.1f} kB"
