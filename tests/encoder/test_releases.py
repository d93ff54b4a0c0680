"""``requires-python`` in uv's words. uv 0.13.9 wrote each of these into a lock."""

from __future__ import annotations

import pytest
from packaging.specifiers import SpecifierSet

from satlock.encoder.markers.releases import release_ranges, spelled_by_uv


@pytest.mark.parametrize(
    ("said", "spelled"),
    [
        (">=3.12,<3.13", "==3.12.*"),
        (">=3.11.0,<3.12.0", "==3.11.*"),
        ("~=3.11", ">=3.11,<4"),
        ("~=3.11.2", ">=3.11.2,<3.12"),
        ("==3.*,>=3.9", ">=3.9,<4"),
        (">=3.10rc1", ">=3.10"),
        (">=3.9,>=3.10", ">=3.10"),
        (">=3.9.0,<4.0", ">=3.9.0,<4.0"),
        (">=3.10,!=3.11", ">=3.10,!=3.11"),
        (">=3.9,!=3.11.*,<3.14", ">=3.9,!=3.11.*,<3.14"),
        (">=3,!=3.0.*,!=3.1.*", ">=3.2"),
        (">=2.7,!=3.0.*,!=3.1.*", ">=2.7,!=3.0.*,!=3.1.*"),
        ("<=3.12,>=3.10", ">=3.10,<=3.12"),
        ("==3.12.1", "==3.12.1"),
        (">3.10.0", ">3.10.0"),
        ("<3.14", "<3.14"),
    ],
)
def test_each_set_of_pythons_has_one_spelling(said: str, spelled: str) -> None:
    asked, told = SpecifierSet(said), SpecifierSet(spelled)
    assert spelled_by_uv(asked) == told
    assert release_ranges(asked) == release_ranges(told)


def test_ranges_are_those_of_the_releases() -> None:
    """Two sets of specifiers have the same ranges where they admit the same releases, and only there."""
    texts = [">=3.9", ">3.9", ">=3.9,<3.11", "~=3.9", "~=3.9.1", "==3.10.*", "!=3.10.*", "!=3.10", "<3.11", "<=3.11"]
    releases = [f"{major}.{minor}.{patch}" for major in (2, 3, 4) for minor in range(14) for patch in range(3)]
    sets = [SpecifierSet(f"{one},{other}") for one in texts for other in texts]
    admitted = [tuple(release for release in releases if release in one) for one in sets]
    for one, mine in zip(sets, admitted, strict=True):
        for other, theirs in zip(sets, admitted, strict=True):
            assert (release_ranges(one) == release_ranges(other)) == (mine == theirs), (one, other)
