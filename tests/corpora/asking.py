"""A project that is locked against indexes whose every answer a test decides: the whole command, in this process."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

from click.testing import CliRunner, Result

from satlock.cli.commands import satlock

from .conftest import Reply, Server, wheel

__all__ = ["Asking", "index_table"]


def index_table(url: str, name: str = "main", more: str = "default = true") -> str:
    return f'[[tool.uv.index]]\nname = "{name}"\nurl = "{url}"\n{more}\n'


@dataclass
class Asking:
    """A project in a folder of its own, with a cache of its own."""

    folder: Path
    server: Server

    def project(self, *dependencies: str, more: str) -> None:
        asked = ", ".join(f'"{dependency}"' for dependency in dependencies)
        head = f'[project]\nname = "demo"\nversion = "1.0"\nrequires-python = ">=3.11"\ndependencies = [{asked}]\n'
        (self.folder / "pyproject.toml").write_text(head + more, encoding="utf-8")

    def lock(self, *options: str, env: dict[str, str] | None = None) -> Result:
        result = CliRunner().invoke(
            satlock, ["lock", "--project", str(self.folder), "--cache-dir", str(self.folder / "cache"), *options],
            env=env,
        )  # fmt: skip
        assert "bug in satlock" not in result.stderr, result.stderr
        return result

    def locked(self) -> dict[str, str]:
        """What the lock holds, as versions by name; nothing where there is no lock."""
        file = self.folder / "pylock.toml"
        found = tomllib.loads(file.read_text("utf-8"))["packages"] if file.exists() else []
        return {package["name"]: package["version"] for package in found}

    def serve(self, name: str, *versions: str, at: str = "simple", requires: tuple[str, ...] = ()) -> None:
        """Serve wheels of a package in the index ``at``, each with what it requires."""
        lines = [f"Requires-Dist: {line}" for line in requires]
        files = [
            self.server.file(f"{name}-{version}-py3-none-any.whl", wheel(name, version, *lines)) for version in versions
        ]
        self.server.page(name, files)
        self.server.replies[f"/{at}/{name}/"] = self.server.replies.pop(f"/simple/{name}/")

    def answer(self, path: str, status: int) -> None:
        self.server.replies[path] = Reply(status=status)
