"""The text of a lock against ``tomli_w`` over ``packaging``'s model of it: byte for byte the same."""

from __future__ import annotations

from pathlib import Path

import tomli_w
from hypothesis import given, settings
from hypothesis import strategies as st

from satlock.corpora.facts import File, Metadata
from satlock.corpora.references import Direct, GitReference, PathReference
from satlock.encoder.markers.marker import TRUE
from satlock.solver.lockfiles.lock import Lock, LockedPackage
from satlock.solver.writing.pylock import to_pylock
from satlock.solver.writing.pylock_text import to_toml

HERE = Path(__file__).parent.resolve()
bases = st.sampled_from(["https://files.example/", "u:", f"https://files.example/{'x' * 80}/", f"{HERE.as_uri()}/"])
names = st.sampled_from(["a", "b", "c-d", "e" * 60, "f" * 90])
versions = st.sampled_from(["1", "1.0", "2.0rc1", "2.5.1+cpu", "1!3"])
markers = st.sampled_from(["sys_platform == 'win32'", 'python_version < "3.12" and os_name == "nt"', "'x' in extras"])
specifiers = st.sampled_from([">=3.9", "!=3.10.1,>=3.9", "==3.*"])
moments = st.sampled_from(["2026-09-02T14:19:51Z", "2026-09-02T14:19:51.123456Z", "2026-09-02T14:19:51.000000Z"])
texts = st.text(st.sampled_from('ab-é"\\\n\t\x7f\x01'), max_size=12)
indexes = st.sampled_from(["https://index.example/simple", "https://other.example/simple", HERE.as_uri()])


@st.composite
def files(draw: st.DrawFn, name: str, version: str, base: str) -> File:
    tag = draw(st.sampled_from(["-py3-none-any.whl", "-cp312-cp312-manylinux_2_17_x86_64.whl", ".tar.gz"]))
    filename = f"{name}-{version}{tag}"
    digests = st.dictionaries(
        st.sampled_from(["sha256", "md5", "blake2b", "ä"]), st.sampled_from(["0" * 64, "1" * 8]), max_size=2
    )
    return File(
        filename,
        base + draw(texts) + filename,
        tuple(draw(digests).items()),
        draw(st.none() | st.integers(0, 1 << 40)),
        draw(st.none() | moments),
        None,
        None,
        None,
    )


@st.composite
def entries(draw: st.DrawFn) -> LockedPackage:
    name, version = draw(names), draw(versions)
    direct: Direct | None = None
    kind = draw(st.sampled_from(["index"] * 6 + ["git", "folder"]))
    told = Metadata(name, version, (), None, ())
    if kind == "git":
        direct = Direct(GitReference("https://git.example/x", "main", ""), told, commit="0" * 40)
    elif kind == "folder":
        direct = Direct(PathReference(str(HERE / "a"), "a"), told)
    index = draw(indexes) if direct is None else direct.key
    return LockedPackage(
        name,
        version,
        index,
        TRUE,
        draw(st.none() | markers),
        draw(st.none() | specifiers),
        tuple(draw(st.lists(files(name, version, draw(bases)), max_size=4))) if direct is None else (),
        (),
        direct=direct,
    )


@st.composite
def locks(draw: st.DrawFn) -> Lock:
    found = draw(st.lists(entries(), max_size=5, unique_by=lambda entry: (entry.name, entry.version, entry.index)))
    keys = [(entry.name, entry.version, entry.index) for entry in found]
    linked = []
    for entry in found:
        needed = draw(st.lists(st.sampled_from([*keys, ("gone", "1", "https://index.example/simple")]), max_size=3))
        fields = {**vars(entry), "dependencies": tuple(sorted(set(needed)))}
        linked.append(LockedPackage(**fields))
    return Lock(
        tuple(linked),
        draw(st.none() | specifiers),
        tuple(draw(st.lists(markers, max_size=2))),
        tuple(draw(st.lists(names, max_size=2))),
        tuple(draw(st.lists(texts, max_size=2))),
        tuple(draw(st.lists(texts, max_size=2))),
        relative=frozenset([HERE.as_uri()]) if draw(st.booleans()) else frozenset(),
    )


@settings(max_examples=200, deadline=None)
@given(locks())
def test_text_is_that_of_the_model(lock: Lock) -> None:
    assert to_toml(lock, HERE) == tomli_w.dumps(to_pylock(lock, HERE).to_dict())


def test_a_wheel_that_fits_on_a_line_beside_one_that_does_not() -> None:
    def entry(name: str, base: str) -> LockedPackage:
        file = File(
            f"{name}-1-py3-none-any.whl", f"{base}{name}.whl", (("md5", "1" * 8),), None, None, None, None, None
        )
        return LockedPackage(name, "1", "https://index.example/simple", TRUE, None, None, (file,), ())

    lock = Lock((entry("a", "u:"), entry("b", f"https://files.example/{'x' * 80}/")), None, (), (), (), ())
    assert "wheels = [" in to_toml(lock)
    assert to_toml(lock) == tomli_w.dumps(to_pylock(lock).to_dict())
