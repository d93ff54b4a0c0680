"""A lock as a CycloneDX bill of materials (ECMA-424), for one choice of extras and groups.

Each entry is a component with its files and their hashes, and says where it is installed; who requires whom is the
graph of the document. The same lock and choice give the same bytes, so the document bears no time of its own.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Mapping, Sequence

from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, Property, XsUri
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.dependency import Dependency
from cyclonedx.model.tool import ToolRepository
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from packageurl import PackageURL

from satlock.corpora.index.address import without_credentials
from satlock.solver.lockfiles.files import LockedFile, files_of
from satlock.solver.lockfiles.graph import LockGraph
from satlock.solver.lockfiles.installed import Installed
from satlock.solver.lockfiles.model import Entry, Source
from satlock.solver.lockfiles.pyproject import read_pyproject

__all__ = ["VERSIONS", "to_cyclonedx"]

VERSIONS = {"1.4": SchemaVersion.V1_4, "1.5": SchemaVersion.V1_5, "1.6": SchemaVersion.V1_6}
_ALGORITHMS = {
    "md5": HashAlgorithm.MD5,
    "sha1": HashAlgorithm.SHA_1,
    "sha256": HashAlgorithm.SHA_256,
    "sha384": HashAlgorithm.SHA_384,
    "sha512": HashAlgorithm.SHA_512,
}
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "https://cyclonedx.org/")
_ROOT = "project"


def to_cyclonedx(
    graph: LockGraph, found: Sequence[Installed], *, default_index: str, choice: str, satlock: str, version: str = "1.5"
) -> str:
    """The document as JSON.

    Args:
        graph: the lock within the environments that are asked for.
        found: what it installs there.
        default_index: the index whose packages need no address.
        choice: the choices, in words: with the lock they make the serial number.
        satlock: the version of satlock.
        version: of CycloneDX, one of :data:`VERSIONS`.
    """
    files = files_of(graph.reading)
    markers = {one.entry.number: one.marker for one in found if one.entry.number not in graph.members}
    components = {
        number: _component(graph.lockfile.entries[number], files[number], marker, default_index)
        for number, marker in markers.items()
    }
    root = Component(
        name=graph.project or graph.reading.path.parent.resolve().name,
        version=_version_of_project(graph),
        type=ComponentType.APPLICATION,
        bom_ref=_ROOT,
    )
    tool = Component(name="satlock", version=satlock, type=ComponentType.APPLICATION)
    metadata = BomMetaData(component=root, tools=ToolRepository(components=[tool]))
    metadata.timestamp = None  # type: ignore[assignment]  # which the schema allows
    bom = Bom(
        components=list(components.values()),
        serial_number=uuid.uuid5(_NAMESPACE, f"{graph.reading.digest}\n{choice}"),
        metadata=metadata,
        dependencies=list(_dependencies(graph, components, root)),
    )
    text = make_outputter(bom, OutputFormat.JSON, VERSIONS[version]).output_as_string(indent=2)
    return f"{text}\n"


def _component(entry: Entry, files: Sequence[LockedFile], marker: str | None, default_index: str) -> Component:
    kind, place, reference = entry.source
    place = without_credentials(place) if "://" in place else place
    properties = [Property(name="satlock:marker", value=marker)] if marker else []
    properties += [Property(name=f"satlock:{_word(kind)}", value=place)] if place else []
    return Component(
        name=entry.name,
        version=entry.version or None,
        type=ComponentType.LIBRARY,
        bom_ref=f"{entry.name}-{entry.number}@{entry.version}",
        purl=PackageURL("pypi", name=entry.name, version=entry.version or None,
                        qualifiers=_qualifiers(Source(kind, place, reference), files, default_index)),
        external_references=list(_references(files)),
        properties=properties,
    )  # fmt: skip


def _word(kind: str) -> str:
    """All formats have their own word for an index."""
    return "index" if kind in ("registry", "index", "legacy") else re.sub(r"[^a-z]", "", kind) or "source"


def _qualifiers(source: Source, files: Sequence[LockedFile], default_index: str) -> dict[str, str]:
    """What tells a package from the one of the same name in the index that a package URL means."""
    if source.kind == "git":
        return {"vcs_url": f"git+{source.place}{f'@{source.reference}' if source.reference else ''}"}
    if _word(source.kind) == "index":
        return {} if source.address == default_index.rstrip("/") else {"repository_url": source.place}
    return {"download_url": files[0].url} if files and files[0].url else {}


def _references(files: Sequence[LockedFile]) -> Iterator[ExternalReference]:
    for file in files:
        hashes = [
            HashType(alg=_ALGORITHMS[kind], content=digest) for kind, digest in file.hashes if kind in _ALGORITHMS
        ]
        yield ExternalReference(
            type=ExternalReferenceType.DISTRIBUTION,
            url=XsUri(file.url or file.name),
            comment=None if not file.url else file.name,
            hashes=hashes,
        )


def _dependencies(graph: LockGraph, components: Mapping[int, Component], root: Component) -> Iterator[Dependency]:
    after: dict[int | None, dict[int, None]] = {None: {}}
    for step in graph.steps:
        source = None if step.source in graph.members else step.source
        if step.target in components and (source is None or source in components):
            after.setdefault(source, {})[step.target] = None
    for number, component in [(None, root), *components.items()]:
        targets = [Dependency(components[target].bom_ref) for target in after.get(number, ())]
        yield Dependency(component.bom_ref, dependencies=targets)


def _version_of_project(graph: LockGraph) -> str | None:
    if len(graph.members) == 1 and graph.lockfile.entries[graph.members[0]].version:
        return graph.lockfile.entries[graph.members[0]].version
    stated = read_pyproject(graph.reading.beside).project.get("version")
    return str(stated.raw) if stated is not None and stated.raw else None
