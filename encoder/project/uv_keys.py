"""Keys of ``[tool.uv]`` for which uv takes no lock of a project or a script, whatever is in it."""

from __future__ import annotations

from collections.abc import Mapping

from satlock.encoder.project.misspelt import near
from satlock.encoder.project.settings import KEYS_OF_UV
from satlock.encoder.project.values import Value

__all__ = ["refuse_keys"]

_NOT_IN_SCRIPTS = frozenset((
    "add-bounds", "audit", "build-backend", "cache-keys", "check-url", "conflicts", "default-groups",
    "dependency-groups", "dev-dependencies", "environments", "managed", "package", "pip", "publish-url",
    "pypy-install-mirror", "python-install-mirror", "required-environments", "trusted-publishing", "workspace",
))  # fmt: skip
"""Each was tried with uv 0.13.9, which refuses a script that has one."""


def refuse_keys(uv: Mapping[str, Value], *, script: bool) -> None:
    """Refuses what uv refuses, and what makes it pass over all other settings.

    A key that looks like none that is known may be one of a newer uv, and is left to a warning.

    Raises:
        ProjectError: names the key.
    """
    for key, value in uv.items():
        if script and key in _NOT_IN_SCRIPTS:
            raise value.error("is a setting that uv takes in no script", "remove it, or write a pylock.toml")
        if key not in KEYS_OF_UV and (meant := near(key, KEYS_OF_UV)) is not None:
            problem = "uv takes no such script" if script else "uv passes over all of [tool.uv] for it"
            raise value.error(f"is unknown, and {problem}", f"did you mean {meant}? Or write a pylock.toml")
    if not script and "managed" in uv and not uv["managed"].flag():
        raise uv["managed"].error("is false, so that uv has no lock of it", "remove it, or write a pylock.toml")
