"""Keys of ``[tool.uv]`` for which uv takes no lock of a project or a script, whatever is in it."""

from __future__ import annotations

from collections.abc import Mapping

from satlock.encoder.project.layers import OF_UV_TOML
from satlock.encoder.project.misspelt import near
from satlock.encoder.project.settings import KEYS_OF_UV
from satlock.encoder.project.values import Value, shown

__all__ = ["refuse_keys"]

_NOT_IN_SCRIPTS = frozenset((
    "add-bounds", "audit", "build-backend", "cache-keys", "check-url", "conflicts", "default-groups",
    "dependency-groups", "dev-dependencies", "environments", "managed", "package", "pip", "publish-url",
    "pypy-install-mirror", "python-install-mirror", "required-environments", "trusted-publishing", "workspace",
))  # fmt: skip
"""Each was tried with uv 0.13.9, which refuses a script that has one."""

_FORMS: dict[str, tuple[tuple[type, ...], str]] = {
    **dict.fromkeys(
        ("compile-bytecode", "no-cache", "offline", "preview", "reinstall", "require-build-hashes", "upgrade"),
        ((bool,), "true or false"),
    ),
    **dict.fromkeys(("concurrent-builds", "concurrent-downloads", "concurrent-installs"), ((int,), "a number")),
    **dict.fromkeys(
        ("cache-dir", "check-url", "graalpy-install-mirror", "http-proxy", "https-proxy", "publish-url",
         "pyodide-install-mirror", "pypy-install-mirror", "python-downloads-json-url", "python-install-mirror",
         "required-version"),
        ((str,), "a string"),
    ),
    **dict.fromkeys(
        ("add-bounds", "link-mode", "python-downloads", "python-preference", "torch-backend", "trusted-publishing"),
        ((str, dict), "one of uv's words for it"),
    ),
    **dict.fromkeys(("cache-keys", "no-proxy", "reinstall-package", "upgrade-package"), ((list,), "a list")),
    "preview-features": ((bool, list), "a list, or true or false"),
}  # fmt: skip
"""Of keys that have no meaning here the values that uv 0.13.9 can read, each kind tried, and how they are told."""


def refuse_keys(uv: Mapping[str, Value], *, script: bool) -> None:
    """Refuses what uv refuses, and what makes it pass over all other settings.

    A key that looks like none that is known may be one of a newer uv, and is left to a warning. A value that uv cannot
    read makes it pass over what a ``uv.toml`` may say too; where the project says nothing of this, nothing is lost.

    Raises:
        ProjectError: names the key.
    """
    for key, value in uv.items():
        if script and key in _NOT_IN_SCRIPTS:
            raise value.error("is a setting that uv takes in no script", "remove it, or write a pylock.toml")
        if key not in KEYS_OF_UV and (meant := near(key, KEYS_OF_UV)) is not None:
            problem = "uv takes no such script" if script else "uv passes over all of [tool.uv] for it"
            raise value.error(f"is unknown, and {problem}", f"did you mean {meant}? Or write a pylock.toml")
        kinds, form = _FORMS.get(key, ((object,), ""))
        if not isinstance(value.raw, kinds) or (kinds == (int,) and (value.raw is True or value.raw is False)):
            lost = sorted(OF_UV_TOML & uv.keys() - {key})
            if script or lost:
                problem = "uv takes no such script" if script else f"uv passes over tool.uv.{lost[0]} for it"
                raise value.error(f"is {shown(value.raw)}, and {problem}", f"write {form}, or a pylock.toml")
    if not script and "managed" in uv and not uv["managed"].flag():
        raise uv["managed"].error("is false, so that uv has no lock of it", "remove it, or write a pylock.toml")
