"""The order of platform_release and the like, against every value that may matter."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import InvalidVersion, Version

from satlock.encoder.markers.domain import Domain
from satlock.encoder.markers.marker import from_marker
from satlock.encoder.markers.ordered import compares, holds, questions, telling_values
from satlock.encoder.markers.shortest import Shortener
from satlock.encoder.markers.structure import Marker
from satlock.solver.checking import ordered as checking
from tests.encoder.test_domain import examples

TEXTS = (
    "20.0", "20", "20.1", "9.0", "21.6.0", "20.*", "21.6.*", "1!2.0", "20.0rc1", "20.0.post1", "Darwin", "Darwin 21",
    "#1 SMP", "5.10-generic", "", "20.0-x",
)  # fmt: skip
VALUES = (
    "0", "8", "9", "9.0.0.1", "19.9", "20", "20.0", "20.0.0.1", "20.1", "20.9", "21", "21.5", "21.6", "21.6.1", "21.7",
    "99", "1!1", "1!2", "1!3", "", "#1", "#1 SMP", "#1 SMP!", "#1 SMP PREEMPT", "20.0-generic", "20.*", "20.0-x",
    "20.0-xy", "21.6.", "5.10-generic", "5.10-generic+", "5.9x", "9-", "Darwin", "Darwin 21", "Darwin 22", "Darwin!",
    "darwin", "~", "\U0010ffff",
)  # fmt: skip
"""Final releases and what is no version."""
OPERATORS = ("==", "!=", "<", "<=", ">", ">=", "~=", "===")

asked = st.lists(
    st.tuples(st.sampled_from(OPERATORS), st.sampled_from(TEXTS)).filter(
        lambda one: one[0] in ("==", "!=", "===") or not one[1].endswith(".*")  # nobody orders by a beginning
    ),
    min_size=1,
    max_size=5,
)


def plainly(value: str, operator: str, text: str) -> bool:
    """As versions where both sides are, else as strings: the definition, written down once more."""
    if operator == "~=":
        prefix = text.rpartition(".")[0]
        return bool(prefix) and plainly(value, ">=", text) and plainly(value, "==", f"{prefix}.*")
    try:
        if text.endswith(".*") and operator in ("==", "!=", "==="):
            head, mine = Version(text[:-2]), Version(value)
            padded = (*mine.release, 0, 0, 0)[: len(head.release)]
            return ((mine.epoch, padded) == (head.epoch, head.release)) == (operator != "!=")
        one, other = Version(value), Version(text)
    except InvalidVersion:
        one, other = value, text  # type: ignore[assignment]
    return {
        "==": one == other, "===": one == other, "!=": one != other, "<": one < other, "<=": one <= other,
        ">": one > other, ">=": one >= other,
    }[operator]  # fmt: skip


@given(asked)
@examples(300)
def test_the_telling_values_give_every_answer_that_there_is(comparisons: list[tuple[str, str]]) -> None:
    plain = [question for one in comparisons for question in questions(*one)]
    found = telling_values(plain)
    answers = [tuple(compares(value, *question) for question in plain) for value in found]
    assert len(set(answers)) == len(answers), "two values tell the same"
    for value in VALUES:
        assert tuple(compares(value, *question) for question in plain) in answers, value
        for operator, text in comparisons:
            assert holds(value, operator, text) == plainly(value, operator, text), (value, operator, text)


@given(asked)
@examples(300)
def test_the_checker_comes_to_the_same_by_itself(comparisons: list[tuple[str, str]]) -> None:
    plain = [question for one in comparisons for question in questions(*one)]
    assert tuple(checking.values_for(comparisons)) == telling_values(plain)
    for value in VALUES:
        for operator, text in comparisons:
            assert checking.compared(value, operator, text) == holds(value, operator, text), (value, operator, text)


@given(asked, st.sampled_from(("platform_release", "platform_version", "implementation_version")))
@examples(200)
def test_comparisons_hold_together_where_one_value_meets_them(
    comparisons: list[tuple[str, str]], variable: str
) -> None:
    formulas = [from_marker(Marker(f"{variable} {operator} '{text}'")) for operator, text in comparisons]
    together = any(all(plainly(value, *one) for one in comparisons) for value in VALUES)
    domain = Domain()
    if together:
        assert domain.satisfiable(*formulas)
    found = domain.witness(*formulas)
    if found is not None:
        value = found.variables[variable]
        assert all((holds if "spelled like" in value else plainly)(value, *one) for one in comparisons), value


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("platform_release >= '20.0'", "platform_release < '20.0'"),
        ("platform_release >= '20.0'", "'20.0' > platform_release"),
        ("platform_release == '21'", "platform_release < '20.0'"),
        ("platform_version ~= '20.1'", "platform_version >= '21'"),
        ("platform_version == 'Darwin'", "platform_version > 'Darwin 21'"),
        ("implementation_version <= '7.3'", "implementation_version > '7.3.0'"),
    ],
)
def test_what_excludes_each_other(one: str, other: str) -> None:
    domain = Domain()
    assert not domain.satisfiable(from_marker(Marker(one)), from_marker(Marker(other)))
    both = from_marker(Marker(one)) | from_marker(Marker(other))
    text = Shortener(domain).marker(both)
    assert text is None or domain.equivalent(from_marker(Marker(text)), both)


def test_what_nothing_is_known_of_stays_free() -> None:
    domain = Domain()
    ubuntu, old = from_marker(Marker("'Ubuntu' in platform_version")), from_marker(Marker("platform_version < '20'"))
    assert domain.satisfiable(ubuntu, old) and domain.satisfiable(~ubuntu, ~old)


@pytest.mark.parametrize(
    "marker",
    [
        "os_name != 'posix' and os_name != 'nt' and os_name != 'java'",
        "os_name == 'linux'",
        "sys_platform == 'Windows'",
        "platform_system == 'linux'",
        "platform_system == 'win32' and sys_platform != 'win32'",
        "sys_platform == 'freebsd14' and os_name == 'nt'",
    ],
)
def test_systems_on_which_no_python_runs(marker: str) -> None:
    assert not Domain().satisfiable(from_marker(Marker(marker)))


@pytest.mark.parametrize(
    "marker",
    [
        "sys_platform == 'freebsd14' and platform_system == 'FreeBSD' and os_name == 'posix'",
        "sys_platform != 'linux' and platform_system != 'Linux' and platform_system == 'SunOS'",
        "implementation_name == 'ironpython' and platform_python_implementation == 'IronPython'",
    ],
)
def test_systems_that_only_a_marker_names(marker: str) -> None:
    assert Domain().satisfiable(from_marker(Marker(marker)))
