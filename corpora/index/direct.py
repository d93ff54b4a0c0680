"""What a reference comes to: a commit of a repository, an archive and its hash, or a folder, with its metadata."""

from __future__ import annotations

import hashlib
import os
import tempfile
from asyncio import to_thread
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from satlock.corpora.facts import CorpusError, File, Metadata, Unavailable
from satlock.corpora.index.cache import Cache
from satlock.corpora.index.git import Repositories
from satlock.corpora.index.trees import (
    SOURCE_ARCHIVES,
    Broken,
    built_metadata,
    metadata_of_archive,
    permitted,
    static_metadata,
)
from satlock.corpora.references import (
    Direct,
    DirectOutcome,
    GitError,
    GitReference,
    PathReference,
    Reference,
    UrlReference,
)
from satlock.corpora.regular_files import open_regular

if TYPE_CHECKING:
    from satlock.corpora.index.builds import Builder
    from satlock.corpora.index.credentials import Vault
    from satlock.corpora.index.transport import Answer, Job, Transport

__all__ = ["DirectReader", "local"]

_LARGEST = 16 << 30
_IN_MEMORY = 32 << 20
_CHUNK = 1 << 20
_MOST_FILES = 20_000
"""Of a folder with more, what a build says is not kept."""
_NO_SOURCES = frozenset((".git", ".hg", ".venv", "venv", "node_modules", "__pycache__", "build", "dist"))
_OF_GIT = ("HEAD", "index", "packed-refs", "logs/HEAD")
"""The files of a repository that change with the commit, which may tell the version."""


class DirectReader:
    """Resolves references. Lives in one event loop."""

    def __init__(
        self,
        transport: Transport,
        vault: Vault,
        cache: Cache,
        *,
        offline: bool,
        builder: Callable[[], Builder],
    ) -> None:
        self._transport = transport
        self._vault = vault
        self._cache = cache
        self._builder = builder
        self._repositories = Repositories(cache.folder_of("git"), offline=offline)
        self._offline = offline

    def close(self) -> None:
        self._repositories.close()

    async def read(self, reference: Reference, job: Job) -> DirectOutcome:
        """The outcome. Raises CorpusError where the network fails, or a tool that is needed is not there."""
        try:
            if isinstance(reference, UrlReference):
                return await self._archive(reference, job)
            if isinstance(reference, GitReference):
                return await to_thread(self._of_git, reference)
            return await to_thread(local, reference, self._cache, self._builder)
        except Broken as broken:
            return _unavailable(broken)
        except GitError as reason:
            return Unavailable(str(reason))

    # -- repositories

    def _of_git(self, reference: GitReference) -> Direct:
        commit = self._repositories.commit(reference)
        top = self._repositories.checkout(reference, commit)
        tree = top / reference.subdirectory if reference.subdirectory else top
        if not tree.resolve().is_relative_to(top.resolve()) or not tree.is_dir():
            raise GitError(f"its repository has no folder {reference.subdirectory!r} in commit {commit[:12]}")
        metadata = static_metadata(tree)
        dynamic = metadata is None
        if metadata is None:
            permitted(tree, self._builder)
            key = f"{commit} {reference.subdirectory} {reference.lfs}"
            kept = self._cache.metadata("direct", key)
            if isinstance(kept, Metadata):
                metadata = kept
            else:
                self._repositories.complete(reference, top)
                metadata = built_metadata(tree, self._builder)
                self._cache.keep_metadata("direct", key, metadata)
        return Direct(reference, metadata, commit=commit, dynamic=dynamic, tree=str(tree), top=str(top))

    # -- archives

    async def _archive(self, reference: UrlReference, job: Job) -> Direct:
        from satlock.corpora.index.transport import Refused, TooLarge

        filename = _filename(reference.url)
        key = f"{reference.url}#{reference.subdirectory}"
        kept = self._cache.archive(key)
        if kept is not None and self._offline:
            return _checked(reference, kept.file, kept.metadata)
        index = self._vault.remember(_with_secret(reference))
        headers = {"Accept-Encoding": "identity"}
        if kept is not None and kept.etag:
            headers["If-None-Match"] = kept.etag
        elif kept is not None and kept.last_modified:
            headers["If-Modified-Since"] = kept.last_modified

        async def read(answer: Answer) -> tuple[Answer, IO[bytes] | None, str, int]:
            if answer.status == 304:
                return answer, None, "", 0
            if answer.status != 200:
                raise Refused(answer.status)
            spool = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115  closed below
            digest, size = hashlib.sha256(), 0
            try:
                async for chunk in answer.chunks(_LARGEST):
                    digest.update(chunk)
                    size += len(chunk)
                    spool.write(chunk)
            except BaseException:
                spool.close()
                raise
            spool.seek(0)
            return answer, spool, digest.hexdigest(), size

        try:
            answer, whole, digest, size = await self._transport.ask(
                reference.url, read, index=index, job=job, what=filename, headers=headers
            )
        except Refused as refused:
            raise CorpusError(f"{reference.url} cannot be downloaded ({refused})") from None
        except TooLarge:
            raise Broken("it is too large") from None
        if whole is None:
            if kept is None:
                raise CorpusError(f"{reference.url} cannot be downloaded (HTTP status 304)")
            return _checked(reference, kept.file, kept.metadata)
        with whole:
            file = File(filename, reference.url, (("sha256", digest),), size, None, None, None, None)
            _verify(reference, file, whole)
            metadata = await to_thread(metadata_of_archive, whole, filename, reference.subdirectory, self._builder)
        self._cache.keep_archive(
            key, answer.headers.get("etag", ""), answer.headers.get("last-modified", ""), file, metadata
        )
        return Direct(reference, metadata, file=file)


def _unavailable(broken: Broken) -> Unavailable:
    return Unavailable(str(broken), broken.cause, broken.output)


def local(reference: PathReference, cache: Cache, builder: Callable[[], Builder]) -> DirectOutcome:
    """What a path on this machine comes to; Unavailable where it is nothing that can be locked."""
    path = Path(reference.path)
    try:
        if reference.folder:
            metadata = static_metadata(path, package=reference.package)
            dynamic = metadata is None
            editable = reference.member and reference.package and reference.editable is not False
            if dynamic and not editable:  # as in uv: what is editable is built for its metadata also with no-build
                permitted(path, builder)
            return Direct(reference, metadata or _built(path, cache, builder), dynamic=dynamic,
                          tree=reference.path)  # fmt: skip
        file, metadata = _read_archive(path, builder)
        return Direct(reference, metadata, file=file)
    except Broken as broken:
        return _unavailable(broken)


def _built(tree: Path, cache: Cache, builder: Callable[[], Builder]) -> Metadata:
    """What a build says of a folder, kept as long as no file of it changes."""
    key = _state(tree)
    if key is None:
        return built_metadata(tree, builder)
    kept = cache.metadata("tree", key)
    if isinstance(kept, Metadata):
        return kept
    metadata = built_metadata(tree, builder)
    cache.keep_metadata("tree", key, metadata)
    return metadata


def _state(tree: Path) -> str | None:
    """What tells whether a folder is still the same; None where that would take too long to find out."""
    seen = hashlib.sha256(str(tree).encode("utf-8", "surrogateescape"))
    count = 0

    def note(path: str) -> None:
        with suppress(OSError):
            found = os.stat(path)
            seen.update(f"{path}\0{found.st_size}\0{found.st_mtime_ns}\0".encode("utf-8", "surrogateescape"))

    for folder, folders, files in os.walk(tree):
        folders[:] = sorted(
            name for name in folders if name not in _NO_SOURCES and not name.endswith((".egg-info", ".dist-info"))
        )
        count += len(files)
        if count > _MOST_FILES:
            return None
        for name in sorted(files):
            note(os.path.join(folder, name))
    repository = next((above / ".git" for above in (tree, *tree.parents) if (above / ".git").exists()), None)
    for name in _OF_GIT if repository is not None else ():
        note(str(repository / name))  # type: ignore[operator]
    return seen.hexdigest()


def _read_archive(path: Path, builder: Callable[[], Builder]) -> tuple[File, Metadata]:
    """An archive on this machine. Raises Broken."""
    _check_name(path.name)
    try:
        with open_regular(path) as archive:
            digest, size = hashlib.sha256(), 0
            while chunk := archive.read(_CHUNK):
                digest.update(chunk)
                size += len(chunk)
            archive.seek(0)
            metadata = metadata_of_archive(archive, path.name, "", builder)
    except FileNotFoundError:
        raise Broken("there is no such file") from None
    except OSError as error:
        raise Broken(f"it cannot be read ({error.strerror or error})") from None
    return File(path.name, path.as_uri(), (("sha256", digest.hexdigest()),), size, None, None, None, None), metadata


def _filename(url: str) -> str:
    name = unquote(urlsplit(url).path).rpartition("/")[2]
    _check_name(name)
    return name


def _check_name(name: str) -> None:
    if not name.endswith((".whl", *SOURCE_ARCHIVES)):
        raise Broken(f"{name!r} is neither a wheel nor a source archive")


def _with_secret(reference: UrlReference) -> str:
    scheme, _, rest = reference.url.partition("://")
    return f"{scheme}://{reference.secret}@{rest}" if reference.secret else reference.url


def _checked(reference: UrlReference, file: File, metadata: Metadata) -> Direct:
    known = dict(file.hashes)
    for algorithm, digest in reference.hashes:
        if known.get(algorithm, digest) != digest:
            raise Broken(f"its {algorithm} is not the one that is asked for")
    return Direct(reference, metadata, file=file)


def _verify(reference: UrlReference, file: File, whole: IO[bytes]) -> None:
    """Raises Broken where the content is not the one that the fragment of the URL asks for."""
    for algorithm, digest in reference.hashes:
        if algorithm == "sha256":
            found = dict(file.hashes)["sha256"]
        else:
            found = hashlib.file_digest(whole, algorithm).hexdigest()  # type: ignore[arg-type]
            whole.seek(0)
        if found != digest:
            raise Broken(f"its {algorithm} is not the one that is asked for")
