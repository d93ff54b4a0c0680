"""How a lock was chosen of all the valid ones: noted in the lock where it is no default, and compared when it is there.

In a ``uv.lock`` the table ``[options]`` has it, in uv's words; in a ``pylock.toml`` the table ``[tool.satlock]``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from satlock.encoder.project.project import Project
from satlock.records import dataclass

if TYPE_CHECKING:
    from satlock.solver.lockfiles.standing.reading import Standing

__all__ = ["DEFAULT", "Change", "change_of_choosing", "choosing_of"]

DEFAULT = "fresh"
"""The objective where nobody says one."""
_UNLESS_SAID = {"objective": DEFAULT, "fork-strategy": "requires-python", "prerelease": "if-necessary"}
_MODES = {"highest": ("fresh", "newest-first"), "lowest": ("lowest",), "lowest-direct": ("lowest-direct",)}
"""The objectives that are one resolution mode for uv."""


@dataclass(frozen=True)
class Change:
    """The lock that is there was chosen in another way than is asked for now."""

    setting: str
    before: str
    now: str
    kept: bool
    """Whether its versions are still a good place to begin at: where only other ones have become admissible."""

    def __str__(self) -> str:
        return f"it was made with {self.setting} {self.before}, and {self.now} is asked for"


def choosing_of(project: Project, objective: str) -> dict[str, object]:
    """What a ``pylock.toml`` notes: the settings that are no defaults."""
    said = {
        "objective": objective,
        "fork-strategy": project.fork_strategy,
        "prerelease": project.prerelease,
    }
    noted: dict[str, object] = {key: value for key, value in said.items() if value != _UNLESS_SAID[key]}
    if project.prerelease_package:
        noted["prerelease-package"] = dict(sorted(project.prerelease_package.items()))
    return noted


def change_of_choosing(standing: Standing, project: Project, objective: str, *, said: str | None) -> Change | None:
    """In what the lock that is there was chosen otherwise than the project is to be locked now; None where in nothing.

    Args:
        said: the objective that was asked for in so many words. uv's mode ``highest`` stands for two of ours, and one
            that its user did not tell apart is no reason to lock again.
    """
    before = _noted_by_uv(standing) if standing.form == "uv" else _noted_by_satlock(standing)
    if before is None:
        return None
    now: dict[str, Any] = {**_UNLESS_SAID, "prerelease-package": {}, **choosing_of(project, objective)}
    if standing.form == "uv" and said is None:
        mode = next((mode for mode, ours in _MODES.items() if before["objective"] in ours), None)
        if objective in _MODES.get(mode or "", ()):
            before = {**before, "objective": objective}
    for setting, kept in (("objective", False), ("fork-strategy", False), ("prerelease", True)):
        if before[setting] != now[setting]:
            return Change(setting, str(before[setting]), str(now[setting]), kept)
    if before["prerelease-package"] != now["prerelease-package"]:
        return Change("prerelease-package", _listed(before), _listed(now), True)
    return None


def _noted_by_uv(standing: Standing) -> Mapping[str, Any] | None:
    options = standing.tables.get("options", {})
    if not isinstance(options, dict):
        return None
    objective = options.get("objective") or _MODES.get(str(options.get("resolution-mode", "highest")), ("",))[0]
    return {
        "objective": objective,
        "fork-strategy": options.get("fork-strategy", "requires-python"),
        "prerelease": _prerelease(options.get("prerelease-mode", "if-necessary")),
        "prerelease-package": _modes(options.get("prerelease-package")),
    }


def _noted_by_satlock(standing: Standing) -> Mapping[str, Any] | None:
    """None where another tool wrote it: that one chose in its own way, and its versions are kept."""
    if standing.tables.get("created-by") != "satlock":
        return None
    tool = standing.tables.get("tool", {})
    noted = tool.get("satlock", {}) if isinstance(tool, dict) else {}
    if not isinstance(noted, dict):
        return None
    packages = _modes(noted.get("prerelease-package"))
    return {**_UNLESS_SAID, **{key: noted[key] for key in _UNLESS_SAID if key in noted}, "prerelease-package": packages}


def _modes(said: object) -> dict[str, object]:
    return {name: _prerelease(mode) for name, mode in said.items()} if isinstance(said, dict) else {}


def _prerelease(mode: object) -> object:
    """The mode; a default that has two names under one."""
    return "if-necessary" if mode == "if-necessary-or-explicit" else mode


def _listed(noted: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={mode}" for name, mode in noted["prerelease-package"].items()) or "nothing"
