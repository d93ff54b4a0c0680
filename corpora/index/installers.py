"""Who installs what a build needs, and from where: uv where there is one, since it knows indexes of a package's own;
else pip, which is shown one index in the place of all (:mod:`satlock.corpora.index.build_shelf`)."""

from __future__ import annotations

import os
import sys
from typing import Any

from satlock.corpora.index.building import Building, Place
from satlock.corpora.index.default_index import pip_setting
from satlock.corpora.index.interpreters import uv_program

__all__ = ["installer_for", "uv_installs"]

_OF_INDEXES = (
    "UV_DEFAULT_INDEX", "UV_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS", "UV_NO_INDEX",
    "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_NO_INDEX",
)  # fmt: skip
"""What the project's indexes take the place of: they were read with the project."""
_OF_OTHERS = (
    "UV_PYTHON", "UV_PROJECT", "UV_WORKING_DIRECTORY", "UV_CONSTRAINT", "UV_OVERRIDE", "UV_EXCLUDE", "UV_RESOLUTION",
    "UV_BUILD_CONSTRAINT", "UV_EXCLUDE_NEWER", "UV_PRERELEASE", "UV_TARGET", "UV_PREFIX", "UV_SYSTEM_PYTHON",
    "UV_BREAK_SYSTEM_PACKAGES", "UV_TORCH_BACKEND", "UV_REQUIRE_HASHES", "UV_NO_BUILD", "UV_NO_BINARY",
    "UV_NO_BUILD_ISOLATION", "UV_REQUIRE_BUILD_HASHES",
    "PIP_CONSTRAINT", "PIP_REQUIREMENT", "PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_USER", "PIP_NO_DEPS",
    "UV_ONLY_BINARY", "PIP_PYTHON", "PIP_REQUIRE_HASHES", "PIP_NO_BINARY", "PIP_ONLY_BINARY", "PIP_QUIET",
    "PIP_VERBOSE", "PIP_DRY_RUN", "PIP_UPLOADED_PRIOR_TO", "PIP_PRE", "PIP_PREFER_BINARY", "PIP_IGNORE_REQUIRES_PYTHON",
    "PIP_PLATFORM", "PIP_PYTHON_VERSION", "PIP_BUILD_CONSTRAINT",
)  # fmt: skip
"""What a person set for installations of other kinds."""

_PATIENCE = 600
"""Seconds for which pip waits for an answer of satlock's, which has a limit of its own for each server."""
_PIP_CONNECTS = ("cert", "client-cert", "keyring-provider", "proxy", "retries", "timeout", "trusted-host")
"""The settings of pip that hold for any index."""


def uv_installs() -> bool:
    """Whether there is an uv."""
    return uv_program() is not None


def installer_for(building: Building, index: str, *, offline: bool) -> dict[str, Any]:
    """The installer, for the request of a build.

    Args:
        index: the one that pip is to ask, in the place of the project's; empty where these are not known.
    """
    program = uv_program()
    without = [*(_OF_INDEXES if building.places else ()), *_OF_OTHERS]
    if program is not None:
        return {
            "kind": "uv",
            "uv": program,
            "project": _project(building),
            "variables": _of_uv(building),
            "without": without,
            "options": [*(["--offline"] if offline else []), *_wheels_only(building)],
        }
    return {**_pip(building, index, offline=offline), "kind": "pip", "without": without}


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
    beside = [place.url for place in building.places if place.beside]
    if beside:
        settings["find-links"] = beside
    indexes = [_index(place) for place in building.places if not place.beside]
    if indexes:
        settings["index"] = indexes
    if building.places and not any(place.default for place in building.places if not place.beside):
        settings["no-index"] = True  # uv would ask a default index that the project does not name
    sources: dict[str, list[dict[str, str]]] = {}
    for package, index, marker in building.pins:
        if index in names:
            sources.setdefault(package, []).append({"index": index, **({"marker": marker} if marker else {})})
    if sources:
        settings["sources"] = sources
    head = '[project]\nname = "what-a-build-needs"\nversion = "0"\ndependencies = [\'REQUIREMENTS\']\n\n'
    return head + tomli_w.dumps({"tool": {"uv": settings}})


def _wheels_only(building: Building) -> list[str]:
    """The options of uv and pip by which no build begins others that the project does not allow."""
    only = ":all:" if building.no_build else ",".join(sorted(building.no_build_of))
    but = sorted(building.no_binary_of - building.no_build_of) if building.no_build else []
    return [*(("--only-binary", only) if only else ()), *(word for name in but for word in ("--no-binary", name))]


def _index(place: Place) -> dict[str, Any]:
    stated: dict[str, Any] = {"url": place.url}
    if place.name:
        stated["name"] = place.name
    for key, value in (("default", place.default), ("explicit", place.explicit)):
        if value:
            stated[key] = True
    if place.flat:
        stated["format"] = "flat"
    if place.exclude_newer is not None:
        stated["exclude-newer"] = place.exclude_newer or False
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


def _pip(building: Building, index: str, *, offline: bool) -> dict[str, Any]:
    from importlib.util import find_spec

    variables = {"PIP_CONFIG_FILE": os.devnull}  # it may name further indexes
    for key in _PIP_CONNECTS:
        if (value := pip_setting(key)) is not None:
            variables["PIP_" + key.upper().replace("-", "_")] = value
    access = building.access
    variables["PIP_TIMEOUT"] = f"{access.timeout:g}"
    if access.insecure_hosts:  # with those that pip's settings name
        variables["PIP_TRUSTED_HOST"] = " ".join(sorted(access.insecure_hosts))
    if index:
        variables |= {"PIP_INDEX_URL": index, "PIP_TIMEOUT": f"{_PATIENCE}", "PIP_NO_CACHE_DIR": "1"}
        if proxy := variables.pop("PIP_PROXY", ""):  # which pip would ask for what is on loopback, too
            variables |= dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), proxy)
        direct = ",".join(filter(None, (os.environ.get("NO_PROXY") or os.environ.get("no_proxy"), "127.0.0.1")))
        variables |= {"NO_PROXY": direct, "no_proxy": direct}
    options = ["--no-index"] if offline and not index else []
    return {
        "variables": variables,
        "options": [*options, *_wheels_only(building)],
        "own": find_spec("pip") is None or sys.platform == "win32",
    }
