"""No forged certificate is confirmed, and none keeps whoever checks it waiting."""

from __future__ import annotations

import shutil
import time
from collections import Counter
from pathlib import Path

import pytest

from satlock.solver.checking.certificate import Bad, NotGiven, check_certificate
from tests.prove.forgeries import FORGERIES, Forgery, Given
from tests.prove.scenes import SCENES


@pytest.fixture(scope="session")
def honest(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The folder of each scene, with its certificate in ``c``."""
    found = {name: tmp_path_factory.mktemp(name) for name in SCENES}
    for name, folder in found.items():
        SCENES[name](folder)
    return found


@pytest.mark.parametrize("scene", SCENES)
def test_the_honest_ones_hold(scene: str, honest: dict[str, Path]) -> None:
    assert check_certificate(honest[scene] / "c").properties


def test_there_are_many_of_many_kinds() -> None:
    kinds = Counter(forgery.kind for forgery in FORGERIES)
    assert len(FORGERIES) >= 100 and len(kinds) >= 12
    assert len({(forgery.kind, forgery.scene, forgery.what) for forgery in FORGERIES}) == len(FORGERIES)


@pytest.mark.parametrize("forgery", FORGERIES, ids=lambda forgery: f"{forgery.kind}: {forgery.what} ({forgery.scene})")
def test_it_is_refused(forgery: Forgery, honest: dict[str, Path], tmp_path: Path) -> None:
    folder = tmp_path / "scene"
    shutil.copytree(honest[forgery.scene], folder)
    given = forgery.forge(folder)
    lockfile, project = given if isinstance(given, Given) else Given()
    started = time.process_time()
    with pytest.raises((Bad, NotGiven)) as refusal:
        check_certificate(
            folder / "c",
            None if lockfile is None else folder / lockfile,
            None if project is None else folder / project,
        )
    assert len(str(refusal.value)) > 15
    assert time.process_time() - started < 5
