"""The stand-ins that a recorded world serves: archives as :mod:`zipfile` writes them."""

from __future__ import annotations

import io
import zipfile

from hypothesis import given
from hypothesis import strategies as st

from satlock.corpora.recorded.standins import stored, wheel

PATHS = st.text(st.characters(codec="utf-8", exclude_characters="\0/\\", exclude_categories=("Cs",)), min_size=1)


@given(st.dictionaries(PATHS, st.binary(), max_size=5))
def test_an_archive_has_the_bytes_that_zipfile_makes(members: dict[str, bytes]) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path, data in members.items():
            entry = zipfile.ZipInfo(path, (2024, 1, 1, 0, 0, 0))
            entry.create_system = 3
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, data)
    assert stored(members) == buffer.getvalue()


def test_a_wheel_can_be_read() -> None:
    made = wheel(b"Metadata-Version: 2.2\nName: a\nVersion: 1\n", "a-1-py2.py3-none-any.whl")
    with zipfile.ZipFile(io.BytesIO(made)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["a-1.dist-info/METADATA", "a-1.dist-info/WHEEL", "a-1.dist-info/RECORD"]
        assert b"Tag: py2-none-any\nTag: py3-none-any\n" in archive.read("a-1.dist-info/WHEEL")
