"""Projects made by structure, locked by the real uv and by satlock: uv takes satlock's lock for its own.

SATLOCK_NIGHTLY=1 python -m pytest -rP tests/uvlock/test_beside_uv.py     # 400 projects in place of 48

``-rP`` prints for each batch what was compared, and where something is newer than in uv's lock.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.index_server import IndexServer
from tests.uvlock.beside import FEWEST, SCOPED, Tally, Verdict, agrees, judged, pair_of, server
from tests.uvlock.projects import SECOND, small_project

__all__ = ["server"]

needs_uv = pytest.mark.skipif(shutil.which("uv") is None, reason="uv is not installed")

BATCHES = 8
COUNT = 400 if os.environ.get("SATLOCK_NIGHTLY") else 48


@needs_uv
@pytest.mark.slow
@pytest.mark.parametrize("batch", range(BATCHES))
def test_uv_takes_the_lock_for_its_own(server: IndexServer, tmp_path: Path, batch: int) -> None:
    tally = Tally()
    for seed in range(batch, COUNT, BATCHES):
        agrees(pair_of(server, tmp_path / str(seed), small_project(seed, server.url(SECOND))), seed, tally)
    print(tally)
    assert tally.locked and tally.installed, f"nothing was compared: {tally}"


def test_what_differs_is_told() -> None:
    """The judge itself: a newer version passes and is named; an older one, another build and another package fail."""
    assert judged({"alpha": "2.0"}, {"alpha": "2.0"}, "", {}) == Verdict([], [])
    newer = judged({"alpha": "10.0", "beta": "1"}, {"alpha": "2.0", "beta": "1"}, "", {})
    assert newer == Verdict(["alpha 10.0, not 2.0"], [])
    brings = {"gamma": "1.0", "beta": "2.0", "alpha": "3.0", "delta": "1.1"}
    assert judged({"gamma": "2.0", "beta": "2.0", "alpha": "3.0"}, brings, "", {}).newer == ["gamma 2.0, not 1.0"]
    for mine, peer, said in (
        ({"alpha": "1.0"}, {"alpha": "2.0"}, "an older alpha"),
        ({"alpha": "2.0", "beta": "1.0"}, {"alpha": "1.0", "beta": "2.0"}, "an older beta"),
        ({"engine": "2.0+second"}, {"engine": "1.0"}, "another build of engine"),
        ({"engine": "2.0"}, {"engine": "2.0+second"}, "another build of engine"),
        ({"alpha": "1.0"}, {"alpha": "1.0", "beta": "1.0"}, "another package"),
        ({"alpha": "2.0", "delta": "1.0"}, {"alpha": "1.0"}, "another package"),
    ):
        with pytest.raises(AssertionError, match=said):
            judged(mine, peer, "", {})
        if "package" not in said:
            assert "why" in judged(mine, peer, "", {said: "why"}).excused[0]


@needs_uv
@pytest.mark.slow
@pytest.mark.parametrize(("seed", "reason"), [(88, SCOPED), (102, FEWEST)])
def test_each_reason_has_a_project(server: IndexServer, tmp_path: Path, seed: int, reason: str) -> None:
    tally = Tally()
    project = small_project(seed, server.url(SECOND))
    assert agrees(pair_of(server, tmp_path / "both", project), seed, tally)
    assert tally.excused and all(reason in one for one in tally.excused), str(tally)
