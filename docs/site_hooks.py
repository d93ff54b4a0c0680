"""What the site needs besides the pages: links to files of the repository are told as their paths.

The site does not know where a repository is kept, so a link out of ``docs/`` would lead nowhere. And the page of the
evaluation, which in the repository is beside its README, gets a name of its own.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

_OUTWARD = re.compile(r"\[([^\]]+)\]\((?:\.\./)+([^)#\s]+)[^)]*\)")
_MARK = re.compile(r"^<!-- screens: \S+ -->\n", re.MULTILINE)


def on_files(files: Files, config: Any) -> Files:
    """With the page of the evaluation."""
    page = Path(config["docs_dir"]) / "evaluation" / "index.html"
    files.append(File.generated(config, "evaluation/page.html", content=page.read_text(encoding="utf-8")))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """A page without links that lead out of the site, and without the marks of its screens."""
    if page.file.src_uri.startswith("evaluation/"):
        markdown = markdown.replace("](index.html)", "](page.html)")
    return _MARK.sub("", _OUTWARD.sub(_told, markdown))


def _told(found: re.Match[str]) -> str:
    text, path = found[1], found[2]
    plain = text.strip("`")
    return f"`{path}`" if plain == path or path.endswith(plain) else f"{text} (`{path}`)"
