"""The house keeps its order: who may know whom, no circles, and no room too large."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import slow

ROOT = Path(__file__).parents[1]
FOLDERS = ("cli", "corpora", "encoder", "solver")
MAY_KNOW = {
    "corpora": {"corpora"},
    "encoder": {"corpora", "encoder"},
    "solver": {"corpora", "encoder", "solver"},
    "cli": {"cli", "corpora", "encoder", "solver"},
}
CHECKER = "satlock.solver.checking"
LONGEST = 400
"""Lines of a module."""


def _name(path: Path) -> str:
    parts = ("satlock", *path.relative_to(ROOT).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {
    _name(path): path
    for folder in FOLDERS
    for path in sorted((ROOT / folder).rglob("*.py"))
    if not (folder == "corpora" and path.name.startswith("make_"))
}


def _imports(path: Path, *, of_types: bool) -> Iterator[str]:
    """The modules that one imports, at its top or in a function; ``of_types``: also those for annotations alone."""

    def within(node: ast.AST) -> Iterator[str]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING" and not of_types:
                continue
            if isinstance(child, ast.Import):
                yield from (name.name for name in child.names)
            elif isinstance(child, ast.ImportFrom) and child.module is not None:
                for name in child.names:
                    whole = f"{child.module}.{name.name}"
                    yield whole if whole in MODULES else child.module
            yield from within(child)

    return within(ast.parse(path.read_text(encoding="utf-8")))


def test_modules_are_found() -> None:
    assert len(MODULES) > 200
    assert "satlock.encoder.markers.domain" in set(_imports(MODULES["satlock.solver.search.search"], of_types=True))


@pytest.mark.parametrize("folder", FOLDERS)
def test_imports_go_one_way(folder: str) -> None:
    for module, path in MODULES.items():
        if module.split(".")[1] == folder:
            for imported in _imports(path, of_types=True):
                if imported.startswith("satlock."):
                    assert imported.split(".")[1] in {*MAY_KNOW[folder], "records"}, f"{module} imports {imported}"


def test_dataclasses_stand_on_the_standard_library_alone() -> None:
    imported = set(_imports(ROOT / "satlock/records.py", of_types=True))
    assert imported == {"__future__", "collections.abc", "dataclasses", "inspect", "operator", "typing"}


def test_the_checker_shares_nothing_with_what_it_checks() -> None:
    for module, path in MODULES.items():
        if module.startswith(CHECKER):
            for imported in _imports(path, of_types=True):
                assert not imported.startswith("satlock.") or imported.startswith(CHECKER), f"{module}: {imported}"


def test_no_imports_go_round() -> None:
    """Not even with those that wait for a call."""
    knows = {module: sorted({*_imports(path, of_types=False)} & MODULES.keys()) for module, path in MODULES.items()}
    done: set[str] = set()

    def visit(module: str, way: tuple[str, ...]) -> None:
        assert module not in way, " → ".join((*way[way.index(module) :], module))
        if module not in done:
            for other in knows[module]:
                visit(other, (*way, module))
            done.add(module)

    for module in knows:
        visit(module, ())


def test_no_module_is_too_long() -> None:
    paths = {**MODULES, **{f"satlock.{path.stem}": path for path in (ROOT / "satlock").glob("*.py")}}
    lengths = {module: len(path.read_text(encoding="utf-8").splitlines()) for module, path in paths.items()}
    assert not {module: lines for module, lines in lengths.items() if lines > LONGEST}


@pytest.mark.parametrize("document", ["docs/architecture.md", "docs/solver.md", "CONTRIBUTING.md"])
def test_the_map_names_what_is_there(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    named = re.findall(rf"`((?:{'|'.join(FOLDERS)}|satlock|tests|docs)/[\w/.-]*)`", text)
    assert len(named) > 10
    assert not [name for name in named if not (ROOT / name).exists()]


def test_the_text_of_the_search_and_its_code_name_each_other() -> None:
    text = (ROOT / "docs" / "solver.md").read_text(encoding="utf-8")
    named = re.findall(r"`([A-Z]\w+|[a-z]\w+|\w+\.\w+)`(?: and `(\w+\.\w+)`)? in `([\w/]+\.py)`", text)
    assert len(named) >= 10
    for one, other, place in named:
        module = ast.parse((ROOT / place).read_text(encoding="utf-8"))
        for name in filter(None, (one, other)):
            body: list[ast.stmt] = module.body
            for part in name.split("."):
                found = [
                    node for node in body if isinstance(node, (ast.ClassDef, ast.FunctionDef)) and node.name == part
                ]
                assert found, f"{place} has no {name}"
                body = found[0].body
    sections = {heading.lower().replace(" ", "-").replace(",", "") for heading in re.findall(r"^## (.+)$", text, re.M)}
    linked = [
        link for path in MODULES.values() for link in re.findall(r"docs/solver\.md#([\w-]+)", path.read_text("utf-8"))
    ]
    assert len(linked) >= 3 and set(linked) <= sections


def test_what_is_named_as_slow_is_there() -> None:
    named = slow.named()
    assert named
    for test in sorted(named):
        path, *_, name = test.split("::")
        assert f"def {name}(" in (ROOT / path).read_text("utf-8"), test
