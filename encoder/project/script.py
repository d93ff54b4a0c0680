"""The reading of a script with inline metadata (PEP 723) into a :class:`~satlock.encoder.project.project.Project`."""

from __future__ import annotations

import io
import re
import tokenize
import tomllib
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from packaging.specifiers import SpecifierSet

from satlock.corpora.regular_files import read_regular
from satlock.encoder.project.layers import NOTHING_AROUND, Around
from satlock.encoder.project.project import Project, ProjectError
from satlock.encoder.project.reading import project_of
from satlock.encoder.project.tables import broken_at
from satlock.encoder.project.values import Value, first_line
from satlock.records import replace

__all__ = ["read_script", "tables_of_script"]

_BLOCK = re.compile(r"(?m)^# /// (?P<type>[a-zA-Z0-9-]+)$\s(?P<content>(^#(| .*)$\s)+)^# ///$")
"""As PEP 723 has it."""
_KEYS = ("dependencies", "requires-python")


def read_script(
    path: Path,
    *,
    default_index: str | None = None,
    named_indexes: Mapping[str, str] | None = None,
    requires_python: SpecifierSet | None = None,
    around: Around = NOTHING_AROUND,
    now: datetime | None = None,
) -> Project:
    """Read what a script asks in its ``# /// script`` block.

    ``dependencies`` and ``requires-python`` are as in ``[project]``, and the ``[tool.uv]`` and ``[tool.satlock]``
    tables inside the block as in a ``pyproject.toml``, which itself is not looked at. The rest is as in
    :func:`~satlock.encoder.project.reading.read_project`.

    Raises:
        ProjectError: for whatever is wrong with the script.
    """
    warnings: list[str] = []
    project = project_of(
        path,
        tables_of_script(path, warnings),
        named=False,
        default_index=default_index,
        named_indexes=named_indexes,
        requires_python=requires_python,
        around=around,
        now=now,
    )
    return replace(project, warnings=(*warnings, *project.warnings))


def tables_of_script(path: Path, warnings: list[str]) -> dict[str, Value]:
    """What the block of a script says, as a ``pyproject.toml`` would say it; other keys get a warning.

    Raises:
        ProjectError: there is no such block, or it is broken.
    """
    block = Value(_block(path), str(path), "").table()
    warnings += (
        f"{value.where} in {path} is no key of a script's metadata and has no effect, as in uv; use dependencies, "
        "requires-python or [tool]."
        for key, value in block.items()
        if key not in (*_KEYS, "tool")
    )
    project = Value({key: value.raw for key, value in block.items() if key in _KEYS}, str(path), "")
    return {"project": project, **({"tool": block["tool"]} if "tool" in block else {})}


def _block(path: Path) -> dict[str, object]:
    text = _source(path)
    blocks = [found for found in _BLOCK.finditer(text) if found["type"] == "script"]
    if not blocks:
        advice = "end it with a line '# ///'" if "# /// script" in text else "add one as in PEP 723, with dependencies"
        raise ProjectError(f"{path} has no complete '# /// script' block; {advice}.")
    if len(blocks) > 1:
        raise ProjectError(f"{path} has {len(blocks)} '# /// script' blocks; keep one of them.")
    lines = blocks[0]["content"].splitlines(keepends=True)
    content = "".join(line[2:] if line.startswith("# ") else line[1:] for line in lines)
    try:
        return tomllib.loads(content)
    except RecursionError:
        raise ProjectError(f"The script block of {path} is not valid TOML (it is nested too deeply).") from None
    except (ValueError, OverflowError) as error:
        said = f"{broken_at(error, content)}, counted from the block's first line"
        raise ProjectError(f"The script block of {path} is not valid TOML ({said}); correct it there.") from None


def _source(path: Path) -> str:
    """The text of the script, in the encoding that it declares (PEP 263)."""
    try:
        data = read_regular(path)
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        return io.TextIOWrapper(io.BytesIO(data), encoding, line_buffering=True).read()
    except (UnicodeDecodeError, SyntaxError, LookupError):
        raise ProjectError(f"{path} is not text in the encoding that it declares; save it as UTF-8.") from None
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or first_line(error)
        raise ProjectError(f"{path} cannot be read ({reason}); name a script.") from None
