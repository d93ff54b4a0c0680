"""Which tests the quick part leaves out: those that ``slow.txt`` names as measured, and those marked by hand.

    SATLOCK_TIMES=times.tsv uv run pytest -n auto     # notes what each test takes
    uv run python -m tests.slow times.tsv             # writes slow.txt from that

Processor time is what counts, with that of the processes that a test starts: it hardly depends on what else runs.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LIMIT = 2.0
"""Seconds of processor time of a slow test, all its parameters together."""
_LIST = Path(__file__).with_name("slow.txt")


def named() -> frozenset[str]:
    return frozenset(_LIST.read_text("utf-8").split())


def test_of(node: str) -> str:
    """The test that an item is of, without its parameters."""
    return node.partition("[")[0]


@contextmanager
def timed(node: str) -> Iterator[None]:
    """Notes the processor time of an item, where that is asked for."""
    path, before = os.environ.get("SATLOCK_TIMES"), sum(os.times()[:4])
    yield
    if path:
        with open(path, "a", encoding="utf-8") as file:
            file.write(f"{sum(os.times()[:4]) - before:.2f}\t{node}\n")


def main(paths: list[str]) -> None:
    spent: Counter[str] = Counter()
    for path in paths:
        for line in Path(path).read_text("utf-8").splitlines():
            seconds, _, node = line.partition("\t")
            spent[test_of(node)] += float(seconds)  # type: ignore[assignment]
    slow = sorted(test for test, seconds in spent.items() if seconds > LIMIT)
    _LIST.write_text("".join(f"{test}\n" for test in slow), encoding="utf-8")
    print(
        f"{len(slow)} of {len(spent)} tests take {sum(spent[test] for test in slow):.0f} of {sum(spent.values()):.0f} s"
    )


if __name__ == "__main__":
    main(sys.argv[1:])
