"""Requirements of the usual form, which are read without a parser, against ``packaging``'s parser."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from satlock.corpora.facts import Metadata
from satlock.corpora.recorded.snapshot import SnapshotCorpus
from satlock.encoder.markers.specifiers import _read_plainly

TORCH = Path(__file__).resolve().parents[2] / "corpora" / "torch" / "torch.snapshot"

names = st.sampled_from(
    ["a", "A_b", "a.b-c", "a-", ".a", "a2", "", "zope.interface", "a[x]", "a [x, Y_z]", "a[]", "a[x"]
)
CLAUSES = """
>=1
==1.*
!= 2.0
~=1.2
~=1
<2,
===1
>1.0+cpu
==1.0+cpu
>=1.0.*
1.0
<>1
>=v1
<=1!2
>=1,,<2
==1.0-1
>= 1 2
>=1.0a1
>=1..0
"""
MARKERS = """
;
; extra == 'x'
;python_version<'3.9'
; extra == "x" and os_name == "nt"
; nonsense
; 'a
; (extra == 'X_y')
; extra == 'x' ; os_name == 'nt'
; python_version in '3.8 3.9'
 # comment
"""
clauses = st.sampled_from(CLAUSES.splitlines())
markers = st.sampled_from(MARKERS.splitlines())


@st.composite
def lines(draw: st.DrawFn) -> str:
    versions = draw(st.sampled_from([",", " , ", " "])).join(draw(st.lists(clauses, max_size=3)))
    brackets = draw(st.sampled_from(["{}", " {}", "({})", " ( {} )", "({}"]))
    return draw(names) + brackets.format(versions) + draw(st.sampled_from(["", " "])) + draw(markers)


def agrees(line: str) -> bool:
    """Whether what is read plainly is what the parser reads; whether anything is."""
    plain = _read_plainly(line)
    if plain is None:
        return False
    parsed = Requirement(line)  # raises where only the plain reading takes it
    assert plain.name == canonicalize_name(parsed.name)
    assert plain.extras == tuple(sorted({canonicalize_name(extra) for extra in parsed.extras}))
    assert (str(plain.specifier), str(plain.marker)) == (str(parsed.specifier), str(parsed.marker))
    assert plain.url == parsed.url
    return True


@settings(max_examples=2000, deadline=None)
@given(lines())
def test_plain_reading_is_that_of_the_parser(line: str) -> None:
    agrees(line)


def test_nearly_all_recorded_requirements_are_plain() -> None:
    _, outcomes = SnapshotCorpus(TORCH).facts()
    found = {line for told in outcomes.values() if isinstance(told, Metadata) for line in told.requires_dist}
    assert sum(map(agrees, found)) > 0.99 * len(found) > 100
