"""Who keeps a package from its newest release: the words of each kind, to the letter."""

from __future__ import annotations

from typing import get_args

import pytest

from satlock.corpora.references import UrlReference
from satlock.encoder.formula.reasons import LeftOut, NeedsPython, NoFile, NotHad
from satlock.encoder.project.project import Choice
from satlock.solver.explaining.holders import (
    BroughtIn,
    Constrained,
    Divided,
    GivenUp,
    Holder,
    NoCandidate,
    NotRead,
    NotServing,
    Older,
    Oldest,
    Release,
    Requires,
    Whole,
)
from satlock.solver.explaining.wording.holders import told

WORDS: list[tuple[Holder, str, str]] = [
    (Requires(None, "a", (), "<2", None), "the project", "a<2"),
    (Requires(Choice("extra", "x"), "a", ("b", "c"), "<2", None), "extra 'x'", "a[b,c]<2"),
    (Requires(Release("web", "1"), "a", (), "", UrlReference("x:a")), "web 1", "a from x:a"),
    (Older(Release("b", "3")), "b 3", "b would have to be older"),
    (GivenUp("installs", None), "the environments", "it would have no file for some of them"),
    (GivenUp("extras", "b"), "the extras that are asked for", "b would lack some of them"),
    (GivenUp("escapes", "b"), "what newer releases exclude", "b would be from before its authors said so"),
    (BroughtIn("b"), "b", "it would be brought in"),
    (Divided("b"), "b", "it would need several candidates"),
    (NotServing(NeedsPython(">=3.12")), "the environments", "it is for Python >=3.12 only"),
    (NotServing(NoFile.REQUIRED), "the environments", "it would have no file for some of them"),
    (Constrained("a<2"), "the project's constraints", "a<2"),
    (Oldest("lowest"), "the objective lowest", "it takes the oldest that fits"),
    (Whole.KEPT, "the lock that is there", "it is kept to"),
    (Whole.SUMS, "the whole lock", "a newer one would make more of the others older"),
    (
        NoCandidate(LeftOut.TOO_NEW, by_settings=True),
        "the project's settings",
        "it was uploaded after the exclude-newer date",
    ),
    (NoCandidate(LeftOut.NO_FILE, by_settings=False), "the release", "it has no file"),
    (NoCandidate(NotHad("gone"), by_settings=False), "the release", "it cannot be had: gone"),
    (NotRead("cannot be read"), "the release", "it cannot be read"),
    (NotRead(None), "the release", "only a build tells what it requires"),
]


@pytest.mark.parametrize(("holder", "by", "requirement"), WORDS)
def test_a_holder_in_words(holder: Holder, by: str, requirement: str) -> None:
    assert told(holder) == (by, requirement)


def test_every_kind_is_here() -> None:
    assert {type(holder) for holder, *_ in WORDS} == set(get_args(Holder))
