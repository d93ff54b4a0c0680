"""Who installs what a build needs, and from where: uv where there is one, since it knows indexes of a package's own;
else pip, for projects with one index."""

from __future__ import annotations

import os
import sys
from typing import Any

from satlock.corpora.index.building import Building, Place
from satlock.corpora.index.default_index import pip_setting
from satlock.corpora.index.failed_build import BuildError
from satlock.corpora.index.interpreters import uv_program

__all__ = ["installer_for"]

_OF_INDEXES = (
    "UV_DEFAULT_INDEX", "UV_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS", "UV_NO_INDEX",
    "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_NO_INDEX",
)  # fmt: skip
"""What the project's indexes take the place of: they were read with the project."""
_OF_OTHERS = (
    "UV_PYTHON", "UV_PROJECT", "UV_WORKING_DIRECTORY", "UV_CONSTRAINT", "UV_OVERRIDE", "UV_EXCLUDE", "UV_RESOLUTION",
    "UV_BUILD_CONSTRAINT", "UV_EXCLUDE_NEWER", "UV_PRERELEASE", "UV_TARGET", "UV_PREFIX", "UV_SYSTEM_PYTHON",
    "UV_BREAK_SYSTEM_PACKAGES", "UV_TORCH_BACKEND", "UV_REQUIRE_HASHES", "UV_NO_BUILD", "UV_NO_BINARY",
    "PIP_CONSTRAINT", "PIP_REQUIREMENT", "PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_USER", "PIP_NO_DEPS",
    "UV_ONLY_BINARY", "PIP_PYTHON", "PIP_REQUIRE_HASHES", "PIP_NO_BINARY", "PIP_ONLY_BINARY", "PIP_QUIET",
    "PIP_VERBOSE", "PIP_DRY_RUN",
)  # fmt: skip
"""What a person set for installations of other kinds."""


_PIP_CONNECTS = ("cert", "client-cert", "keyring-provider", "proxy", "retries", "timeout", "trusted-host")
"""The settings of pip that hold for any index."""


def installer_for(building: Building, *, offline: bool) -> dict[str, Any]:
    """The installer, for the request of a build. Raises BuildError where none serves."""
    program = uv_program()
    without = [*(_OF_INDEXES if building.places else ()), *_OF_OTHERS]
    if program is not None:
        return {
            "kind": "uv",
            "uv": program,
            "project": _project(building),
            "variables": _of_uv(building),
            "without": without,
            "options": ["--offline"] if offline else [],
        }
    return {**_pip(building, offline=offline), "kind": "pip", "without": without}


def _project(building: Building) -> str:
    """A ``pyproject.toml`` that asks for what the build needs as the project would: its indexes, in their order, with
    their credentials, and the packages that come from an index of their own."""
    import tomli_w

    names = {place.name for place in building.places if place.name}
    settings: dict[str, Any] = {"index-strategy": building.index_strategy}
    if building.exclude_newer is not None:
        settings["exclude-newer"] = building.exclude_newer
    lifted = {name: when or False for name, when in building.exclude_newer_package.items()}
    if lifted:
        settings["exclude-newer-package"] = lifted
    beside = [place.url for place in building.places if place.flat and not place.name]
    if beside:
        settings["find-links"] = beside
    indexes = [_index(place) for place in building.places if place.url not in beside]
    if indexes:
        settings["index"] = indexes
    sources: dict[str, list[dict[str, str]]] = {}
    for package, index, marker in building.pins:
        if index in names:
            sources.setdefault(package, []).append({"index": index, **({"marker": marker} if marker else {})})
    if sources:
        settings["sources"] = sources
    head = '[project]\nname = "what-a-build-needs"\nversion = "0"\ndependencies = [\'REQUIREMENTS\']\n\n'
    return head + tomli_w.dumps({"tool": {"uv": settings}})


def _index(place: Place) -> dict[str, Any]:
    stated: dict[str, Any] = {"url": place.url}
    if place.name:
        stated["name"] = place.name
    for key, value in (("default", place.default), ("explicit", place.explicit)):
        if value:
            stated[key] = True
    if place.flat:
        stated["format"] = "flat"
    if place.ignored is not None:
        stated["ignore-error-codes"] = sorted(place.ignored)
    return stated


def _of_uv(building: Building) -> dict[str, str]:
    access = building.access
    variables = {"UV_HTTP_TIMEOUT": f"{max(1, round(access.timeout))}"}
    if access.keyring in ("subprocess", "disabled"):
        variables["UV_KEYRING_PROVIDER"] = access.keyring
    if access.system_certificates:
        variables["UV_SYSTEM_CERTS"] = variables["UV_NATIVE_TLS"] = "true"
    if access.insecure_hosts:
        variables["UV_INSECURE_HOST"] = " ".join(sorted(access.insecure_hosts))
    return variables


def _pip(building: Building, *, offline: bool) -> dict[str, Any]:
    """pip takes all indexes for one, so that a stranger's package could come in the place of a private one."""
    from importlib.util import find_spec

    chain = [place for place in building.places if not place.explicit and not (place.flat and not place.name)]
    if len(chain) > 1 and building.index_strategy != "unsafe-best-match":
        raise BuildError(
            "its build needs packages, and pip cannot tell the project's indexes apart; install uv beside satlock"
        )
    if any(place.flat for place in chain):
        raise BuildError("its build needs packages from a flat index; install uv beside satlock")
    variables = {"PIP_CONFIG_FILE": os.devnull}  # it may name further indexes
    for key in _PIP_CONNECTS:
        if (value := pip_setting(key)) is not None:
            variables["PIP_" + key.upper().replace("-", "_")] = value
    if chain:
        first = next((place for place in chain if place.default), chain[-1])
        variables["PIP_INDEX_URL"] = first.url
        variables["PIP_EXTRA_INDEX_URL"] = " ".join(place.url for place in chain if place is not first)
    links = [place.url for place in building.places if place.flat]
    if links:
        variables["PIP_FIND_LINKS"] = " ".join(links)
    access = building.access
    variables["PIP_TIMEOUT"] = f"{access.timeout:g}"
    if access.insecure_hosts:  # with those that pip's settings name
        variables["PIP_TRUSTED_HOST"] = " ".join(sorted(access.insecure_hosts))
    own = find_spec("pip") is None or sys.platform == "win32"
    return {"variables": variables, "options": ["--no-index"] if offline else [], "own": own}
