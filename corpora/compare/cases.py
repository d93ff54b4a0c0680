"""What is compared: projects, with what is known of them beforehand, and the worlds they are locked against."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path

from satlock.corpora.compare.asked import asked_by
from satlock.corpora.recorded.families import generated, write_families
from satlock.corpora.recorded.snapshot import SnapshotCorpus
from satlock.records import dataclass, field

__all__ = ["Case", "CaseError", "Recorded", "Suite", "read_cases", "read_suite"]


class CaseError(Exception):
    """A project cannot be compared (exit code 2); the message is one sentence."""


@dataclass(frozen=True)
class Case:
    """One project. A ``case.toml`` beside its ``pyproject.toml`` may tell more than the name."""

    name: str
    pyproject: str
    kind: str = "project"
    """``project``, ``ecosystem``, ``hard``, ``torch`` or ``family``."""
    family: str = ""
    """Of generated ones: what they have in common."""
    size: int = 0
    """Of generated ones: the knob of their family."""
    satisfiable: bool | None = None
    """Whether a lock exists, where this is known for certain."""
    alike: bool = False
    """Whether each environment asks the same: then what is true of all of them is true of each."""
    source: str = ""
    """Where it was seen."""


@dataclass(frozen=True)
class Recorded:
    """A world: a snapshot."""

    name: str
    """Of its file."""
    recorded: str
    """When (RFC 3339)."""
    digest: str
    """Of what it holds."""
    content: bytes = field(repr=False)
    """The file."""
    projects: tuple[str, ...] = ()
    """The names of the projects that it was recorded from, where it tells."""

    @classmethod
    def at(cls, path: Path) -> Recorded:
        """Raises SnapshotError."""
        opened = SnapshotCorpus(path)
        return cls(path.name, opened.recorded, opened.digest, path.read_bytes(), opened.projects)


Suite = Sequence[tuple[Case, Recorded]]
"""What one run compares: every case with its world."""


def read_suite(path: Path, made: Path) -> list[tuple[Case, Recorded]]:
    """A suite is a TOML file of ``[[world]]`` tables.

    Each has a ``snapshot`` and ``projects`` (folders, with wildcards; beside the file), or generated ``families``, with
    the ``sizes`` of their instances where not all are wanted. Of the folders that a wildcard matches, those count that
    the snapshot was recorded from, where it tells: the others would find a world without the packages they want.

    Args:
        made: where generated worlds are written.

    Raises CaseError and SnapshotError.
    """
    try:
        worlds = tomllib.loads(path.read_text(encoding="utf-8"))["world"]
        suite: list[tuple[Case, Recorded]] = []
        for number, world in enumerate(worlds):
            if families := world.get("families"):
                instances = generated(families, world.get("sizes"))
                snapshot = write_families(instances, made / str(number))
                folders = [snapshot.parent / instance.name for instance in instances]
            else:
                snapshot = path.parent / world["snapshot"]
                folders = [folder for wanted in world["projects"] for folder in _matching(path, wanted)]
            recorded = Recorded.at(snapshot)
            known = set(recorded.projects) or {folder.name for folder in folders}
            cases = read_cases(folder for folder in folders if folder.name in known)
            if not cases:
                raise CaseError(f"{snapshot} was recorded from none of the projects that {path} names for it.")
            suite += [(case, recorded) for case in cases]
    except OSError as error:
        raise CaseError(f"{path} cannot be read: {error.strerror or error}.") from None
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise CaseError(f"{path} is not a suite of [[world]] tables: {type(error).__name__}: {error}.") from None
    return suite


def _matching(path: Path, wanted: str) -> list[Path]:
    found = sorted(folder for folder in path.parent.glob(wanted) if (folder / "pyproject.toml").is_file())
    if not found:
        raise CaseError(f"{path} names projects {wanted}, and there are none.")
    return found


def read_cases(folders: Iterable[Path]) -> list[Case]:
    """The projects in folders; their names are those of the folders, and unique.

    Raises CaseError.
    """
    cases: dict[str, Case] = {}
    for folder in folders:
        path = folder if folder.name == "pyproject.toml" else folder / "pyproject.toml"
        try:
            text = path.read_text(encoding="utf-8")
            asked_by(text)
            told = path.with_name("case.toml")
            more = tomllib.loads(told.read_text(encoding="utf-8")) if told.is_file() else {}
            case = Case(path.resolve().parent.name, text, **more)
        except OSError as error:
            raise CaseError(f"{path} cannot be read: {error.strerror or error}.") from None
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise CaseError(f"{path} is not a project that can be compared: {error}.") from None
        if case.name in cases:
            raise CaseError(f"Two projects are in folders named {case.name}; give each a name of its own.")
        cases[case.name] = case
    return list(cases.values())
