"""Small locks of the origin's kind: one torch for each of two conflicting extras."""

from __future__ import annotations

from pathlib import Path

INDEX = "https://index.example"
MARKER = {"cpu": "extra == 'extra-6-origin-cpu'", "cu124": "extra == 'extra-6-origin-cu124'"}


def origin_lock(*, kept: tuple[str, ...] = ("cpu", "cu124"), conflicts: bool = True, index: str = INDEX) -> str:
    """A ``uv.lock`` after corpora/origin; ``kept`` names the conflict markers on the edges of torchmetrics."""
    edges = ["""    { name = "torch", version = "2.5.1", source = { registry = "INDEX/pypi" }, """
             f"""marker = "{_neither(kept)}" }},"""]  # fmt: skip
    for build in ("cpu", "cu124"):
        marker = f', marker = "{MARKER[build]}"' if build in kept else ""
        source = f'source = {{ registry = "INDEX/{build}" }}{marker}'
        edges.append(f'    {{ name = "torch", version = "2.5.1+{build}", {source} }},')
    lines = ["version = 1", "revision = 3", 'requires-python = ">=3.12"']
    if conflicts:
        lines.append('conflicts = [[{ package = "origin", extra = "cpu" }, { package = "origin", extra = "cu124" }]]')
    lines += [
        "[[package]]", 'name = "origin"', 'version = "0.1.0"', 'source = { virtual = "." }',
        'dependencies = [{ name = "torchmetrics" }]',
        "[package.optional-dependencies]",
        'cpu = [{ name = "torch", version = "2.5.1+cpu", source = { registry = "INDEX/cpu" } }]',
        'cu124 = [{ name = "torch", version = "2.5.1+cu124", source = { registry = "INDEX/cu124" } }]',
        "[[package]]", 'name = "torchmetrics"', 'version = "1.6.0"', 'source = { registry = "INDEX/pypi" }',
        "dependencies = [", *edges, "]", _wheel("torchmetrics", "1.6.0", "pypi"),
    ]  # fmt: skip
    for version, where in (("2.5.1", "pypi"), ("2.5.1+cpu", "cpu"), ("2.5.1+cu124", "cu124")):
        lines += ["[[package]]", 'name = "torch"', f'version = "{version}"',
                  f'source = {{ registry = "INDEX/{where}" }}', _wheel("torch", version, where)]  # fmt: skip
    return "\n".join(lines).replace("INDEX", index) + "\n"


def _neither(kept: tuple[str, ...]) -> str:
    return " and ".join(MARKER[build].replace("==", "!=") for build in kept) or "python_version < '3'"


def _wheel(name: str, version: str, where: str) -> str:
    file = f"{name}-{version.replace('+', '%2B')}-py3-none-any.whl"
    return f'wheels = [{{ url = "INDEX/{where}/{file}", hash = "sha256:{"0" * 64}" }}]'


def write_lock(folder: Path, text: str, name: str = "uv.lock") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)
    return folder / name
