"""What was confirmed: of which lockfile, in which environments, and what had to be taken on trust."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from satlock.solver.checking.reading import Subject

__all__ = ["Candidate", "Checked", "Listed", "NotNewer", "Place", "Trusted", "Verdict", "shown", "word"]

_SAID = {
    "unique": "no environment installs two candidates of one of them",
    "index-pins": "wherever a pin of one of them is in scope, it comes from that index",
    "installable": "there is a file for each of them, wherever it is installed in these environments:",
    "complete": "every requirement that one of them has is met, wherever it is in force",
    "no-lock": "these facts cannot all hold, so the project has no lock",
    "optimality": "no newer version of one of them serves there, unless something that is worth as much is given up",
}
_IS, _HAS, _REQUIRES = ("is", "are"), ("has", "have"), ("requires", "require")
_TRUSTED = {
    "metadata": ("what {whose}{through} says {counted} {verb}", "candidate", _REQUIRES),
    "versions": ("which versions of {counted} {whose}{through} lists, and for which Pythons", "package", _IS),
    "files": ("which files versions of {counted} {verb} on {whose}", "package", _HAS),
    "listed": ("that the files of {counted} are there, as the lockfile lists them", "entry", _IS),
    "served": ("that the files of {counted} are served by the index that the lockfile names", "entry", _IS),
    "noted": ("what the lockfile notes that {counted} {verb}", "package", _REQUIRES),
    "unread": ("that {detail}, which is not read, names no other index and admits no other version", "file", _IS),
    "nowhere": ("that no index of the project has {detail}", "package", _IS),
    "elsewhere": ("that {counted} {verb} not taken from {whose}, which the project declares too", "package", _IS),
    "held": ("that {counted} of {whose}{through} cannot be used ({detail})", "version", _IS),
}
"""What is said of each kind of trust, what is counted, and its verb for one and for several."""
_SHOWN = 8


@dataclass(frozen=True)
class Place:
    """Environments of one platform, machine and implementation."""

    platform: str
    """``os_name``, ``sys_platform`` and ``platform_system``, as the certificate labels it."""
    machine: str
    implementation: str
    pythons: tuple[str, ...]

    def __str__(self) -> str:
        minors = list(dict.fromkeys(python.rpartition(".")[0] for python in self.pythons))
        # What a marker names besides may have blanks in it, and could be taken for what everybody knows.
        system = self.platform.rpartition(" ")[2] if self.platform.count(" ") == 2 else ascii(self.platform)
        running = self.implementation
        running = running.rpartition(" ")[2] if running.count(" ") == 1 else ascii(running)
        return f"{system} {word(self.machine)}, {running} {', '.join(minors)}"


@dataclass(frozen=True)
class Candidate:
    """What a certificate records of one candidate, for whoever wants to read it again."""

    index: str
    """As the lockfile names it; empty where it names none."""
    name: str
    version: str
    file: str
    """The file whose metadata it is; empty where the certificate does not say."""
    sha256: str
    """Of that file, as the lockfile has it; empty where it has none."""
    digest: str
    """SHA-256 of the metadata; empty where the certificate does not say."""
    lines: tuple[str, ...]
    """Its requirements."""
    whole: bool = True
    """Whether these are all that it has."""
    lacking: tuple[str, ...] = ()
    """Extras that it does not have."""


@dataclass(frozen=True)
class Listed:
    """What a certificate records of the versions of a package."""

    name: str
    indexes: tuple[str, ...]
    versions: frozenset[str]
    """All of them, also those that were left out."""
    pythons: tuple[tuple[str, str], ...]
    """The ``Requires-Python`` of some."""
    files: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """All files of some."""


@dataclass(frozen=True)
class Trusted:
    """Facts that nothing in the certificate proves."""

    what: str
    """A key of the table of sentences above: ``listed`` and ``served`` are files of a lockfile, ``noted`` what it says
    of requirements, ``held`` is what cannot be used, ``elsewhere`` what another index serves, ``nowhere`` what none
    does, and ``unread`` is a file with settings that counts for who locks."""
    index: str
    """Who said so; empty where the lockfile names no index."""
    count: int
    recorded: str = ""
    """The day, as the certificate says."""
    asked: str = ""
    """The address that was asked in place of the index, as the certificate says."""
    bound: int = 0
    """How many of them name a file of the lockfile with its hash, and the digest of its metadata."""
    confirmed: int = 0
    """How many were fetched again, and are the same."""
    detail: str = ""
    """What else there is to say of them."""

    def __str__(self) -> str:
        sentence, counted, verbs = _TRUSTED[self.what]
        count = self.count - self.confirmed
        whose = word(self.index) if self.index else "the default index, which the lockfile does not name,"
        through = f" (asked at {word(self.asked)})" if self.asked else ""
        text = sentence.format(
            whose=whose, through=through, detail=self.detail, counted=_count(count, counted), verb=verbs[count != 1]
        )
        return text + (f", as recorded on {self.recorded}" if self.recorded else "")


@dataclass(frozen=True)
class NotNewer:
    """A package that is behind its newest version, where it is, and why."""

    package: str
    version: str
    newest: str
    """The last version that its index lists, whatever keeps it out."""
    environments: tuple[str, ...]
    places: tuple[str, ...]
    """The same, with the Pythons of a platform together."""
    facts: tuple[str, ...]
    kept: tuple[str, ...]
    """Candidates that would have to be older."""
    absent: tuple[str, ...]
    """Packages that would have to be brought in."""

    def lines(self, verbose: bool) -> Iterator[str]:
        shown = "; ".join(self.places if verbose else self.places[:1])
        more = "" if verbose or len(self.places) == 1 else f" and {len(self.places) - 1} more"
        yield f"    {self.package} {self.version} (there are versions up to {self.newest}) on {shown}{more}"
        if verbose:
            yield from (f"      - {fact}" for fact in self.facts)
            yield from (f"      - {one} stays that new" for one in self.kept)
            yield from (f"      - {one} is not brought in" for one in self.absent)

    def data(self) -> dict[str, Any]:
        return {"package": self.package, "version": self.version, "newest": self.newest,
                "environments": list(self.environments), "facts": list(self.facts), "kept": list(self.kept),
                "absent": list(self.absent)}  # fmt: skip


@dataclass(frozen=True)
class Checked:
    """One property that holds."""

    property: str
    claims: tuple[str, ...]
    """The names of the packages."""
    left_out: tuple[str, ...]
    """The other names of the lockfile."""
    steps: int
    clauses: int
    environments: tuple[Place, ...] = ()
    """Where it holds, for *installable*; everywhere that the lockfile is for, for the others."""
    trusted: tuple[Trusted, ...] = ()
    candidates: tuple[Candidate, ...] = ()
    """Those whose metadata was recorded."""
    listed: tuple[Listed, ...] = ()
    """Packages whose versions were recorded."""
    facts: tuple[str, ...] = ()
    """What clashes, where the claim is that there is no lock."""
    clash_in: tuple[str, ...] = ()
    """The environments where it does."""
    not_newer: tuple[NotNewer, ...] = ()
    unproven: tuple[str, ...] = ()
    """Of *optimality*: what is behind somewhere where no claim says why, as the certificate has it."""
    unexamined: tuple[str, ...] = ()
    """Names of which nothing is known, and so not either which extras of others they ask for."""

    def lines(self, verbose: bool) -> Iterator[str]:
        if self.property == "no-lock":
            yield from self._of_no_lock(verbose)
            return
        size = f"{_count(self.clauses, 'clause')}, {_count(self.steps, 'proof step')}"
        yield f"Confirmed: {self.property} for {self._packages(verbose)} ({size}):"
        yield f"  {_SAID[self.property]}" + (":" if self.not_newer else "" if self.environments else ".")
        for place in self.environments:
            yield f"    {place}"
        shown = self.not_newer if verbose else self.not_newer[: 2 * _SHOWN]
        for one in shown:
            yield from one.lines(verbose)
        if len(shown) < len(self.not_newer):
            yield f"    and {len(self.not_newer) - len(shown)} more (--verbose tells all, and why)"
        if self.property == "optimality":
            yield f"  Nothing is claimed of the other {_count(len(self.left_out), 'package')}."
            if self.unproven:
                many = f"{_count(len(self.unproven), 'package')} {'is' if len(self.unproven) == 1 else 'are'}"
                yield (
                    f"  Without a proof, {many} behind somewhere (sums alone speak for that, or what has no words "
                    f"here): {', '.join(self.unproven)}."
                )

    def trust(self) -> Iterator[str]:
        """What the claim rests on that nothing proves, and what of it was fetched again."""
        if self.unexamined:
            names = ", ".join(self.unexamined)
            yield f"  Taken on trust: that these, which were not examined, ask for no extras of others: {names}."
        for one in self.trusted:
            if one.confirmed < one.count:
                yield f"  Taken on trust: {one}."
        for one in self.trusted:
            if one.confirmed:
                count = _count(one.confirmed, "candidate" if one.what == "metadata" else "package")
                yield f"  Fetched again and the same: the {one.what} of {count} of {one.index}."
        if not self.trusted and not self.unexamined:
            yield "  Taken on trust: nothing but the rules by which installers read such a lockfile."

    def _of_no_lock(self, verbose: bool) -> Iterator[str]:
        size = f"{_count(self.clauses, 'clause')}, {_count(self.steps, 'proof step')}"
        yield f"Confirmed: no-lock ({size}): {_SAID['no-lock']}."
        for place in self.clash_in:
            yield f"  In {place}:"
        shown = self.facts if verbose or len(self.facts) <= 2 * _SHOWN else self.facts[: 2 * _SHOWN]
        for fact in shown:
            yield f"    - {fact}"
        if len(shown) < len(self.facts):
            yield f"    - and {len(self.facts) - len(shown)} more (--verbose tells all)"

    def _packages(self, verbose: bool) -> str:
        names = ", ".join(self.claims)
        if verbose or len(self.claims) <= _SHOWN:
            return names
        if self.not_newer:
            return _count(len(self.claims), "package")  # each is named below
        if not self.left_out:
            too = " and the project" if "(project)" in self.claims else ""
            return f"all {len(self.claims) - bool(too)} packages of the lockfile{too}"
        if len(self.left_out) <= _SHOWN:
            return f"all packages of the lockfile ({len(self.claims)}) but {', '.join(self.left_out)}"
        return names

    def data(self) -> dict[str, Any]:
        return {
            "property": self.property,
            "packages": list(self.claims),
            "all_packages": not self.left_out,
            "environments": [
                {"platform": one.platform, "machine": one.machine, "implementation": one.implementation,
                 "pythons": list(one.pythons)}
                for one in self.environments
            ],
            "left_out": list(self.left_out),
            "unproven": list(self.unproven),
            "unexamined": list(self.unexamined),
            "facts": list(self.facts),
            "clash_in": list(self.clash_in),
            "not_newer": [one.data() for one in self.not_newer],
            "clauses": self.clauses,
            "steps": self.steps,
            "trusted": [
                {"what": one.what, "index": one.index, "count": one.count, "recorded": one.recorded or None,
                 "asked": one.asked or None, "bound": one.bound, "confirmed": one.confirmed,
                 "detail": one.detail or None}
                for one in self.trusted
            ],
        }  # fmt: skip


@dataclass(frozen=True)
class Verdict:
    """Everything that a certificate was found to prove."""

    subject: Subject
    properties: tuple[Checked, ...]
    python: str
    """The ``requires-python`` of the lockfile."""
    conflicts: tuple[tuple[str, ...], ...]
    """Sets of choices of which no two are made together, which all claims presuppose."""
    members: tuple[str, ...] = ()
    """Of a ``uv.lock``: the projects that it names, from which all that is installed is reached."""

    def listed(self) -> tuple[Listed, ...]:
        """All packages whose versions were recorded."""
        return tuple(dict.fromkeys(one for checked in self.properties for one in checked.listed))

    def candidates(self) -> tuple[Candidate, ...]:
        """All whose metadata was recorded, each once."""
        return tuple(dict.fromkeys(one for checked in self.properties for one in checked.candidates))

    def with_confirmed(self, counts: Mapping[tuple[str, str], int]) -> Verdict:
        """The verdict, where so much of what each index says was fetched again and is the same.

        ``counts`` are by what it is (``metadata``, ``versions`` or ``files``) and by index.
        """

        def heard(one: Trusted) -> Trusted:
            return replace(one, confirmed=min(one.count, counts.get((one.what, one.index), 0)))

        properties = (replace(one, trusted=tuple(map(heard, one.trusted))) for one in self.properties)
        return replace(self, properties=tuple(properties))

    def lines(self, verbose: bool = False) -> Iterator[str]:
        """What a person reads. Nothing that a certificate or a lockfile says makes a line of its own."""
        return (shown(line) for line in self._lines(verbose))

    def _lines(self, verbose: bool) -> Iterator[str]:
        project = self._told("project")
        if self.subject.lockfile is None:
            yield f"The project {project}."
        else:
            yield f"The lockfile {self._told('lockfile')}" + (f" of the project {project}." if project else ".")
        for one in self.properties:
            yield from one.lines(verbose)
            yield from one.trust()
        if self.members:
            yield f"It holds for the projects that the lockfile names: {', '.join(self.members)}."
        if self.python:
            yield f"It holds for Python {self.python}."
        for members in self.conflicts[: None if verbose else _SHOWN]:
            yield f"It presupposes that no two of these are chosen together: {', '.join(members)}."
        if not verbose and len(self.conflicts) > _SHOWN:
            yield f"It presupposes {len(self.conflicts) - _SHOWN} further such sets (--verbose names them)."

    def _told(self, which: str) -> str:
        source = self.subject.lockfile if which == "lockfile" else self.subject.project
        if source is None:
            return ""
        further = f" and {_count(len(self.subject.workspace), 'other file')} of its workspace"
        more = further if which == "project" and self.subject.workspace else ""
        return f"{source.path} (sha256 {source.sha256[:12]}){more}"

    def data(self) -> dict[str, Any]:
        """The same for a program."""
        lockfile, project = self.subject.lockfile, self.subject.project
        return {
            "confirmed": True,
            "lockfile": None if lockfile is None else {
                "path": str(lockfile.path), "sha256": lockfile.sha256, "format": self.subject.kind
            },
            "project": None if project is None else {"path": str(project.path), "sha256": project.sha256},
            "workspace": [{"path": str(one.path), "sha256": one.sha256} for one in self.subject.workspace],
            "requires_python": self.python,
            "members": list(self.members),
            "conflicts": [list(members) for members in self.conflicts],
            "properties": [one.data() for one in self.properties],
        }  # fmt: skip


def shown(text: str) -> str:
    """On one line, and without what would change how it is shown."""
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)


def word(text: str) -> str:
    """A text that is no more than one word, or else in quotes."""
    return text if re.fullmatch("[!-~]+", text) else ascii(text)


def _count(number: int, what: str) -> str:
    if number != 1:
        what = f"{what.removesuffix('y')}ies" if what.endswith("y") else f"{what}s"
    return f"{number} {what}"
