"""Which lock a project means where none is named. Kept free of slow imports, for runs that only recall something.

What ``[tool.satlock] output`` says; else the lock that is there, a ``pylock.toml`` before a ``uv.lock``; else a new
``pylock.toml``.
"""

from __future__ import annotations

import os

from satlock.corpora.regular_files import read_regular

__all__ = ["lock_meant", "stated_output"]


def lock_meant(folder: str, stated: str | None) -> str:
    """The path of the lock that the project in a folder means, if it is the root of its workspace.

    ``stated`` is its ``[tool.satlock] output``.
    """
    if stated is not None:
        return os.path.join(folder, stated)
    ours, of_uv = os.path.join(folder, "pylock.toml"), os.path.join(folder, "uv.lock")
    return of_uv if os.path.isfile(of_uv) and not os.path.isfile(ours) else ours


def stated_output(project: str) -> str | None:
    """``[tool.satlock] output`` of a ``pyproject.toml``; None where it says none.

    Raises:
        ValueError: it is no name of a file.
        OSError: there is no such file.
    """
    text = read_regular(project)
    if b"satlock" not in text or b"output" not in text:
        return None
    import tomllib

    try:
        tool = tomllib.loads(text.decode("utf-8-sig")).get("tool", {})
    except ValueError:
        return None  # whoever reads the project says so
    own = tool.get("satlock", {}) if isinstance(tool, dict) else {}
    output = own.get("output") if isinstance(own, dict) else None
    if output is not None and not (isinstance(output, str) and os.path.basename(output)):
        raise ValueError(
            f"tool.satlock.output in {project} is {output!r}; write the name of a file, such as 'uv.lock'."
        )
    return output
