"""How ``corpora/origin/origin.snapshot`` was made; nobody needs to run this to use it.

    python -m satlock.corpora.make_origin --torch pytorch-index.json

Packages of the default index are read from the live one (the user's own, see
``satlock.corpora.index.default_index``) as they were on a day: of each package the newest versions, and those that a
kept version asks for by ``==``, with everything that these require. What the PyTorch indexes list comes from a file of
facts about them,
``{index: {package: {version: {files, requires_dist, requires_python, …}}}}``. All of it is moved to example hosts.
"""

from __future__ import annotations

import argparse
import itertools
import json
import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from satlock.corpora.facts import Corpus, File, Listing, Metadata, MetadataOutcome, Release, Wanted
from satlock.corpora.index.default_index import default_index_url
from satlock.corpora.index.index import LiveCorpus
from satlock.corpora.recorded.snapshot import write_snapshot

HERE = Path(__file__).parent / "origin"
DAY = "2024-12-05T00:00:00Z"
DEFAULT = "https://index.example/simple"
TORCH_INDEXES = {"cpu": "https://index.example/whl/cpu", "cu124": "https://index.example/whl/cu124"}
FILES = "https://files.example"
NEWEST = 10
"""How many of the newest versions are kept of each package."""

MACHINES = [
    {"python_version": f"3.{minor}", "python_full_version": f"3.{minor}.0", "extra": extra, **platform}
    for minor in (12, 13, 14)
    for extra in ("",)
    for platform in (
        {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix", "platform_machine": "x86_64"},
        {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix", "platform_machine": "aarch64"},
        {"sys_platform": "darwin", "platform_system": "Darwin", "os_name": "posix", "platform_machine": "arm64"},
        {"sys_platform": "win32", "platform_system": "Windows", "os_name": "nt", "platform_machine": "AMD64"},
    )
]
"""Where a requirement must be active to be followed."""

Facts = tuple[dict[tuple[str, str], Listing | None], dict[Wanted, MetadataOutcome]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--torch", type=Path, required=True, help="facts about the PyTorch indexes, as JSON")
    parser.add_argument("--output", type=Path, default=HERE / "origin.snapshot")
    arguments = parser.parse_args()
    project = tomllib.loads((HERE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    texts = [*project["dependencies"], *itertools.chain(*project["optional-dependencies"].values())]
    listings, metadata = torch_facts(json.loads(arguments.torch.read_text(encoding="utf-8")))
    texts += [text for outcome in metadata.values() if isinstance(outcome, Metadata) for text in outcome.requires_dist]
    with LiveCorpus() as live:
        more = closure(live, default_index_url(), texts)
    listings, metadata = moved({**listings, **more[0]}, {**metadata, **more[1]})
    assert_no_real_host(listings, metadata)
    write_snapshot(arguments.output, listings, metadata, recorded=DAY, default_index=DEFAULT)
    print(f"{len(listings)} packages, {len(metadata)} versions, {arguments.output.stat().st_size} bytes")


# The default index


def closure(live: Corpus, index: str, texts: Iterable[str]) -> Facts:
    """Listings and metadata of everything that these requirements lead to, cut to the day and the newest versions."""
    whole: dict[str, Listing | None] = {}
    kept: dict[Wanted, Metadata] = {}
    refused: set[tuple[str, str]] = set()
    pins: dict[str, set[str]] = {}
    todo, done = set(_followed(texts)), set[Requirement]()
    while todo:
        done |= todo
        names = {canonicalize_name(requirement.name) for requirement in todo}
        fresh = names - whole.keys()
        found = live.listings([(index, name) for name in sorted(fresh)])
        whole |= {name: _as_of_day(found[index, name]) for name in fresh}
        for requirement in todo:
            exact = {s.version for s in requirement.specifier if s.operator == "==" and "*" not in s.version}
            pins.setdefault(canonicalize_name(requirement.name), set()).update(exact)
        wanted = [
            Wanted(index, name, release.version, release.files)
            for name in sorted(names)
            for release in _chosen(whole[name], pins[name])
            if (name, release.version) not in refused
        ]
        outcomes = live.metadata([one for one in wanted if one not in kept])
        kept |= {one: outcome for one, outcome in outcomes.items() if isinstance(outcome, Metadata)}
        refused |= {(one.name, one.version) for one, outcome in outcomes.items() if not isinstance(outcome, Metadata)}
        extras = {(canonicalize_name(r.name), extra) for r in done for extra in r.extras}
        asked = {
            requirement
            for one, outcome in kept.items()
            for requirement in _followed(outcome.requires_dist, [extra for name, extra in extras if name == one.name])
        }
        todo = asked - done
    versions = {(one.name, one.version) for one in kept}
    listings = {
        (index, name): listing and _only(listing, {v for n, v in versions if n == name})
        for name, listing in whole.items()
    }
    return listings, dict(kept)


def _followed(texts: Iterable[str], extras: Iterable[str] = ()) -> Iterator[Requirement]:
    """The requirements that are active on some machine."""
    choices = ["", *extras]
    for text in texts:
        try:
            requirement = Requirement(text)
        except InvalidRequirement:
            continue
        marker = requirement.marker
        if marker is None or any(marker.evaluate({**machine, "extra": e}) for machine in MACHINES for e in choices):
            yield requirement


def _as_of_day(listing: Listing | None) -> Listing | None:
    """What the index listed on the day, of files that a Python of the project can use."""
    if listing is None:
        return None
    releases = []
    for release in listing.releases:
        files = [f for f in release.files if f.upload_time is not None and f.upload_time <= DAY and _useful(f)]
        if files:
            releases.append(_release(release.version, files))
    return Listing(listing.name, listing.index, tuple(releases))


def _useful(file: File) -> bool:
    """Whether a file is an sdist, or a wheel for Python 3.12 and later."""
    tag = re.search(r"-([^-]+)-([^-]+)-[^-]+\.whl$", file.filename)
    if tag is None:
        return not file.is_wheel
    if tag[2] == "abi3":
        return True
    return any(python == "py3" or re.fullmatch(r"(cp|py)3(1[2-9])", python) for python in tag[1].split("."))


def _release(version: str, files: list[File]) -> Release:
    bounds = Counter(file.requires_python for file in files)
    times = sorted(file.upload_time for file in files if file.upload_time is not None)
    return Release(
        version=version,
        requires_python=bounds.most_common(1)[0][0],
        yanked=all(file.yanked is not None for file in files),
        upload_time=times[0] if times else None,
        wheels=any(file.is_wheel for file in files),
        sdist=any(not file.is_wheel for file in files),
        raw_files=tuple(tuple(file) for file in sorted(files)),
    )


def _chosen(listing: Listing | None, pins: set[str]) -> list[Release]:
    """The newest final versions that have a wheel, and the pinned ones."""
    if listing is None:
        return []
    final = [r for r in listing.releases if r.wheels and not r.yanked and not Version(r.version).is_prerelease]
    pinned = {Version(pin) for pin in pins}
    return list({*final[-NEWEST:], *(r for r in listing.releases if r.wheels and Version(r.version) in pinned)})


def _only(listing: Listing, versions: set[str]) -> Listing:
    return Listing(listing.name, listing.index, tuple(r for r in listing.releases if r.version in versions))


# The PyTorch indexes


def torch_facts(facts: dict[str, Any]) -> Facts:
    """What the PyTorch indexes list of torch: the builds of versions that were out on the day."""
    listings: dict[tuple[str, str], Listing | None] = {}
    metadata: dict[Wanted, MetadataOutcome] = {}
    for label, index in TORCH_INDEXES.items():
        releases = []
        for version, fact in sorted(facts[label]["torch"].items(), key=lambda item: Version(item[0])):
            if fact["release_date"] > DAY:
                continue
            files = [_torch_file(row, fact["requires_python"]) for row in fact["files"]]
            files = [file for file in files if _useful(file)]
            if files:
                releases.append(_release(version, files))
                wanted = Wanted(index, "torch", version, releases[-1].files)
                requires = tuple(_torch_requirements(fact))
                extras = tuple(sorted(set(re.findall(r'extra == "([^"]+)"', "".join(requires)))))
                metadata[wanted] = Metadata("torch", version, requires, fact["requires_python"], extras)
        listings[index, "torch"] = Listing("torch", index, tuple(releases))
    return listings, metadata


def _torch_file(row: dict[str, Any], requires_python: str | None) -> File:
    hashes = (("sha256", row["sha256"]),) if row["sha256"] else ()
    return File(row["filename"], row["url"], hashes, None, None, requires_python, None, None)


def _torch_requirements(fact: dict[str, Any]) -> Iterator[str]:
    """A marker that the facts could not observe is the one of the same requirement in the default index."""
    unobserved = {
        note.split(":")[0] for note in fact.get("notes", ()) if note.endswith("not observed true in a clean block")
    }
    elsewhere = {Requirement(text).name: text for text in (fact["differs_from_pypi"] or {}).get("only_on_pypi", ())}
    for text in fact["requires_dist"]:
        name = Requirement(text).name
        yield elsewhere.get(name, text) if name in unobserved else text


# Moving


def moved(listings: dict[tuple[str, str], Listing | None], metadata: dict[Wanted, MetadataOutcome]) -> Facts:
    """The same with every address on an example host."""
    new_listings: dict[tuple[str, str], Listing | None] = {}
    for (index, name), listing in listings.items():
        new_index = _moved_index(index)
        new_listings[new_index, name] = listing and Listing(
            name, new_index, tuple(_moved_release(new_index, name, release) for release in listing.releases)
        )
    new_metadata: dict[Wanted, MetadataOutcome] = {}
    for wanted, outcome in metadata.items():
        new_index = _moved_index(wanted.index)
        files = tuple(_moved_file(new_index, wanted.name, file) for file in wanted.files)
        new_metadata[Wanted(new_index, wanted.name, wanted.version, files, wanted.build)] = outcome
    return new_listings, new_metadata


def _moved_index(index: str) -> str:
    return index if index in TORCH_INDEXES.values() else DEFAULT


def _moved_release(index: str, name: str, release: Release) -> Release:
    files = [_moved_file(index, name, file) for file in release.files]
    return release._replace(raw_files=tuple(tuple(file) for file in files))


def _moved_file(index: str, name: str, file: File) -> File:
    folder = index.removeprefix("https://index.example/")
    return file._replace(url=f"{FILES}/{folder}/{name}/{file.filename.replace('+', '%2B')}")


def assert_no_real_host(*facts: object) -> None:
    """A snapshot in this repository must not send anyone to a real registry."""
    hosts = set(re.findall(r"https?://([^/'\"\s]+)", repr(facts)))
    assert hosts <= {"index.example", "files.example"}, f"real hosts are left: {sorted(hosts)}"


if __name__ == "__main__":
    main()
