"""Markers of the usual form are read without ``packaging``, and mean and read what it makes of them."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging import markers
from packaging.utils import canonicalize_name as normalised

from satlock.corpora.names import canonicalize_name
from satlock.encoder.markers import structure
from satlock.encoder.markers.structure import Marker

_VARIABLES = st.sampled_from((
    "python_version", "python_full_version", "sys_platform", "os_name", "os.name", "platform_machine", "extra",
    "platform.version", "python_implementation", "platform_python_implementation", "extras", "dependency_groups",
    "implementation_version", "platform_release", "nonsense",
))  # fmt: skip
_OPERATORS = st.sampled_from(("==", "!=", "<", "<=", ">", ">=", "~=", "===", "in", "not in", "not  in", "=", "is"))
_SPACES = st.sampled_from(("", " ", "\t", "  "))
_TEXTS = st.sampled_from(("3.8", "linux", "", "a b", "Foo_Bar", "foo--bar", "foo-bar", "-", "\\x41", "é", "it's"))


@st.composite
def _constants(draw: st.DrawFn) -> str:
    quote = draw(st.sampled_from("'\""))
    return f"{quote}{draw(_TEXTS)}{quote}"


@st.composite
def _comparisons(draw: st.DrawFn) -> str:
    sides = draw(
        st.sampled_from(((_VARIABLES, _constants()), (_constants(), _VARIABLES), (_constants(), _constants())))
    )
    return draw(sides[0]) + draw(_SPACES) + draw(_OPERATORS) + draw(_SPACES) + draw(sides[1])


@st.composite
def _texts(draw: st.DrawFn) -> str:
    """Markers, and what is nearly one."""
    parts = st.one_of(
        _comparisons(), st.sampled_from(("(", ")", "and", "or", "", "((", "))", " and ", " or ")), st.text(max_size=2)
    )
    whole = st.recursive(
        _comparisons(),
        lambda inner: st.one_of(
            st.builds("{} {} {}".format, inner, st.sampled_from(("and", "or")), inner), st.builds("({})".format, inner)
        ),
        max_leaves=6,
    )
    return draw(st.one_of(whole, whole, whole, st.lists(parts, max_size=5).map("".join)))


def _of_packaging(text: str) -> str | None:
    try:
        return str(markers.Marker(text))
    except ValueError:
        return None


@given(_texts())
def test_a_marker_reads_as_in_packaging(text: str) -> None:
    expected = _of_packaging(text)
    if expected is None:
        with pytest.raises(ValueError, match=r"."):
            Marker(text)
        return
    found = Marker(text)
    assert str(found) == expected
    assert found == Marker(expected)
    assert hash(found) == hash(Marker(expected))


@given(_texts())
def test_what_is_read_here_has_the_structure_that_packaging_gives_it(text: str) -> None:
    items = structure._read(text)
    if items is not None:
        assert items == list(structure._converted(markers.Marker(text)._markers))


@given(_texts(), _texts())
def test_two_markers_joined_hold_where_both_do(one: str, other: str) -> None:
    if _of_packaging(one) is None or _of_packaging(other) is None:
        return
    expected = Marker(str(markers.Marker(f"({one}) and ({other})")))
    joined = Marker(one) & Marker(other)
    for values in range(16):

        def asked(comparison: structure.Asked, values: int = values) -> bool:
            return bool(values >> (hash(comparison) % 4) & 1)

        assert structure.folded(joined, asked, all, any) == structure.folded(expected, asked, all, any)


@pytest.mark.parametrize("text", [
    "python_version < '3.8'", 'extra == "socks"', "sys_platform == 'win32' and extra == 'a-b'",
    "(python_version>='3.9' or os_name != 'nt') and 'linux' in sys_platform", "python_version not in '3.0, 3.1'",
])  # fmt: skip
def test_the_usual_forms_are_read_here(text: str) -> None:
    assert structure._read(text) is not None


def test_the_usual_forms_need_no_parser_of_packaging() -> None:
    code = (
        "import sys; from satlock.encoder.markers.specifiers import parse_requirement as read;"
        "read('a[b]>=1,<2; python_version < \"3.8\" and extra == \"x\"', '');"
        "print([name for name in ('packaging.markers', 'packaging.utils') if name in sys.modules])"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"


@given(st.text(alphabet="abAZ09._-é ", max_size=12))
def test_names_are_normalised_as_in_packaging(name: str) -> None:
    assert canonicalize_name(name) == normalised(name)
