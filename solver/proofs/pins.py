"""The property *index-pins*: wherever a pin of the project is in scope, the package comes from its index."""

from __future__ import annotations

from satlock.solver.lockfiles.model import Condition, Entry, Lockfile
from satlock.solver.lockfiles.project import in_scope
from satlock.solver.lockfiles.reading import Reading
from satlock.solver.proofs.further import condition_comparisons, prove_entries, with_note
from satlock.solver.proofs.obligation import Obligation
from satlock.solver.proofs.unique import Answer, Proof
from satlock.solver.proofs.walk import Point, holds

__all__ = ["prove_index_pins"]


def prove_index_pins(reading: Reading) -> Proof:
    """Decides for each pinned package whether an environment in the scope of a pin installs it from elsewhere.

    A pin that is scoped to an extra or a group is in scope where that was chosen.
    """
    lockfile = reading.lockfile
    named = lockfile.named()
    pins: dict[str, list[tuple[int, str, Condition]]] = {}
    for pin in reading.project.pins:
        scope = in_scope(pin, lockfile.switches, lockfile.kind == "pdm")
        if scope is not None and pin.name in named:
            pins.setdefault(pin.name, []).append((pin.number, pin.url, scope))
    pins = dict(sorted(pins.items()))

    def against(entry: Entry) -> list[tuple[int, str, Condition]]:
        words = entry.source.split(" ")
        index = words[1].rstrip("/") if len(words) > 1 else ""
        return [pin for pin in pins[entry.name] if pin[1] != index]

    def say(obligation: Obligation, entry: Entry, wrong: int) -> None:
        broken = against(entry)
        obligation.add((-wrong, *(obligation.variable(f"wrong entry {entry.number} pin {k}") for k, _, _ in broken)))
        for number, _, scope in broken:
            name = f"wrong entry {entry.number} pin {number}"
            obligation.imply((-obligation.variable(name),), scope, name)

    def confirms(entry: Entry, point: Point) -> bool:
        return any(holds(scope, point, point.switches.__contains__) for _, _, scope in against(entry))

    def note(lockfile: Lockfile, answer: Answer) -> str:
        assert answer.point is not None
        point = answer.point
        urls = [url for e in answer.reached for _, url, scope in against(e)
                if holds(scope, point, point.switches.__contains__)]  # fmt: skip
        return f"the project pins it to {urls[0]} there"

    proof = prove_entries(
        reading,
        "index-pins",
        {name: [entry for entry in named[name] if against(entry)] for name in pins},
        condition_comparisons(scope for own in pins.values() for _, _, scope in own),
        say,
        confirms=confirms,
    )
    return with_note(proof, note)
