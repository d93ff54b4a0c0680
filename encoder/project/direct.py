"""Direct references as they are written: PEP 508 URLs, and the ``git``, ``url`` and ``path`` entries of sources."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path, PurePosixPath
from urllib.parse import parse_qsl, unquote, urlsplit, urlunsplit

from satlock.corpora.references import GitError, GitReference, PathReference, Reference, UrlReference, checked

__all__ = ["git_reference", "inside", "is_archive", "lfs_by_default", "local_path", "reference_of_url"]

_ARCHIVES = (".whl", ".tar.gz", ".tgz", ".zip", ".tar.bz2", ".tbz", ".tar.xz", ".txz", ".tar")
_HASHES = ("sha256", "sha384", "sha512", "sha224", "sha1", "md5")
_VARIABLE = re.compile(r"\$\{([A-Z0-9_]+)\}")
_OTHER_SYSTEMS = ("hg+", "bzr+", "svn+")


def is_archive(name: str) -> bool:
    return name.endswith(_ARCHIVES)


def reference_of_url(url: str, base: Path | None, *, expand: bool = False) -> Reference:
    """What the URL of a direct reference refers to.

    Args:
        base: the folder that relative paths start at; None where paths of this machine have no business.
        expand: whether ``${NAME}`` stands for a variable of the environment, as in a project's own file.

    Raises:
        ValueError: it is none that can be locked; the message is a clause after "which".
    """
    if expand and (expanded := _VARIABLE.sub(lambda found: _variable(found, base), url)) != url:
        found = reference_of_url(expanded, base)
        # What a variable makes absolute was not written so: ${PROJECT_ROOT}/lib is another folder in another clone.
        return replace(found, given="") if isinstance(found, PathReference) else found
    if url.startswith("git+"):
        return _git(url.removeprefix("git+"))
    if url.startswith(_OTHER_SYSTEMS):
        raise ValueError(f"names a repository of {url.partition('+')[0]}; only git is supported")
    try:
        parts = urlsplit(url)
        port_is_fine = parts.port != 0
    except ValueError:
        raise ValueError("is not a valid URL") from None
    fragment = dict(parse_qsl(parts.fragment))
    if parts.scheme in ("http", "https") and parts.hostname and port_is_fine:
        if not is_archive(unquote(parts.path)):
            raise ValueError("names neither a wheel nor a source archive; for a repository write git+ before it")
        secret, _, host = parts.netloc.rpartition("@")
        clean = urlunsplit((parts.scheme, host, parts.path, parts.query, ""))
        hashes = tuple((name, fragment[name].lower()) for name in _HASHES if name in fragment)
        return UrlReference(clean, inside(fragment.get("subdirectory", "")), hashes, secret)
    if parts.scheme == "file":
        from urllib.request import url2pathname  # brings a whole HTTP client along

        # Of file:///${PROJECT_ROOT}/lib the root brings a slash of its own.
        return local_path(url2pathname(re.sub("^//+", "/", parts.path)), base)
    if "://" not in url and (not parts.scheme or len(parts.scheme) == 1):
        return local_path(url.partition("#")[0], base)
    raise ValueError("is not an address with https://, http://, file:// or git+")


def _variable(found: re.Match[str], base: Path | None) -> str:
    if found[1] == "PROJECT_ROOT" and base is not None:
        return Path(os.path.abspath(base)).as_posix()
    return os.environ.get(found[1], found[0])


def _git(url: str) -> GitReference:
    """``https://host/repository.git@ref#subdirectory=folder``; the reference follows the last ``@`` of the path."""
    try:
        parts = urlsplit(url)
    except ValueError:
        raise ValueError("is not a valid URL") from None
    fragment = dict(parse_qsl(parts.fragment))
    path, at, ref = parts.path.rpartition("@")
    if not at:
        path, ref = parts.path, ""
    return git_reference(
        urlunsplit(parts._replace(path=path, fragment="", query="")),
        "rev" if ref else None,
        unquote(ref),
        fragment.get("subdirectory", ""),
        lfs=fragment.get("lfs", "") == "true" or lfs_by_default(),
    )


def lfs_by_default() -> bool:
    """Whether repositories of which nothing else is said are read with Git LFS: ``UV_GIT_LFS``, as uv reads it."""
    return os.environ.get("UV_GIT_LFS", "").lower() in ("y", "yes", "t", "true", "on", "1")


def git_reference(url: str, kind: str | None, ref: str, subdirectory: str = "", *, lfs: bool = False) -> GitReference:
    """Raises ValueError where git would not be given it; the message is a clause after "which"."""
    parts = urlsplit(url)
    secret, _, host = parts.netloc.rpartition("@")
    user = secret.partition(":")[0]
    # The user of ssh is part of the address; a password, or a token of https, never is.
    kept = f"{user}@{host}" if parts.scheme == "ssh" and user else host
    clean = urlunsplit((parts.scheme, kept, parts.path, "", ""))
    told = kind if kind in ("rev", "tag", "branch") else None
    if not told:
        ref = ""
    return _checked(GitReference(clean, told, ref, inside(subdirectory), lfs, "", "" if kept != host else secret))  # type: ignore[arg-type]


def _checked(reference: GitReference) -> GitReference:
    try:
        checked(reference)
    except GitError as error:
        raise ValueError(f"cannot be fetched: {error}") from None
    return reference


def inside(subdirectory: str) -> str:
    """A folder inside of a repository or archive, in one spelling. Raises ValueError where it leads out."""
    folder = PurePosixPath(subdirectory)
    if folder.is_absolute() or ".." in folder.parts or "\\" in subdirectory or "\0" in subdirectory:
        raise ValueError("has a subdirectory that leads out of it")
    return "" if folder == PurePosixPath() else folder.as_posix()


def local_path(
    written: str, base: Path | None, *, editable: bool | None = None, package: bool | None = None
) -> PathReference:
    """A path on this machine. Raises ValueError where it cannot be one."""
    if base is None:
        raise ValueError("names a path on this machine, which only a project on this machine may")
    if "\0" in written or not written:
        raise ValueError("is not a valid path")
    path = os.path.normpath(os.path.join(os.path.abspath(base), os.path.expanduser(written)))
    folder = not (is_archive(path) and not os.path.isdir(path))
    told = package if package is not None else folder and _is_package(Path(path))
    return PathReference(path, folder, editable, told if folder else True, given=written)


def _is_package(folder: Path) -> bool:
    """Whether a project is one that is installed itself (``tool.uv.package``)."""
    import tomllib

    try:
        with (folder / "pyproject.toml").open("rb") as file:
            told = tomllib.load(file).get("tool", {}).get("uv", {}).get("package", True)
    except (OSError, ValueError, AttributeError, RecursionError):
        return True
    return told is not False
