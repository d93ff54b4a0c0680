"""Requirements and Requires-Python as package metadata spells them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from satlock.encoder.markers.specifiers import parse_requirement, python_lower_bounds
from satlock.encoder.markers.structure import Marker, without_extra


def test_a_requirement_is_normalised_and_keeps_its_text():
    requirement = parse_requirement("Foo.Bar[B_b, a] (>=1) ; extra == 'X_y'", "foo 1.0")
    assert (requirement.name, requirement.extras, str(requirement.specifier)) == ("foo-bar", ("a", "b-b"), ">=1")
    assert str(requirement.marker) == 'extra == "x-y"'
    assert (requirement.text, requirement.origin) == ("Foo.Bar[B_b, a] (>=1) ; extra == 'X_y'", "foo 1.0")


@pytest.mark.parametrize(
    ("text", "specifier"),
    [
        ("a2>=7.2.0<8.0.0", ">=7.2.0,<8.0.0"),
        ("a (>=7.2.0<8.0.0)", ">=7.2.0,<8.0.0"),
        ("a (!=~5.0,>=4.12)", "!=5.0.*,>=4.12"),
        ("a (>=1.9.*)", ">=1.9"),
        ("a>=2.7,!=3.0*,!=3.1*", ">=2.7,!=3.0.*,!=3.1.*"),
        ("a >=3.6,", ">=3.6"),
        ("a (>=3.6,)", ">=3.6"),
        ("a>=1.3.0,<1.4.0',", ">=1.3.0,<1.4.0"),
        ("a>dev", ">0.0.0dev"),
        ("a>=9.0.0a1.0", ">=9.0.0a1"),
        ('\'a\' >=1.19"; python_version >= "3.7"', ">=1.19"),
    ],
)
def test_legacy_spellings_are_repaired(text, specifier):
    requirement = parse_requirement(text, "")
    assert requirement.name in ("a", "a2")
    assert requirement.specifier == SpecifierSet(specifier)
    assert (requirement.marker is not None) == ("python_version" in text)


@pytest.mark.parametrize("text", ["", "a b", "a (1.0)", "a>=1 # why", "a[b>=1", "a>=" + "9" * 2000, "a; " + "(" * 9999])
def test_what_cannot_be_repaired_is_a_value_error(text):
    for _ in range(2):
        with pytest.raises(ValueError):
            parse_requirement(text, "")


@given(st.text(alphabet="ab1.,<>=!~* ()[];@'\"", max_size=20) | st.text(max_size=20))
def test_any_requirement_is_read_or_a_value_error(text):
    try:
        requirement = parse_requirement(text, "")
    except ValueError:
        return
    assert SpecifierSet(str(requirement.specifier)) == requirement.specifier


@pytest.mark.parametrize(
    ("specifier", "bounds"),
    [
        ("", ""),
        (" ", ""),
        ("<4", ""),
        (">=3.6.*", ">=3.6"),
        (">=3.6.x", ">=3.6"),
        (">3.6", ">3.6"),
        (">=3.7,<4.0'", ">=3.7"),
        ("~=3.9", ">=3.9"),
        ("~=3.9.1", ">=3.9.1"),
        ("==3.9.*", ">=3.9"),
        ("===3.9", ">=3.9"),
        (">=3.6<4", ">=3.6"),
        (">=3.6,", ">=3.6"),
        ("=>3.6", ">=3.6"),
        ("Python >= 3.6", ">=3.6"),
        (">=3.6.0", ">=3.6"),
        (">=3.10", ">=3.10"),
        (">=3,>=3.7,>3.7", ">3.7"),
        (">=2.7, !=3.0.*, !=3.1*, !=~3.2", "!=3.0.*,!=3.1.*,!=3.2.*,>=2.7"),
        (">=3.6, !=3.0.*, !=3.5.*, !=3.5.2", ">=3.6"),
        (">=3.8,!=3.9.7,<3.12", ">=3.8"),
        (">=3.8,!=3.9.*,<3.12", "!=3.9.*,>=3.8"),
        (">=3.10,!=3.15", ">=3.10"),
        (">=3.8,!=3.8", ">=3.8"),
        (">=3.8.0rc1", ">=3.8rc1"),
        (">=3.6+local", ">=3.6"),
        ("!=3.0a1.*,>=2.7", "!=3.0.*,>=2.7"),
        ("3.6", None),
        ("none", None),
        (">=3.6 || <2", None),
        (">=" + "9" * 5000, None),
    ],
)
def test_python_lower_bounds(specifier, bounds):
    assert python_lower_bounds(specifier) == bounds


@given(st.text(alphabet="123.,<>=!~*arc+ ", max_size=24) | st.text(max_size=12))
def test_any_requires_python_is_read_or_none(specifier):
    bounds = python_lower_bounds(specifier)
    assert bounds is None or python_lower_bounds(bounds) == bounds == str(SpecifierSet(bounds))


CLAUSES = st.tuples(st.sampled_from([">=", ">", "!=", "<", "<="]), st.integers(0, 8), st.booleans()).map(
    lambda parts: f"{parts[0]}3.{parts[1]}" + (".*" if parts[0] == "!=" and parts[2] else "")
)


@given(st.lists(CLAUSES, max_size=5), st.integers(0, 9), st.integers(0, 2))
def test_the_bounds_admit_exactly_what_is_not_above(clauses, minor, micro):
    """For a Python within the upper bounds, the bounds say the same as the specifier without excluded releases."""
    clauses = [clause for clause in clauses if not clause.startswith("!=") or clause.endswith(".*")]
    specifier = SpecifierSet(",".join(clauses))
    upper = SpecifierSet(",".join(clause for clause in clauses if clause.startswith("<")))
    python = Version(f"3.{minor}.{micro}")
    bounds = SpecifierSet(python_lower_bounds(str(specifier)) or "")
    if python in upper:
        assert (python in bounds) == (python in specifier)


@pytest.mark.parametrize(
    ("marker", "extra", "rest"),
    [
        ("extra == 'x'", "x", None),
        ("os_name == 'nt'", "", "os_name == 'nt'"),
        ("os_name == 'nt' and extra == 'x'", "x", "os_name == 'nt'"),
        ("extra == 'x' and os_name == 'nt'", "x", "os_name == 'nt'"),
        ("(os_name == 'nt' or os_name == 'posix') and extra == 'x'", "x", "os_name == 'nt' or os_name == 'posix'"),
        (
            "(os_name == 'a' or os_name == 'b') and (sys_platform == 'a' or sys_platform == 'b') and extra == 'x'",
            "x",
            "(os_name == 'a' or os_name == 'b') and (sys_platform == 'a' or sys_platform == 'b')",
        ),
        ("os_name == 'a' or os_name == 'b' and extra == 'x'", "", "os_name == 'a' or os_name == 'b' and extra == 'x'"),
        ("extra == 'x' and extra == 'y'", "", "extra == 'x' and extra == 'y'"),
    ],
)
def test_the_extra_that_lists_a_requirement(marker: str, extra: str, rest: str | None) -> None:
    found, kept = without_extra(Marker(marker))
    assert (found, kept and str(kept)) == (extra, rest and str(Marker(rest)))
