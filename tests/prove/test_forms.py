"""JSON of another form than it has to be is told in one sentence: the file, the place in it, and what belongs there."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from satlock.solver.checking.certificate import Bad, NotGiven, check_certificate
from tests.prove.scenes import SCENES, edit, sign

WRONG = (None, 7, True, "x", [], [7], [[]], {}, {"x": 7}, 1.5)


def _places(value: Any, depth: int = 0) -> Iterator[tuple[Any, ...]]:
    """Every place in a table, but of many alike the first two."""
    yield ()
    if depth < 6:
        listed = list(enumerate(value[:2])) if isinstance(value, list) else []
        for key, inner in list(value.items())[:40] if isinstance(value, dict) else listed:
            for place in _places(inner, depth + 1):
                yield (key, *place)


def _put(words: Any, place: tuple[Any, ...], new: object) -> None:
    for key in place[:-1]:
        words = words[key]
    words[place[-1]] = new


@pytest.fixture(scope="module", params=["complete", "whole", "no_lock"])
def scene(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp(request.param)
    SCENES[request.param](folder)
    return folder


def test_no_form_ends_in_the_words_of_python(scene: Path) -> None:
    changed = 0
    for path in sorted(scene.glob("c/**/*.json")):
        text = path.read_text()
        places = [place for place in _places(json.loads(text)) if place and path.name != "legend.json"]
        for number, place in enumerate(places):
            path.write_text(text)
            new = WRONG[number % len(WRONG)]
            edit(path, lambda words, place=place, new=new: _put(words, place, new))  # type: ignore[misc]
            if path.name != "manifest.json":
                sign(scene / "c")
            try:
                check_certificate(scene / "c")
            except (Bad, NotGiven) as refusal:
                assert "is broken" not in str(refusal), (path.name, place, new)
                changed += 1
        path.write_text(text)
        sign(scene / "c")
    assert changed > 50


@pytest.mark.parametrize(
    ("file", "change", "told"),
    [
        ("complete/metadata.json", lambda w: w["owners"]["1"].update({"requires-dist": 7}),
         "owners.1.requires-dist in the certificate's complete/metadata.json is not a list, as it has to be"),
        ("complete/metadata.json", lambda w: w["owners"]["1"].pop("from"),
         "owners.1.from in the certificate's complete/metadata.json is missing"),
        ("complete/obligation.json", lambda w: w.update({"claims": []}),
         "claims in the certificate's complete/obligation.json is not a table, as it has to be"),
        ("complete/obligation.json", lambda w: w["claims"].update({"a\n": 1}),
         r"claims.'a\n' in the certificate's complete/obligation.json is not a list, as it has to be"),
        ("manifest.json", lambda w: w.update({"files": None}),
         "files in the certificate's manifest.json is not a table, as it has to be"),
    ],
)  # fmt: skip
def test_the_sentence(tmp_path: Path, file: str, change: Callable[[Any], object], told: str) -> None:
    SCENES["complete"](tmp_path)
    edit(tmp_path / "c" / file, change)
    if file != "manifest.json":
        sign(tmp_path / "c")
    with pytest.raises(Bad) as refusal:
        check_certificate(tmp_path / "c")
    assert str(refusal.value) == told
