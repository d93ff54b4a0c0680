"""Random changes of every file of certificates of every property: what is accepted claims no more than the honest one.

A certificate with a claim left out is one about fewer packages, and says so; and so is one with an environment less.
``SATLOCK_NIGHTLY=1`` makes ten times as many.
"""

from __future__ import annotations

import json
import os
import random
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from satlock.solver.checking.certificate import Bad, NotGiven, check_certificate
from tests.prove.scenes import SCENES, sign

NIGHTLY = bool(os.environ.get("SATLOCK_NIGHTLY"))
EACH = 600 if NIGHTLY else 60
"""Changes of each file."""


_OF_PROJECT = ("project.", "dependency-groups.", "tool.")


def _of_bytes(chance: random.Random, content: bytes) -> bytes:
    """A byte, a digit, a line, or a part that is elsewhere now."""
    place = chance.randrange(len(content))
    kind = chance.randrange(6)
    if kind == 0:
        return content[:place] + bytes([content[place] ^ (1 << chance.randrange(8))]) + content[place + 1 :]
    if kind == 1:
        digits = [i for i, byte in enumerate(content) if 48 <= byte < 58]
        place = chance.choice(digits or [place])
        return content[:place] + str(chance.randrange(10)).encode() + content[place + 1 :]
    lines = content.splitlines(keepends=True)
    one, other = chance.randrange(len(lines)), chance.randrange(len(lines))
    if kind == 2:
        del lines[one]
    elif kind == 3:
        lines.insert(other, lines[one])
    elif kind == 4:
        lines[one], lines[other] = lines[other], lines[one]
    else:
        return content[:place] + content[place + chance.randrange(1, 40) :]
    return b"".join(lines)


def _of_json(chance: random.Random, words: Any) -> Any:
    """A value that is another one, is not there, or is there twice."""
    here, parents = words, []
    while isinstance(here, dict | list) and here and (not parents or chance.random() < 0.9):
        key = chance.choice(list(here) if isinstance(here, dict) else range(len(here)))
        parents.append((here, key))
        here = here[key]
    if not parents:
        return [] if isinstance(words, dict) else {}
    parent, key = parents[-1]
    kind = chance.randrange(4)
    if kind == 0:
        del parent[key]
    elif kind == 1 and isinstance(parent, list):
        parent.insert(key, chance.choice(parent))
    elif kind == 1:
        parent[f"{key}x"] = here
    elif kind == 2:
        other = chance.choice(list(parent.values() if isinstance(parent, dict) else parent))
        parent[key] = other
    elif isinstance(here, str):
        place = chance.randrange(len(here) + 1)
        parent[key] = here[:place] + chance.choice("x1 .-'\"") + here[place + chance.randrange(2) :]
    elif isinstance(here, int):
        parent[key] = here + chance.choice((-1, 1))
    else:
        parent[key] = chance.choice((None, "", 0, [], {}))
    return words


def _claim(folder: Path) -> dict[str, Any]:
    """What is claimed: all that is printed, without the size of the proof, and without what is said to be trusted."""
    said = json.dumps(check_certificate(folder / "c").data()).replace(str(folder), ".")
    # In another micro release of the same Python all was checked as well: that is as good an environment.
    found: dict[str, Any] = json.loads(re.sub(r"(CPython \d+\.\d+)\.\d+ on", r"\1 on", said))
    for one in found["properties"]:
        del one["steps"], one["clauses"], one["all_packages"], one["left_out"], one["unproven"]
        for trusted in one["trusted"]:
            del trusted["recorded"]
        # What candidates say is taken on trust, to the letter, and told so; `--metadata online` compares it.
        for told in (one, *one["not_newer"]):
            told["facts"] = sorted(fact for fact in told["facts"] if fact.startswith(_OF_PROJECT))
        if one["property"] in ("optimality", "no-lock"):
            del one["trusted"]
    return found


def _claims_no_more(folder: Path, honest: dict[str, Any]) -> bool:
    found, known = _claim(folder), json.loads(json.dumps(honest))
    fewer = [
        set(mine.pop("packages")) <= set(other.pop("packages"))
        for mine, other in zip(found["properties"], known["properties"], strict=True)
    ]
    where = [
        set(mine.pop("environments")) <= set(other.pop("environments"))
        for one, known_one in zip(found["properties"], known["properties"], strict=True)
        for mine, other in zip(one["not_newer"], known_one["not_newer"], strict=True)
    ]
    # Metadata of which no digest is told any more is trusted all the same, and counted as not bound.
    bound = [
        mine.pop("bound") <= other.pop("bound")
        for one, known_one in zip(found["properties"], known["properties"], strict=True)
        for mine, other in zip(one.get("trusted", ()), known_one.get("trusted", ()), strict=False)
    ]
    return all(fewer) and all(where) and all(bound) and found == known


# All properties are in other scenes too; what they say of one another is tried by the list of forgeries.
@pytest.mark.parametrize("scene", [scene for scene in SCENES if NIGHTLY or scene != "whole"])
def test_what_is_accepted_claims_no_more(scene: str, tmp_path: Path) -> None:
    folder = tmp_path / "s"
    SCENES[scene](folder)
    honest = _claim(folder)
    kept = tmp_path / "kept"
    shutil.copytree(folder / "c", kept)
    chance = random.Random(scene)
    refused = accepted = 0
    for path in sorted(path for path in (folder / "c").rglob("*") if path.is_file()):
        content = path.read_bytes()
        for _ in range(EACH):
            if path.suffix == ".json" and chance.random() < 0.7:
                changed = json.dumps(_of_json(chance, json.loads(content))).encode()
                same = json.loads(changed) == json.loads(content)
            else:
                changed = _of_bytes(chance, content)
                same = changed == content
            path.write_bytes(changed)
            if path.name != "manifest.json":
                sign(folder / "c")
            try:
                assert _claims_no_more(folder, honest), f"{path.name} now says {changed[:2000]!r}"
                accepted += 1
            except (Bad, NotGiven) as error:
                assert not same, f"{path.name}: {error}"
                refused += 1
            path.write_bytes(content)
            shutil.copy(kept / "manifest.json", folder / "c" / "manifest.json")
    assert refused > 10 * EACH / 2
    assert accepted < refused / 4
