"""The files of a certificate, and what is in them as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from satlock.solver.checking.files import NotGiven, read_folder
from satlock.solver.checking.markers import Bad
from satlock.solver.checking.model import Table

__all__ = ["VERSION", "json_of", "legend_of", "manifest_of", "texts_of", "words_of"]

VERSION = 3


def manifest_of(content: bytes) -> dict[str, Any]:
    try:
        manifest = json_of(content.decode("utf-8"))
    except (Bad, ValueError):
        raise NotGiven("the manifest.json is no JSON, or has a key twice") from None
    if not isinstance(manifest, dict) or "version" not in manifest:
        raise NotGiven("the manifest.json is not that of a certificate")
    version = manifest.pop("version")
    if version in (1, 2):
        raise NotGiven("the certificate was written by an earlier satlock; write it again")
    if version != VERSION or not isinstance(version, int):
        raise NotGiven("the certificate is of a version that this satlock does not know")
    if not set(manifest) <= {"lockfile", "project", "workspace", "files"} or "files" not in manifest:
        raise Bad("the manifest.json has other keys than it should have")
    return manifest


def texts_of(folder: Path) -> dict[str, str]:
    try:
        return {name: content.decode("utf-8") for name, content in read_folder(folder).items()}
    except UnicodeDecodeError:
        raise Bad("a file of the certificate is not UTF-8") from None


def json_of(text: str) -> Any:
    """What JSON says; a key that is there twice would say one thing to a person and another one here."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise Bad("a file of the certificate has a key twice")
        return found

    try:
        return json.loads(text, object_pairs_hook=once)
    except (ValueError, RecursionError):
        raise Bad("a file of the certificate is no JSON") from None


def words_of(texts: Mapping[str, str]) -> Table:
    found = json_of(texts["obligation.json"])
    if not isinstance(found, dict) or "property" not in found:
        raise Bad("obligation.json is not that of a certificate")
    return found


def legend_of(texts: Mapping[str, str]) -> list[str]:
    legend = json_of(texts["legend.json"])
    if not isinstance(legend, list) or not all(isinstance(item, str) for item in legend):
        raise Bad("the legend is no list of names")
    return legend
