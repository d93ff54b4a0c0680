"""Stand-ins: wheels and source distributions made on demand whose metadata is the recorded one, and which install.

They hold no code, only what an installer reads. The same metadata gives the same bytes.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import struct
import tarfile
import zipfile
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from zlib import crc32

from packaging.tags import parse_tag

from satlock.corpora.facts import Metadata

__all__ = ["core_metadata", "sdist", "stored", "wheel"]

_DATE = (2024, 1, 1, 0, 0, 0)
_MOMENT = 0, (2024 - 1980) << 9 | 1 << 5 | 1
"""The same as MS-DOS keeps it: the time, and the date."""

_BACKEND = '''"""A PEP 517 backend that puts the metadata beside it into a wheel."""
import base64, hashlib, pathlib, zipfile

HERE = pathlib.Path(__file__).parent
INFO = {info!r}
TAG = "py3-none-any"


def members():
    said = "Wheel-Version: 1.0\\nGenerator: satlock\\nRoot-Is-Purelib: true\\nTag: " + TAG + "\\n"
    return {{INFO + "/METADATA": (HERE / "METADATA").read_bytes(), INFO + "/WHEEL": said.encode()}}


def prepare_metadata_for_build_wheel(metadata_directory, config_settings=None):
    folder = pathlib.Path(metadata_directory, INFO)
    folder.mkdir(parents=True, exist_ok=True)
    for path, data in members().items():
        pathlib.Path(metadata_directory, path).write_bytes(data)
    return INFO


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    name = INFO.removesuffix(".dist-info") + "-" + TAG + ".whl"
    record = ""
    with zipfile.ZipFile(pathlib.Path(wheel_directory, name), "w") as archive:
        for path, data in members().items():
            archive.writestr(path, data)
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            record += path + ",sha256=" + digest + "," + str(len(data)) + "\\n"
        archive.writestr(INFO + "/RECORD", record + INFO + "/RECORD,,\\n")
    return name


def build_sdist(sdist_directory, config_settings=None):
    raise NotImplementedError("a stand-in is made of what an index said")
'''

_PYPROJECT = '[build-system]\nrequires = []\nbuild-backend = "standin_backend"\nbackend-path = ["."]\n'


def core_metadata(metadata: Metadata, *, dynamic: bool = False) -> bytes:
    """METADATA or PKG-INFO, in version 2.2, which promises that what is not dynamic holds for every wheel (PEP 643)."""
    lines = ["Metadata-Version: 2.2", f"Name: {metadata.name}", f"Version: {metadata.version}"]
    if dynamic:
        lines += ["Dynamic: Requires-Dist", "Dynamic: Requires-Python", "Dynamic: Provides-Extra"]
    else:
        lines += [f"Requires-Dist: {_one_line(requirement)}" for requirement in metadata.requires_dist]
        if metadata.requires_python is not None:
            lines.append(f"Requires-Python: {_one_line(metadata.requires_python)}")
        lines += [f"Provides-Extra: {_one_line(extra)}" for extra in metadata.provides_extra]
    return ("\n".join(lines) + "\n").encode()


def _one_line(text: str) -> str:
    """What was recorded may hold anything; a header must not become two."""
    return " ".join(text.split())


def wheel(metadata: bytes, filename: str, modules: Mapping[str, bytes] = MappingProxyType({})) -> bytes:
    """The bytes of the wheel with a file name that has these METADATA, and modules beside them."""
    parts = filename.removesuffix(".whl").split("-")
    info, spelled = f"{parts[0]}-{parts[1]}.dist-info", _spelled("-".join(parts[-3:]))
    members = {
        **modules,
        f"{info}/METADATA": metadata,
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nGenerator: satlock\nRoot-Is-Purelib: true\n{spelled}".encode(),
    }
    record = "".join(f"{path},sha256={_digest(data)},{len(data)}\n" for path, data in members.items())
    members[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n".encode()
    return stored(members)


@lru_cache(maxsize=1024)
def _spelled(tags: str) -> str:
    return "".join(f"Tag: {tag}\n" for tag in sorted(map(str, parse_tag(tags))))


def stored(members: Mapping[str, bytes]) -> bytes:
    """A ZIP archive without compression (APPNOTE 4.3): the bytes that :mod:`zipfile` makes, in a sixth of its time.

    A snapshot without hashes has ten thousand wheels made for their digests alone.
    """
    local, central, position = [], [], 0
    for path, data in members.items():
        name = path.encode()
        unicode = 0 if path.isascii() else 0x800
        told = struct.pack("<4H3L2H", unicode, 0, *_MOMENT, crc32(data), len(data), len(data), len(name), 0)
        local += [struct.pack("<4sH", b"PK\3\4", 20), told, name, data]
        central += [struct.pack("<4s2BH", b"PK\1\2", 20, 3, 20), told]
        central += [struct.pack("<3H2L", 0, 0, 0, 0o644 << 16, position), name]
        position += 30 + len(name) + len(data)
    size, count = sum(map(len, central)), len(members)
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, count, count, size, position, 0)
    return b"".join((*local, *central, end))


def sdist(metadata: Metadata, filename: str, *, needs_build: bool) -> bytes:
    """The bytes of a source distribution; it builds without any other package.

    Args:
        needs_build: whether only the build tells what it requires, as it was for the one that it stands for.
    """
    stem = filename.removesuffix(".tar.gz").removesuffix(".zip")
    info = f"{metadata.name.replace('-', '_')}-{metadata.version}.dist-info"
    members = {
        "METADATA": core_metadata(metadata),
        "PKG-INFO": core_metadata(metadata, dynamic=needs_build),
        "pyproject.toml": _PYPROJECT.encode(),
        "standin_backend.py": _BACKEND.format(info=info).encode(),
    }
    buffer = io.BytesIO()
    if filename.endswith(".zip"):
        with zipfile.ZipFile(buffer, "w") as zipped:
            for path, data in members.items():
                zipped.writestr(zipfile.ZipInfo(f"{stem}/{path}", _DATE), data)
        return buffer.getvalue()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path, data in members.items():
            member = tarfile.TarInfo(f"{stem}/{path}")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return gzip.compress(buffer.getvalue(), mtime=0)


def _digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
