"""Where a candidate comes from when it comes from no index: a repository, an archive or a folder, as plain facts.

A *reference* is what somebody wrote; a :class:`Direct` is what it came to. No field that can be shown or written holds
credentials: they are kept apart, in ``secret``.
"""

from __future__ import annotations

import os
import re
from typing import Literal, TypeAlias
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from satlock.corpora.facts import File, Metadata, Unavailable
from satlock.records import dataclass, field

__all__ = [
    "Direct", "DirectOutcome", "GitError", "GitReference", "PathReference", "Reference", "UrlReference",
    "checked", "repository", "same_place", "with_reference",
]  # fmt: skip


_SCHEMES = ("https", "http", "ssh", "git", "file")
_PLAIN_REF = re.compile(r"[A-Za-z0-9_.+@/#!%=-]{1,250}")


@dataclass(frozen=True)
class GitReference:
    """A Git repository, as it was asked for (``git+URL@REF#subdirectory=DIR``, or a ``git`` source of uv)."""

    url: str
    """Without ``git+``, credentials, query and fragment; as written otherwise."""
    kind: Literal["rev", "tag", "branch"] | None = None
    """How the reference was written; a PEP 508 requirement only knows ``rev``. None asks for the default branch."""
    ref: str = ""
    subdirectory: str = ""
    """With slashes, relative to the top of the repository; empty for the top itself."""
    lfs: bool = False
    locked: str = field(default="", compare=False)
    """The commit that an existing lock has for it, to be kept."""
    secret: str = field(default="", repr=False, compare=False)
    """The user information of the URL as written."""

    def __str__(self) -> str:
        at = f"@{self.ref}" if self.ref else ""
        return f"git+{self.url}{at}" + (f"#subdirectory={self.subdirectory}" if self.subdirectory else "")


@dataclass(frozen=True)
class UrlReference:
    """A wheel or a source archive behind a URL."""

    url: str
    """Without credentials and fragment."""
    subdirectory: str = ""
    hashes: tuple[tuple[str, str], ...] = ()
    """(algorithm, hex digest) that the fragment demands."""
    secret: str = field(default="", repr=False, compare=False)

    def __str__(self) -> str:
        return self.url + (f"#subdirectory={self.subdirectory}" if self.subdirectory else "")


@dataclass(frozen=True)
class PathReference:
    """A wheel, a source archive or the folder of a project on this machine."""

    path: str
    """Absolute and normalised, with the separators of this machine."""
    folder: bool
    editable: bool | None = None
    """What the source says; None where it says nothing."""
    package: bool = True
    """False for a project that is not installed itself, only what it requires (``package = false``)."""
    member: bool = False
    """Whether it is a member of the project's own workspace."""
    given: str = field(default="", compare=False)
    """The path as written, to keep an absolute one absolute."""

    def __str__(self) -> str:
        from pathlib import Path

        return Path(self.path).as_uri()


Reference: TypeAlias = GitReference | UrlReference | PathReference


@dataclass(frozen=True)
class Direct:
    """What a reference came to: the one candidate of its package where the reference holds."""

    reference: Reference
    metadata: Metadata
    """Its ``requires_dist`` is as the package states it; see ``tree`` for what its own sources make of that."""
    commit: str = ""
    """Of a Git reference: the 40 hex digits."""
    file: File | None = None
    """Of an archive: name, address (a ``file:`` URL for a local one), hashes and size."""
    dynamic: bool = False
    """Whether the version of a source tree is only known from a build (uv.lock then does not tell it)."""
    tree: str = field(default="", compare=False)
    """The folder on this machine with the sources of a Git reference or a local project; empty for archives."""
    top: str = field(default="", compare=False)
    """The top of the checkout that ``tree`` lies in; empty for local projects."""

    @property
    def key(self) -> str:
        """What tells it from every other candidate; takes the place of the index's URL. Shown to people."""
        reference = self.reference
        if isinstance(reference, GitReference):
            place = f"git+{repository(reference.url)}@{self.commit}"
            return place + (f"#subdirectory={reference.subdirectory}" if reference.subdirectory else "")
        return str(reference)


DirectOutcome: TypeAlias = Direct | Unavailable


def repository(url: str) -> str:
    """One spelling for the addresses of one repository: host in lower case, no ``.git`` or slash at the end."""
    parts = urlsplit(url)
    path = parts.path.rstrip("/").removesuffix(".git")
    return urlunsplit((parts.scheme.lower(), parts.netloc.lower(), path, "", ""))


def same_place(one: Reference, other: Reference) -> bool:
    """Whether two references name the same thing, however each is spelled."""
    if isinstance(one, GitReference) and isinstance(other, GitReference):
        said = [(repository(each.url), each.ref, each.subdirectory) for each in (one, other)]
    elif isinstance(one, PathReference) and isinstance(other, PathReference):
        return os.path.realpath(one.path) == os.path.realpath(other.path)
    elif isinstance(one, UrlReference) and isinstance(other, UrlReference):
        demanded = dict(other.hashes)
        if any(demanded.get(kind, digest) != digest for kind, digest in one.hashes):
            return False
        said = [(_address(each.url), "", each.subdirectory) for each in (one, other)]
    else:
        return False
    return said[0] == said[1]


def _address(url: str) -> str:
    parts = urlsplit(url)
    return urlunsplit((parts.scheme.lower(), parts.netloc.lower(), unquote(parts.path), parts.query, ""))


def with_reference(direct: Direct) -> str:
    """A Git source as ``uv.lock`` writes it: ``URL?subdirectory=…&rev=…#COMMIT``. Raises TypeError for another."""
    reference = direct.reference
    if not isinstance(reference, GitReference):
        raise TypeError("not a Git reference")
    asked = []
    if reference.subdirectory:
        asked.append(f"subdirectory={quote(reference.subdirectory, safe='')}")
    if reference.kind is not None:
        asked.append(f"{reference.kind}={quote(reference.ref, safe='')}")
    if reference.lfs:
        asked.append("lfs=true")
    return reference.url + (f"?{'&'.join(asked)}" if asked else "") + (f"#{direct.commit}" if direct.commit else "")


class GitError(ValueError):
    """A reference that names nothing, or that git is not given; the text is one clause."""


def checked(reference: GitReference) -> None:
    """Raises GitError where the address or the reference is none that git is given."""
    parts = urlsplit(reference.url)
    if parts.scheme not in _SCHEMES:
        raise GitError(f"its repository has an address that is not {', '.join(_SCHEMES[:-1])} or {_SCHEMES[-1]}")
    if parts.scheme != "file" and not parts.hostname:
        raise GitError("its repository has an address without a host")
    if (parts.hostname or "").startswith("-") or (parts.username or "").startswith("-"):
        raise GitError("its repository has an address that starts with '-'")
    if not reference.url.isprintable() or " " in reference.url or "::" in reference.url.partition("://")[0]:
        raise GitError("its repository has an address that is not valid")
    if reference.kind is not None and not _is_ref(reference.ref):
        raise GitError(f"its {reference.kind} is not one that git may have")
    folders = reference.subdirectory.split("/") if reference.subdirectory else []
    if any(folder in ("", ".", "..", ".git") or "\\" in folder for folder in folders):
        raise GitError("its subdirectory is not one inside of the repository")


def _is_ref(text: str) -> bool:
    return bool(_PLAIN_REF.fullmatch(text)) and not text.startswith(("-", "/", ".")) and ".." not in text
