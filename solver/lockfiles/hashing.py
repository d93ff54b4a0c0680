"""The hashes of files that their index tells none of: found by downloading them, where nothing else serves.

A lock promises the bytes of each file. So a file without a hash is downloaded where it installs in some environment of
the project in which no wheel with a hash does. A source distribution is, where no file of its version has a hash.
"""

from __future__ import annotations

from satlock.corpora.facts import Corpus, CorpusError, File, Unavailable, Unhashed
from satlock.encoder.markers.domain import Domain
from satlock.encoder.markers.marker import any_of
from satlock.encoder.markers.tags import installs_on
from satlock.records import dataclass, replace
from satlock.solver.lockfiles.lock import Lock, LockedPackage

__all__ = ["Refused", "with_hashes"]

_NAMED = 3
"""Files that one note names."""


@dataclass(frozen=True)
class Refused:
    """A candidate of which no file can be hashed."""

    name: str
    version: str
    index: str
    reason: str


def with_hashes(lock: Lock, corpus: Corpus, domain: Domain) -> tuple[Lock, list[Refused]]:
    """The lock with files that have hashes, and no others; and the candidates that have none then.

    Raises:
        CorpusError: a download failed for reasons that have nothing to do with the file; or a server refuses the files
            of a version, or has others than its index promises.
    """
    wanted = {
        (package.name, file.url): Unhashed(package.index, package.name, package.version, file)
        for package in lock.packages
        for file in _missed(package, domain)
    }
    told = corpus.hashed(list(wanted.values())) if wanted else {}
    packages: list[LockedPackage] = []
    notes = list(lock.notes)
    refused: list[Refused] = []
    for package in lock.packages:
        if package.direct is not None or all(file.hashes for file in package.files):
            packages.append(package)
            continue
        asked = [wanted[package.name, file.url] for file in package.files if (package.name, file.url) in wanted]
        outcomes = [told[one] for one in asked]
        hashed = [file for file in package.files if file.hashes]
        hashed += [outcome for outcome in outcomes if isinstance(outcome, File)]
        unhashed = [outcome for outcome in outcomes if isinstance(outcome, Unavailable)]
        reasons = [outcome.reason for outcome in unhashed]
        grave = [outcome.reason for outcome in unhashed if outcome.cause in ("refused", "false")]
        if not hashed and grave:
            raise CorpusError(
                f"{asked[0].file.filename} of {package.name} {package.version} cannot be locked: {grave[0]}"
            )
        if not hashed:
            reason = reasons[0] if reasons else "no file of it that installs here has a hash"
            refused.append(Refused(package.name, package.version, package.index, reason))
        notes += [
            f"{one.file.filename} is not in the lock: {outcome.reason}"
            for one, outcome in zip(asked, outcomes, strict=True)
            if isinstance(outcome, Unavailable)
        ]
        urls = {one.file.url for one in asked}
        bare = [file.filename for file in package.files if not file.hashes and file.url not in urls]
        if bare and hashed:
            notes.append(
                f"{_listed(bare)} {'is' if len(bare) == 1 else 'are'} not in the lock: {package.index} tells no hash, "
                f"and other files of {package.name} {package.version} have one"
            )
        packages.append(replace(package, files=tuple(sorted(hashed, key=lambda file: (file.filename, file.url)))))
    return replace(lock, packages=tuple(packages), notes=tuple(notes)), refused


def _missed(package: LockedPackage, domain: Domain) -> list[File]:
    """The files without a hash that serve where nothing with a hash does."""
    bare = [file for file in package.files if not file.hashes]
    if package.direct is not None or not bare:
        return []
    told = [file for file in package.files if file.hashes]
    served = any_of(installs_on(file.filename) for file in told if file.is_wheel)
    return [
        file
        for file in bare
        if (file.is_wheel or not told) and domain.satisfiable(package.region, installs_on(file.filename), ~served)
    ]


def _listed(names: list[str]) -> str:
    if len(names) <= _NAMED:
        return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
    return f"{', '.join(names[: _NAMED - 1])} and {len(names) - _NAMED + 1} more"
