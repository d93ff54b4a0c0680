"""Stand-ins: the smallest wheels and source distributions that pip and uv install, made on the fly.

Each holds one module, named as the package, that states its ``VERSION`` and the ``INDEX`` it came from. The same world
gives the same bytes.
"""

from __future__ import annotations

import gzip
import io
import tarfile

from satlock.corpora.recorded import standins
from tests.world import Dist

BACKEND = '''
"""A PEP 517 backend that packs the module beside it into a wheel."""
import base64, hashlib, pathlib, zipfile

HERE = pathlib.Path(__file__).parent
STEM = {stem!r}


def members():
    return {{
        {module!r}: (HERE / {module!r}).read_bytes(),
        STEM + ".dist-info/METADATA": (HERE / "METADATA").read_bytes(),
        STEM + ".dist-info/WHEEL": b"Wheel-Version: 1.0\\nGenerator: standin\\nRoot-Is-Purelib: true\\n"
        b"Tag: py3-none-any\\n",
    }}


def prepare_metadata_for_build_wheel(metadata_directory, config_settings=None):
    folder = pathlib.Path(metadata_directory, STEM + ".dist-info")
    folder.mkdir(parents=True)
    folder.joinpath("METADATA").write_bytes((HERE / "METADATA").read_bytes())
    return folder.name


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    record = ""
    name = STEM + "-py3-none-any.whl"
    with zipfile.ZipFile(pathlib.Path(wheel_directory, name), "w") as archive:
        for path, data in members().items():
            archive.writestr(path, data)
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            record += path + ",sha256=" + digest + "," + str(len(data)) + "\\n"
        archive.writestr(STEM + ".dist-info/RECORD", record + STEM + ".dist-info/RECORD,,\\n")
    return name
'''


def core_metadata(name: str, version: str, dist: Dist, *, dynamic: bool = False) -> bytes:
    """METADATA or PKG-INFO, in version 2.2, which promises that what is not dynamic holds for every wheel."""
    lines = ["Metadata-Version: 2.2", f"Name: {name}", f"Version: {version}"]
    if dynamic:
        lines.append("Dynamic: Requires-Dist")
    else:
        lines += [f"Requires-Dist: {requirement}" for requirement in dist.requires_dist]
    if dist.requires_python is not None:
        lines.append(f"Requires-Python: {dist.requires_python}")
    lines += [f"Provides-Extra: {extra}" for extra in dist.provides_extra]
    return ("\n".join(lines) + "\n").encode()


def module(version: str, index: str) -> bytes:
    return f"VERSION = {version!r}\nINDEX = {index!r}\n".encode()


def wheel(index: str, name: str, version: str, dist: Dist, tags: str) -> bytes:
    """The bytes of one wheel."""
    if dist.broken is not None:
        return b"not a wheel"
    package = name.replace("-", "_")
    modules = {f"{package}.py": module(version, index)}
    return standins.wheel(core_metadata(name, version, dist), f"{package}-{version}-{tags}.whl", modules)


def sdist(index: str, name: str, version: str, dist: Dist) -> bytes:
    """The bytes of a source distribution; it builds without any other package."""
    if dist.broken is not None:
        return b"not a source distribution"
    package = name.replace("-", "_")
    stem = f"{package}-{version}"
    pyproject = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    if not dist.needs_build:
        pyproject += f"[project]\nname = {name!r}\nversion = {version!r}\n"
    members = {
        "PKG-INFO": core_metadata(name, version, dist, dynamic=dist.needs_build),
        "METADATA": core_metadata(name, version, dist),
        "backend.py": BACKEND.format(stem=stem, module=f"{package}.py").encode(),
        f"{package}.py": module(version, index),
        "pyproject.toml": pyproject.encode(),
    }
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path, data in members.items():
            entry = tarfile.TarInfo(f"{stem}/{path}")
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return gzip.compress(buffer.getvalue(), mtime=0)
