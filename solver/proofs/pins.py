"""The property *index-pins*: wherever a pin of the project is in scope, the package comes from its index.

And nothing comes from an index that the project calls explicit where no pin to it is in scope.
"""

from __future__ import annotations

from satlock.corpora.index.address import without_credentials
from satlock.records import dataclass, field
from satlock.solver.lockfiles.model import NEVER, Condition, Entry, Lockfile, LockfileError, any_of
from satlock.solver.lockfiles.project import in_scope
from satlock.solver.lockfiles.reading import Reading
from satlock.solver.proofs.further import condition_comparisons, prove_entries, with_note
from satlock.solver.proofs.obligation import Obligation, opposite
from satlock.solver.proofs.unique import Answer, Proof, refuse_followed
from satlock.solver.proofs.walk import Here, holds

__all__ = ["prove_index_pins"]


@dataclass(frozen=True)
class _Pins:
    """Where the project has its packages come from."""

    of: dict[str, list[tuple[int, str, Condition]]] = field(default_factory=dict)
    """By name: the number of each pin, its address, and where it is in scope."""
    explicit: frozenset[str] = frozenset()
    """Addresses of the indexes that serve only what is pinned to them."""

    def against(self, entry: Entry) -> list[tuple[int, str, Condition]]:
        """The pins that send the entry's name to another index."""
        return [pin for pin in self.of.get(entry.name, ()) if pin[1] != entry.source.address]

    def asked(self, entry: Entry) -> Condition | None:
        """Where a pin asks for the explicit index that an entry comes from; None where it comes from no such."""
        if entry.source.address not in self.explicit:
            return None
        return any_of(*(scope for _, url, scope in self.of.get(entry.name, ()) if url == entry.source.address))


def prove_index_pins(reading: Reading) -> Proof:
    """Decides for each package that is pinned, or comes from an explicit index, whether an environment installs it
    from where it should not come from.

    A pin that is scoped to an extra or a group is in scope where that is in force: chosen, or brought along.
    """
    refuse_followed(reading, "--index-pins")
    lockfile = reading.lockfile
    named = lockfile.named()
    pins = _pins_of(reading)
    names = sorted(
        {*pins.of, *(entry.name for entry in lockfile.entries if entry.source.address in pins.explicit)} & named.keys()
    )

    def say(obligation: Obligation, entry: Entry, wrong: int) -> None:
        broken = [(f"wrong entry {entry.number} pin {k}", scope) for k, _, scope in pins.against(entry)]
        asked = pins.asked(entry)
        if asked is not None:
            broken.append((f"wrong entry {entry.number} explicit", opposite(asked)))
        obligation.add((-wrong, *(obligation.variable(name) for name, _ in broken)))
        for name, scope in broken:
            obligation.imply((-obligation.variable(name),), scope, name)

    def confirms(entry: Entry, here: Here) -> bool:
        asked = pins.asked(entry)
        return any(holds(scope, here, here.on) for _, _, scope in pins.against(entry)) or (
            asked is not None and not holds(asked, here, here.on)
        )

    def note(lockfile: Lockfile, answer: Answer) -> str:
        assert answer.point is not None
        point = answer.point
        urls = [url for e in answer.reached for _, url, scope in pins.against(e)
                if holds(scope, point, point.on)]  # fmt: skip
        if urls:
            return f"the project pins it to {urls[0]} there"
        return f"the index {answer.reached[0].source.address} is explicit, and nothing pins it to that there"

    proof = prove_entries(
        reading,
        "index-pins",
        {name: [e for e in named[name] if pins.against(e) or pins.asked(e) is not None] for name in names},
        condition_comparisons(scope for name in names for _, _, scope in pins.of.get(name, ())),
        say,
        confirms=confirms,
    )
    return with_note(proof, note)


def _pins_of(reading: Reading) -> _Pins:
    lockfile = reading.lockfile
    if reading.project.unknown_index:
        raise LockfileError(
            f"{reading.project.unknown_index} names an index that the file does not declare, so nobody can tell where "
            "it sends the package; declare it in [[tool.uv.index]]."
        )
    found: dict[str, list[tuple[int, str, Condition]]] = {}
    for pin in reading.project.pins:
        scope = in_scope(pin, reading.project, lockfile.switches, lockfile.kind)
        if scope != NEVER:
            found.setdefault(pin.name, []).append((pin.number, pin.url, scope))
    explicit = (index.url for index in reading.project.indexes if index.explicit)
    return _Pins(found, frozenset(without_credentials(url).rstrip("/") for url in explicit))
