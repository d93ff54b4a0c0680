"""What the names of files say: the package and the version that they are of."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NoReturn

__all__ = ["LONGEST", "LONG_NUMBER", "Unfit", "names_of", "unfit", "version_part"]

LONGEST = 1000
LONG_NUMBER = re.compile(r"[0-9]{100}")
"""No version has it, whatever PEP 440 says."""
"""Characters, of a file name and of what else a page says in one text."""


class Unfit(Exception):
    """A file that is left out; the argument is the reason."""


def unfit(reason: str) -> NoReturn:
    raise Unfit(reason)


def version_part(filename: object, name: str) -> str:
    """The version as the file name spells it, once everything else of the name is found right."""
    if not isinstance(filename, str) or not filename:
        unfit("it has no file name")
    if len(filename) > LONGEST:
        unfit("its name is too long")
    if filename.endswith(".whl"):
        project, _, rest = filename.partition("-")
        version, _, rest = rest.partition("-")
        found = _wheel_name(project, rest)
    elif filename.endswith(".tar.gz") or filename.endswith(".zip"):
        stem = filename[:-7] if filename.endswith(".tar.gz") else filename[:-4]
        found, version = _sdist_name(stem, name)
    else:
        unfit("it is neither a wheel nor a .tar.gz or .zip source distribution")
    if found != name:
        unfit("its name is that of another project" if found else "its name is not that of a wheel")
    return version


@lru_cache(maxsize=50_000)
def _wheel_name(project: str, rest: str) -> str:
    """The normalised project name, or nothing. Everything but the version, as few file names differ in the rest."""
    from packaging.utils import InvalidWheelFilename, parse_wheel_filename

    if "/" in rest or "\\" in rest or not rest.isprintable():
        return ""
    try:
        return parse_wheel_filename(f"{project}-0-{rest}.whl")[0]
    except InvalidWheelFilename:
        return ""


def _sdist_name(stem: str, name: str) -> tuple[str, str]:
    if "/" in stem or "\\" in stem or not stem.isprintable():
        unfit("its name is not that of a source distribution")
    project, _, version = stem.partition("-")
    if version and "-" not in version and _normalised(project) == name:
        return name, version
    # Versions of old source distributions hold dashes (1.0-1), as do names: the name that was asked for decides.
    cut = stem.find("-")
    while cut >= 0:
        if _normalised(stem[:cut]) == name and stem[cut + 1 : cut + 2].isdigit():
            return name, stem[cut + 1 :]
        cut = stem.find("-", cut + 1)
    project, dash, version = stem.rpartition("-")
    if not dash:
        unfit("its name holds no version")
    return _normalised(project), version


@lru_cache(maxsize=1000)
def _normalised(name: str) -> str:
    from satlock.corpora.names import canonicalize_name

    return canonicalize_name(name)


def names_of(filename: object) -> set[str]:
    """The normalised names of the packages that a file may be of, as its name can be read; none where it is no file of
    a package."""
    if not isinstance(filename, str) or not filename.isprintable():
        return set()
    if filename.endswith(".whl"):
        return {_normalised(filename.partition("-")[0])}
    if not filename.endswith((".tar.gz", ".zip")):
        return set()
    stem = filename[:-7] if filename.endswith(".tar.gz") else filename[:-4]
    cuts = [at for at, letter in enumerate(stem) if letter == "-" and stem[at + 1 : at + 2].isdigit()]
    return {_normalised(stem[:cut]) for cut in cuts or [stem.rfind("-")] if cut > 0}
