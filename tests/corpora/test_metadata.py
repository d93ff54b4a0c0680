"""Core metadata, and where in wheels it is found."""

from __future__ import annotations

import email
import email.policy
import io
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from satlock.corpora.facts import Metadata
from satlock.corpora.index import wheel as wheel_module
from satlock.corpora.index.metadata import MetadataError, _headers, parse_metadata, static_fields
from satlock.corpora.index.wheel import Missing, Sparse, WheelError, metadata_of_wheel

from .conftest import metadata_bytes, wheel


def test_fields() -> None:
    data = metadata_bytes(
        "De_Mo",
        "1.0.0",
        "Requires-Dist: six (>=1.0)",
        "requires-dist: attrs",
        "   >=20 ; extra == 'x'",
        "Requires-Python: >=3.8",
        "Provides-Extra: Big_Extra",
        "Provides-Extra: big-extra",
    )
    assert parse_metadata(data + b"Requires-Dist: not-a-header\n", "de-mo", "1.0") == Metadata(
        "de-mo", "1.0", ("six (>=1.0)", "attrs >=20 ; extra == 'x'"), ">=3.8", ("big-extra",)
    )
    assert parse_metadata(data.replace(b"\n", b"\r\n"), "de-mo", "1.0").requires_python == ">=3.8"


def test_latin_1_is_read() -> None:
    data = metadata_bytes("demo", "1", "Author: J\xfcrgen", "Requires-Dist: six").decode().encode("latin-1")
    assert parse_metadata(data, "demo", "1").requires_dist == ("six",)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "no name and version"),
        (b"\x00\xff" * 50, "no name and version"),
        (metadata_bytes("other", "1"), "'other'"),
        (metadata_bytes("demo", "2"), "version '2'"),
        (metadata_bytes("demo", "one"), "version 'one'"),
        (metadata_bytes("demo", "1.post1"), "version '1.post1'"),
    ],
)
def test_metadata_of_something_else(data: bytes, reason: str) -> None:
    with pytest.raises(MetadataError, match=reason):
        parse_metadata(data, "demo", "1")


def test_a_local_version_may_stand_in_the_metadata_only() -> None:
    assert parse_metadata(metadata_bytes("demo", "1.0+cpu"), "demo", "1.0").version == "1.0"
    with pytest.raises(MetadataError):
        parse_metadata(metadata_bytes("demo", "1.0"), "demo", "1.0+cpu")


lines = st.sampled_from(
    ["Name: demo", "Version: 1", "Requires-Dist: a", "Requires-Dist:b>1", "  folded", "\tfolded", "Summary: : x", "",
     "no field", "Provides-Extra: X", " ", "Dynamic: Version", "Bad Name: x", "X:", "Description: text\n\n        more"]
)  # fmt: skip


@given(st.lists(lines, max_size=12), st.sampled_from(["\n", "\r\n", "\r"]))
def test_headers_end_where_the_standard_library_ends_them(chosen: list[str], newline: str) -> None:
    text = newline.join(chosen).replace("\n", newline)
    expected = email.message_from_string(text, policy=email.policy.compat32)
    for field in ("name", "version", "requires-dist", "provides-extra", "dynamic"):
        values = [" ".join(value.split()) for value in expected.get_all(field, [])]
        assert [" ".join(value.split()) for value in _headers(text.encode()).get(field, [])] == values


@pytest.mark.parametrize(
    ("version", "lines_", "static"),
    [
        ("2.1", (), False),
        ("1.2", (), False),
        ("2.2", (), True),
        ("2.10", (), True),
        ("2.4", ("Dynamic: License-File",), True),
        ("2.2", ("Dynamic: Requires-Dist",), False),
        ("2.2", ("Dynamic: requires-python",), False),
        ("2.2", ("Dynamic: Summary", "Dynamic: Provides-Extra"), False),
        ("new", (), False),
    ],
)
def test_static(version: str, lines_: tuple[str, ...], static: bool) -> None:
    data = metadata_bytes("demo", "1", "Requires-Dist: six", *lines_, metadata_version=version)
    found = static_fields(data, "demo", "1")
    assert found == (Metadata("demo", "1", ("six",), None, ()) if static else None)


# -- wheels


def sparse_read(content: bytes, tail: int) -> tuple[bytes, list[tuple[int, int]]]:
    """What is found when only the end is known at first, and which further parts were needed."""
    sparse = Sparse(len(content))
    start = max(0, len(content) - tail)
    sparse.add(start, content[start:])
    asked = []
    while True:
        try:
            return metadata_of_wheel(sparse, "demo", "1.0"), asked
        except Missing as missing:
            asked.append((missing.start, missing.end))
            sparse.add(missing.start, content[missing.start : missing.end])


@given(st.integers(22, 4000), st.integers(0, 60), st.integers(0, 3000))
def test_a_wheel_is_read_from_its_end(tail: int, count: int, size: int) -> None:
    content = wheel("demo", "1.0", "Requires-Dist: six", files={f"demo/{n}.py": b"x" * size for n in range(count)})
    data, asked = sparse_read(content, tail)
    assert data == metadata_bytes("demo", "1.0", "Requires-Dist: six")
    assert len(asked) <= 4
    assert sum(end - start for start, end in asked) < 70_000 + 200 * count  # never the files themselves


def test_hostile_wheels(monkeypatch: pytest.MonkeyPatch) -> None:
    for content in (b"", b"PK", b"\0" * 5000, wheel("demo", "1.0")[:-30]):
        with pytest.raises(WheelError):
            metadata_of_wheel(io.BytesIO(content), "demo", "1.0")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("demo/METADATA", b"")
    with pytest.raises(WheelError, match="no metadata"):
        metadata_of_wheel(buffer, "demo", "1.0")
    damaged = wheel("demo", "1.0").replace(b"PK\x03\x04", b"PK\x03\x05")
    with pytest.raises(WheelError):
        metadata_of_wheel(io.BytesIO(damaged), "demo", "1.0")
    monkeypatch.setattr(wheel_module, "_LARGEST_METADATA", 1000)
    with pytest.raises(WheelError, match="too large"):
        metadata_of_wheel(io.BytesIO(wheel("demo", "1.0", "Summary: " + "x" * 5000)), "demo", "1.0")


def test_vendored_metadata_is_not_the_wheels_own() -> None:
    other = {"other-2.0.dist-info/METADATA": b"Name: other", "demo/_vendor/x-1.dist-info/METADATA": b"Name: x"}
    assert b"Name: demo" in metadata_of_wheel(io.BytesIO(wheel("demo", "1.0", files=other)), "demo", "1.0")
