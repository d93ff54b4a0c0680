"""What ``satlock lock --certificate`` writes: everything that can be proven of the lock, or of its absence."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from satlock.cli.failures import FAILED, Ended
from satlock.cli.inputs import Inputs
from satlock.cli.terminal import say_warning

if TYPE_CHECKING:
    from satlock.encoder.project.project import Project
    from satlock.solver.lockfiles.reading import Reading
    from satlock.solver.locking import Locked
    from satlock.solver.proofs.unique import Proof
    from satlock.solver.search.search import NoLock

__all__ = ["certify", "certify_no_lock"]


def certify(lockfile: Path, given: Inputs, folder: Path, locked: Locked) -> int:
    """Proves the lock as if another tool had written it, and that what is not at its newest cannot be newer.

    Returns the size of the certificate in bytes.

    Raises:
        Ended: an environment gets two candidates of a package, or lacks one, which would be a bug of satlock.
    """
    from satlock.solver.lockfiles.reading import read_lockfile
    from satlock.solver.proofs.certificate import write_certificate
    from satlock.solver.proofs.optimality import optimality_of

    reading = read_lockfile(lockfile, given.project_folder)
    optimality = optimality_of(locked, partial(_holds, lockfile, given.project_folder)) if reading.has_project else None
    return write_certificate(folder, _proofs(reading, given), optimality, _day(given))


def _holds(lockfile: Path, project: Path, words: dict[str, Any]) -> bool:
    """Whether claims hold by what a checker reads of the project: options and files around it are not among that."""
    from satlock.solver.checking.certificate import Bad, is_about_the_lock

    try:
        is_about_the_lock(words, lockfile, project)
    except Bad:
        return False
    return True


def _proofs(reading: Reading, given: Inputs) -> list[Proof]:
    from satlock.corpora.index.address import without_credentials
    from satlock.solver.lockfiles.model import LockfileError
    from satlock.solver.proofs.complete import prove_complete
    from satlock.solver.proofs.installable import prove_installable
    from satlock.solver.proofs.pins import prove_index_pins
    from satlock.solver.proofs.unique import prove_unique

    found = [_sure(prove_unique(reading), "installs two candidates of")]
    with suppress(LockfileError):  # an option or uv.toml may say where an index is
        pins = prove_index_pins(reading)
        found += [pins] if pins.answers else []
    with suppress(LockfileError):  # the lock may be for none of the common platforms
        found.append(prove_installable(reading))
    if given.kind == "project":
        from satlock.cli.examining import WhereFrom, ask_indexes

        declared = {index.name for index in reading.project.indexes}
        indexes = {n if n in declared else without_credentials(url): url for n, url in given.indexes_by_name.items()}
        where = WhereFrom(given.default_index, indexes, given.snapshot, given.offline, given.cache_dir,
                          given.no_cache)  # fmt: skip
        asking, second_look = ask_indexes(reading, where, quiet=True)
        found.append(_sure(prove_complete(reading, asking, second_look), "does not meet a requirement of"))
    return found


def _sure(proof: Proof, what: str) -> Proof:
    refuted = [answer.name for answer in proof.answers if answer.point is not None]
    if refuted:
        raise Ended(FAILED, f"The lock {what} {', '.join(refuted)}: this is a bug in satlock.")
    return proof


def certify_no_lock(none: NoLock, project: Project, given: Inputs, folder: Path) -> int:
    """Writes why there is no lock; returns the size in bytes, or 0 where that cannot be said, with a warning."""
    from satlock.solver.checking.certificate import Bad, check_certificate
    from satlock.solver.proofs.certificate import remove_certificate, write_no_lock
    from satlock.solver.proofs.no_lock import NotCertified, prove_no_lock

    try:
        if given.kind != "project":
            raise NotCertified("A certificate that there is no lock speaks of a pyproject.toml.")
        proof = prove_no_lock(none.facts, none.universe, frozenset(project.single_version))
        size = write_no_lock(folder, proof, project.path, _day(given))
        try:
            check_certificate(folder, project=project.path.parent)
        except Bad as bad:
            # What options and files around the project say is not in its own file, which is all that a check reads.
            remove_certificate(folder)
            raise NotCertified(f"It rests on more than the project's own file: {bad}.") from None
    except NotCertified as why:
        say_warning(f"There is no certificate of this. {why}")
        return 0
    return size


def _day(given: Inputs) -> str:
    """When the indexes were read, or recorded."""
    if given.snapshot is None:
        return datetime.now(UTC).date().isoformat()
    from satlock.corpora.recorded.snapshot import SnapshotCorpus

    return SnapshotCorpus(given.snapshot).recorded[:10]
