"""Git repositories through the git command line: a bare repository for each in the cache, checkouts by commit.

Addresses and references come from strangers (a package's metadata may name them), so both are checked before git sees
them, git runs without a shell, never asks a person, and follows no transport but those named here. Credentials reach
it by its environment alone: neither a command line nor a configuration file ever holds them.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from base64 import b64encode
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

from satlock.corpora.facts import CorpusError
from satlock.corpora.references import GitError, GitReference, checked, repository

__all__ = ["Repositories"]

_COMMIT = re.compile(r"[0-9a-f]{40}")
_SHORT = re.compile(r"[0-9a-f]{7,39}")
_EVERYTHING = ("+refs/heads/*:refs/satlock/heads/*", "+refs/tags/*:refs/tags/*")
_TIMEOUT = 900.0
"""Seconds for one command of git; the largest repositories take minutes."""
_STEERING = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES",
             "GIT_COMMON_DIR", "GIT_NAMESPACE", "GIT_CEILING_DIRECTORIES", "GIT_PREFIX")  # fmt: skip
"""Variables that a hook of git sets, and that would make git look at another repository."""


class Repositories:
    """The repositories of one cache."""

    def __init__(self, folder: Path | None, *, offline: bool) -> None:
        self._temporary = tempfile.TemporaryDirectory(prefix="satlock-git-") if folder is None else None
        self._folder = Path(self._temporary.name) if self._temporary is not None else Path(str(folder))
        self._offline = offline

    def close(self) -> None:
        if self._temporary is not None:
            with suppress(OSError):
                self._temporary.cleanup()

    def commit(self, reference: GitReference) -> str:
        """The commit that a reference stands for now, or that it is locked to, fetched.

        Raises:
            GitError: it stands for none.
            CorpusError: the repository cannot be reached, or git is not there.
        """
        checked(reference)
        bare = self._bare(reference)
        wanted = reference.locked or (reference.ref if _COMMIT.fullmatch(reference.ref) else "")
        if wanted and _COMMIT.fullmatch(wanted):
            if not self._has(bare, wanted):
                self._fetch_commit(bare, reference, wanted)
            return wanted
        if self._away(reference):
            return self._remembered(bare, reference)
        told = self._told(bare, reference)
        for place in self._places(reference):
            if place in told:
                return self._remember(bare, reference, place, told[place])
        if reference.kind != "rev" or not _SHORT.fullmatch(reference.ref):
            raise GitError(f"its repository {reference.url} has no {_asked(reference)}")
        self._fetch_or_fail(bare, reference, [*_EVERYTHING, "+HEAD:refs/satlock/HEAD"])
        return self._remembered(bare, reference)

    def checkout(self, reference: GitReference, commit: str) -> Path:
        """A folder with the files of a commit. Raises CorpusError."""
        bare = self._bare(reference)
        target = self._folder / "checkouts" / bare.stem / commit
        if (target / ".git").exists() and (target / ".git" / "satlock-ok").exists():
            return target
        target.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(dir=target.parent, prefix=".new-"))
        try:
            self._git(["clone", "--quiet", "--local", "--no-checkout", "--", str(bare), str(scratch)], None, local=True)
            self._git(["reset", "--quiet", "--hard", commit], scratch, local=True, lfs=reference.lfs)
            (scratch / ".git" / "satlock-ok").touch()
            if target.exists():
                shutil.rmtree(target, ignore_errors=True)
            with suppress(OSError):  # another process was faster
                os.replace(scratch, target)
        except GitError as error:
            raise CorpusError(f"the repository {reference.url} cannot be checked out: {error}") from None
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
        return target

    def complete(self, reference: GitReference, tree: Path) -> None:
        """Fetches what a build may need besides: the tags, which tell versions, and submodules. Raises CorpusError."""
        if self._away(reference):
            return
        self._fetch_or_fail(self._bare(reference), reference, ["+refs/tags/*:refs/tags/*"])
        try:
            self._git(["fetch", "--quiet", "--tags", "origin"], tree, local=True)
            if not (tree / ".gitmodules").is_file():
                return
            self._git(["submodule", "--quiet", "update", "--init", "--recursive"], tree, asked=reference)
        except GitError as error:
            raise CorpusError(f"the submodules of {reference.url} cannot be fetched: {error}") from None

    # -- inside

    def _bare(self, reference: GitReference) -> Path:
        name = blake2b(repository(reference.url).encode(), digest_size=12).hexdigest()
        bare = self._folder / "repositories" / f"{name}.git"
        if not (bare / "HEAD").is_file():
            bare.parent.mkdir(parents=True, exist_ok=True)
            try:
                self._git(["init", "--quiet", "--bare", "--template=", "--", str(bare)], None, local=True)
            except GitError as error:
                raise CorpusError(f"a repository cannot be kept in the cache: {error}") from None
        return bare

    def _has(self, bare: Path, commit: str) -> bool:
        try:
            self._git(["cat-file", "-e", f"{commit}^{{commit}}"], bare, local=True)
        except GitError:
            return False
        return True

    def _away(self, reference: GitReference) -> bool:
        """Whether the repository is out of reach."""
        return self._offline and not reference.url.startswith("file:")

    def _fetch_commit(self, bare: Path, reference: GitReference, commit: str) -> None:
        if self._away(reference):
            raise CorpusError(f"commit {commit[:12]} of {reference.url} is not in the cache, and satlock is offline")
        try:
            self._fetch(bare, reference, [f"+{commit}:refs/satlock/commits/{commit}"])
        except GitError:
            # A server need not give a commit by its name alone: then it is among the branches and tags.
            self._fetch_or_fail(bare, reference, list(_EVERYTHING))
        if not self._has(bare, commit):
            raise GitError(f"its repository {reference.url} has no commit {commit[:12]}")

    def _told(self, bare: Path, reference: GitReference) -> dict[str, str]:
        """The commits that the repository has now for what a reference may mean, by their names there."""
        places = [name for place in self._places(reference) for name in (place, f"{place}^{{}}")]
        try:
            said = self._git(["ls-remote", "--", _with_user(reference), *places], bare, asked=reference)
        except GitError as error:
            raise CorpusError(f"the repository {reference.url} cannot be asked: {error}") from None
        told: dict[str, str] = {}
        for line in said.splitlines():
            commit, _, name = line.partition("\t")
            if _COMMIT.fullmatch(commit) and name in places:
                told[name] = commit
        # A tag that has an object of its own is followed to its commit.
        return {name.removesuffix("^{}"): told.get(f"{name.removesuffix('^{}')}^{{}}", told[name]) for name in told}

    def _remember(self, bare: Path, reference: GitReference, place: str, commit: str) -> str:
        """Fetches a commit where it is not there yet, and keeps what stands for it, for when satlock is offline."""
        if not self._has(bare, commit):
            self._fetch_or_fail(bare, reference, [f"+{place}:{_here(place)}"])
        if not self._has(bare, commit):  # It moved in between.
            self._fetch_commit(bare, reference, commit)
        with suppress(GitError):
            self._git(["update-ref", _here(place), commit], bare, local=True)
        return commit

    @staticmethod
    def _places(reference: GitReference) -> list[str]:
        """The names there of what a reference may be; the first that exists counts (as in uv: branches, then tags)."""
        ref = reference.ref
        if reference.kind is None:
            return ["HEAD"]
        branch, tag = f"refs/heads/{ref}", f"refs/tags/{ref}"
        return {"branch": [branch], "tag": [tag], "rev": [branch, tag]}[reference.kind]

    def _remembered(self, bare: Path, reference: GitReference) -> str:
        """What a reference stands for according to what was fetched."""
        names = [_here(place) for place in self._places(reference)]
        if reference.kind == "rev" and _SHORT.fullmatch(reference.ref):
            names.append(reference.ref)
        for name in names:
            with suppress(GitError):
                asked = ["rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}"]
                told = self._git(asked, bare, local=True).strip()
                if _COMMIT.fullmatch(told):
                    return told
        if self._away(reference):
            raise CorpusError(f"the {_asked(reference)} of {reference.url} is not in the cache, and satlock is offline")
        raise GitError(f"its repository {reference.url} has no {_asked(reference)}")

    def _fetch_or_fail(self, bare: Path, reference: GitReference, refspecs: list[str]) -> None:
        try:
            self._fetch(bare, reference, refspecs)
        except GitError as error:
            raise CorpusError(f"the repository {reference.url} could not be fetched: {error}") from None

    def _fetch(self, bare: Path, reference: GitReference, refspecs: list[str]) -> None:
        options = ["--quiet", "--force", "--no-tags", "--no-write-fetch-head"]
        address = _with_user(reference)
        self._git(["fetch", *options, "--end-of-options", address, *refspecs], bare, asked=reference)

    def _git(
        self,
        command: list[str],
        folder: Path | None,
        *,
        asked: GitReference | None = None,
        local: bool = False,
        lfs: bool = False,
    ) -> str:
        """What git prints. Raises GitError where it fails, CorpusError where it is not there."""
        settings = {"core.hooksPath": os.devnull, "protocol.ext.allow": "never", "credential.interactive": "false",
                    "core.fsmonitor": "false", "advice.detachedHead": "false", "gc.auto": "0"}  # fmt: skip
        if asked is not None and (header := _authorization(asked)):
            settings[f"http.{_origin(asked.url)}.extraHeader"] = header
        environment = {key: value for key, value in os.environ.items() if key not in _STEERING}
        environment |= {
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ALLOW_PROTOCOL": "file" if local else _transports(asked),
            "GIT_CONFIG_COUNT": str(len(settings)),
            "LC_ALL": "C",
        }
        if not lfs:
            environment["GIT_LFS_SKIP_SMUDGE"] = "1"
        environment.setdefault("GIT_SSH_COMMAND", "ssh -o BatchMode=yes")
        for number, (key, value) in enumerate(settings.items()):
            environment |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
        try:
            done = subprocess.run(
                ["git", *command], cwd=folder, env=environment, capture_output=True, timeout=_TIMEOUT,
                stdin=subprocess.DEVNULL, check=False,
            )  # fmt: skip
        except FileNotFoundError:
            raise CorpusError("git is needed for a requirement from a repository and is not installed") from None
        except OSError as error:
            raise CorpusError(f"git cannot be run ({error.strerror or error})") from None
        except subprocess.TimeoutExpired:
            raise GitError("git took too long") from None
        if done.returncode != 0:
            raise GitError(_reason(done.stderr.decode("utf-8", "replace"), asked))
        return done.stdout.decode("utf-8", "replace")


def _here(place: str) -> str:
    """The name in the cache of what has the name ``place`` in the repository."""
    return f"refs/satlock/{place.removeprefix('refs/')}" if not place.startswith("refs/tags/") else place


def _asked(reference: GitReference) -> str:
    return f"{reference.kind} {reference.ref!r}" if reference.kind else "default branch"


def _transports(asked: GitReference | None) -> str:
    """A local repository may have local submodules; a remote one may not reach for files of this machine."""
    return "file:https:http:ssh:git" if asked is None or asked.url.startswith("file:") else "https:http:ssh:git"


def _with_user(reference: GitReference) -> str:
    """The address for git: of ssh with its user, which is no secret there; of http without."""
    parts = urlsplit(reference.url)
    user = reference.secret.partition(":")[0]
    if parts.scheme == "ssh" and user and "@" not in parts.netloc:
        return urlunsplit(parts._replace(netloc=f"{user}@{parts.netloc}"))
    return reference.url


def _authorization(reference: GitReference) -> str:
    if not reference.secret or not reference.url.startswith(("http:", "https:")):
        return ""
    user, _, password = reference.secret.partition(":")
    encoded = b64encode(f"{unquote(user)}:{unquote(password)}".encode()).decode()
    return f"Authorization: Basic {encoded}"


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}/"


def _reason(said: str, asked: GitReference | None) -> str:
    """The line of git's words that says why, without what must not be shown."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    marked = [line for line in lines if line.lower().startswith(("fatal:", "error:"))]
    text = (marked or lines or ["it ended without a word"])[0]
    text = text.partition(":")[2].strip() if text.lower().startswith(("fatal:", "error:")) else text
    secret = asked.secret if asked is not None else ""
    for part in (secret, *secret.split(":")):
        if part:
            text = text.replace(part, "…")
    return text[:300]
