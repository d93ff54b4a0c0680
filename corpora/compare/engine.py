"""Running all cases: on the cores of this machine, or on a cluster; what was done before is not done again."""

from __future__ import annotations

import json
import math
import multiprocessing
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

from satlock.corpora.compare.cases import Case, Suite
from satlock.corpora.compare.running import end_all
from satlock.corpora.compare.trial import Plan, key_of, run_case

__all__ = ["Told", "compare_all"]

Told = Callable[[str, int, int], None]
"""What was just finished, how many are, and of how many."""


def compare_all(
    plan: Plan,
    suite: Suite,
    output: Path,
    *,
    jobs: int,
    scheduler: str | None = None,
    minutes: float | None = None,
    told: Told = lambda name, done, of: None,
) -> list[dict[str, Any]]:
    """The results of all cases, in their order; each is also kept in ``output/cases/NAME.json`` once it is there.

    Args:
        jobs: how many cases run at once on this machine.
        minutes: after which no more cases are begun on this machine; those that are not done are left out.
        scheduler: address of a dask.distributed scheduler whose workers run the cases instead.
    """
    folder = output / "cases"
    folder.mkdir(parents=True, exist_ok=True)
    keys = {case.name: key_of(plan, case, world.digest) for case, world in suite}
    results = {}
    for case, _ in suite:
        before = _read(folder / f"{case.name}.json")
        if before is not None and before.get("key") == keys[case.name]:
            results[case.name] = before
    told("", len(results), len(suite))
    work = [(plan, case, world.content, keys[case.name]) for case, world in suite if case.name not in results]
    finished = _on_cluster(work, scheduler) if scheduler else _on_this_machine(work, jobs, minutes)
    for result in finished:
        name = result["case"]["name"]
        results[name] = result
        _write(folder / f"{name}.json", result)
        told(name, len(results), len(suite))
    return [results[case.name] for case, _ in suite if case.name in results]


_Work = tuple[Plan, Case, bytes, str]


def _on_this_machine(work: Sequence[_Work], jobs: int, minutes: float | None) -> Iterator[dict[str, Any]]:
    """In processes, so that one that dies takes nothing else with it; its case is tried once more, alone."""
    context = multiprocessing.get_context("spawn")
    lost: list[_Work] = []
    end = math.inf if minutes is None else time.monotonic() + 60 * minutes
    with ProcessPoolExecutor(max(1, jobs), mp_context=context, initializer=_end_with, initargs=(os.getpid(),)) as pool:
        pending = {pool.submit(run_case, *one): one for one in work}
        for future in as_completed(pending):
            if time.monotonic() > end:
                for other in pending:
                    other.cancel()
            if future.cancelled():
                continue
            try:
                yield future.result()
            except BrokenProcessPool:
                lost.append(pending[future])
    for one in lost:
        with ProcessPoolExecutor(1, mp_context=context) as pool:
            try:
                yield pool.submit(run_case, *one).result()
            except BrokenProcessPool:
                yield _died(one)


def _end_with(parent: int) -> None:
    """Ends this process, and what it runs, when the one that started it is gone, even if that was killed."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        end_all()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _on_cluster(work: Sequence[_Work], scheduler: str) -> Iterator[dict[str, Any]]:
    import distributed

    client_of: Any = distributed.Client
    completed: Any = distributed.as_completed
    with client_of(scheduler) as client:
        contents = {content for _, _, content, _ in work}
        shared = {content: client.scatter(content, broadcast=True) for content in contents}
        pending = {client.submit(run_case, plan, case, shared[content], key, pure=False): (plan, case, b"", key)
                   for plan, case, content, key in work}  # fmt: skip
        for future in completed(list(pending)):
            yield future.result() if future.status == "finished" else _died(pending[future])


def _died(work: _Work) -> dict[str, Any]:
    from dataclasses import asdict

    return {"key": "", "case": asdict(work[1]), "runs": [], "peers": {}, "error": "the process that ran it died"}


def _read(path: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _write(path: Path, result: dict[str, Any]) -> None:
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(result, file, indent=1, sort_keys=True)
    os.replace(temporary, path)
