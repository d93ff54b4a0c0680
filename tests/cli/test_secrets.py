"""An index that demands a password: it gets it, from wherever people keep it, and nothing else ever does."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.cli.scene import ROOT, pyproject, world_of
from tests.index_server import IndexServer, Options
from tests.world import DEFAULT, Dist

SECRET = "pa55/w0rd-of-nobody"
SPELLINGS = (SECRET, quote(SECRET, safe=""), base64.b64encode(f"me:{SECRET}".encode()).decode())
PRIVATE = "https://index.example/whl/private"
INDEX = """
[tool.uv.sources]
inner = {{ index = "private" }}
[[tool.uv.index]]
name = "private"
url = "{url}"
explicit = true
"""
WORLD = world_of(
    {"a": {"1.0": Dist(("inner",))}},
    pyproject("a"),
    private={"inner": {"1.0": Dist(), "2.0": Dist(wheels=(), sdist=True), "3.0": Dist(("gone",))}},
)

Start = Callable[..., IndexServer]


class Place:
    """A folder for everything that a run may write, and what it printed."""

    def __init__(self, server: IndexServer, folder: Path) -> None:
        self.server, self.folder = server, folder
        self.project = folder / "project"
        self.project.mkdir()
        (folder / "netrc").touch(mode=0o600)
        self.printed: list[str] = []

    def with_login(self, login: str) -> str:
        return self.server.url(PRIVATE).replace("//", f"//{login}@")

    def write(self, url: str, dependencies: str = "a") -> None:
        default = f'[[tool.uv.index]]\nurl = "{self.server.url(DEFAULT)}"\ndefault = true\n'
        (self.project / "pyproject.toml").write_text(pyproject(dependencies, more=INDEX.format(url=url) + default))

    def run(self, *arguments: str, env: Mapping[str, str] | None = None) -> int:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("UV_", "PIP_"))}
        own = {"NETRC": str(self.folder / "netrc"), "PIP_CONFIG_FILE": os.devnull, "PYTHONPATH": str(ROOT)}
        own |= {"SATLOCK_TRACEBACK": "1", "HOME": str(self.folder), "TMPDIR": str(self.folder)}
        done = subprocess.run(
            [sys.executable, "-m", "satlock", *arguments], cwd=self.project, env={**kept, **own, **(env or {})},
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        self.printed.append(done.stdout + done.stderr)
        return done.returncode

    def lock(self, *more: str, env: Mapping[str, str] | None = None) -> int:
        return self.run("lock", "--cache-dir", str(self.folder / "cache"), "--verbose", *more, env=env)

    def versions(self) -> dict[str, str]:
        lock = tomllib.loads((self.project / "pylock.toml").read_text("utf-8"))
        return {package["name"]: package["version"] for package in lock["packages"]}

    def leaks(self, *inputs: str) -> list[str]:
        """Everything but these inputs that holds the secret, in any spelling."""
        found = [text for text in self.printed if any(secret in text for secret in SPELLINGS)]
        for path in self.folder.rglob("*"):
            text = str(path) + (path.read_bytes().decode("latin-1") if path.is_file() else "")
            if path.name not in inputs and any(secret in text for secret in SPELLINGS):
                found.append(str(path))
        return found


@pytest.fixture
def place(index_server: Start, tmp_path: Path) -> Place:
    return Place(index_server(WORLD, per_index={PRIVATE: Options(login=f"me:{SECRET}")}), tmp_path)


@pytest.mark.parametrize("way", ["address", "variables", "netrc", "option", "UV_INDEX"])
def test_the_index_gets_it_and_nothing_else_does(place: Place, way: str) -> None:
    env: dict[str, str] = {}
    more: list[str] = []
    login = f"me:{quote(SECRET, safe='')}"
    place.write(place.with_login(login) if way == "address" else place.server.url(PRIVATE))
    if way == "variables":
        env = {"UV_INDEX_PRIVATE_USERNAME": "me", "UV_INDEX_PRIVATE_PASSWORD": SECRET}
    elif way == "netrc":
        (place.folder / "netrc").write_text(f"machine 127.0.0.1 login me password {SECRET}\n")
    elif way == "option":
        more = ["--index", f"private={place.with_login(login)}"]
    elif way == "UV_INDEX":
        env = {"UV_INDEX": f"private={place.with_login(login)}"}
    proof = place.project / "proof"
    assert place.lock("--json", "--certificate", str(proof), *more, env=env) == 0, place.printed
    assert place.versions() == {"a": "1.0", "inner": "2.0"}
    assert any(proof.iterdir())
    if way == "address":  # the commands take some time to start
        assert place.lock("--check") == 0
        assert place.run("export", "--output", "requirements.txt") == 0
        assert place.run("prove", "pylock.toml", "--json", "--index-pins") == 0
    assert place.leaks("pyproject.toml", "netrc") == []
    if way == "netrc":
        return  # it names a host, and all indexes of this test have one
    for asked in place.server.requests:
        private = "private" in asked.path
        assert ("authorization" in asked.headers) is private, asked.path


def test_a_lock_says_an_address_without_it(place: Place) -> None:
    place.write(place.with_login(f"me:{quote(SECRET, safe='')}"))
    assert place.lock() == 0
    text = (place.project / "pylock.toml").read_text("utf-8")
    assert place.server.url(PRIVATE) in text and "me:" not in text


@pytest.mark.parametrize(
    ("dependency", "login", "code"),
    [
        ("inner==3.0", "right", 1),
        ("inner==9", "right", 1),
        ("a", "wrong", 3),
        ("a", "none", 3),
        ("a", "offline", 3),
        ("a @ https://me:LOGIN@files.example/a.txt", "right", 2),
        ("a b @ https://me:LOGIN@files.example/", "right", 2),
        ("a", "broken", 2),
    ],
)
def test_errors_do_not_tell_it(place: Place, dependency: str, login: str, code: int) -> None:
    secret = quote(SECRET, safe="")
    url = {
        "none": place.server.url(PRIVATE),
        "wrong": place.with_login(f"me:{secret}x"),
        "broken": f"gopher://me:{secret}@index.example/simple",
    }.get(login, place.with_login(f"me:{secret}"))
    place.write(url, dependency.replace("LOGIN", secret))
    more = ["--offline"] if login == "offline" else []
    assert place.lock("--json", *more) == code, place.printed
    assert place.leaks("pyproject.toml") == []


def test_a_requirements_file_with_a_variable(place: Place) -> None:
    (place.project / "requirements.in").write_text(
        f"--index-url {place.server.url(DEFAULT)}\n--extra-index-url {place.with_login('me:${INDEX_PASSWORD}')}\na\n"
    )
    env = {"INDEX_PASSWORD": quote(SECRET, safe="")}
    assert place.lock("requirements.in", "--output", "pylock.toml", env=env) == 0, place.printed
    assert place.versions() == {"a": "1.0", "inner": "2.0"}
    assert place.lock("requirements.in", "--output", "pylock.toml", "--upgrade") == 3
    assert place.leaks() == []


ADDRESSES = [
    "https://me:{}@index.example/simple", "https://me:{}/x@index.example/s", "https://me:{} x@index.example/s",
    "https://me:a/{}@index.example/simple", "https://me:{}#x@index.example/s", "https://me:x?{}@index.example/s",
    "https://me:{}@[bad/simple", "https://me:{}@host:port/simple", "me:{}@index.example/simple",
    "https:/me:{}@index.example/simple", "https//me:{}@index.example/simple", "ftp://me:{}@index.example/",
    "https://me:12/{}@index.example/simple", "https://{}@index.example:0/simple", "https://me:{}@/simple",
    "https://me:{}%zz@host.example:99999/x",
]  # fmt: skip
PLACES = {
    "index": "[[tool.uv.index]]\nurl = {}\ndefault = true\n",
    "find-links": "[tool.uv]\nfind-links = [{}]\n",
    "source": "[tool.uv.sources]\npkg = {{ url = {} }}\n",
    "git": "[tool.uv.sources]\npkg = {{ git = {} }}\n",
}


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("place", [*PLACES, "option", "named option", "dependency"])
def test_no_address_is_so_broken_that_its_password_is_shown(tmp_path: Path, place: str, address: str) -> None:
    """Offline, and with a variable of git's that lets it reach no host."""
    import json

    from click.testing import CliRunner

    from satlock.cli.commands import satlock

    written, options = address.format(SECRET.replace("/", "")), ["--offline"]
    more = PLACES[place].format(json.dumps(written)) if place in PLACES else ""
    asked = f"pkg @ {written}/pkg-1.0-py3-none-any.whl" if place == "dependency" else "pkg"
    (tmp_path / "pyproject.toml").write_text(pyproject(asked, more=more) if '"' not in asked else "")
    if place == "option":
        options += ["--default-index", written]
    elif place == "named option":
        options += ["--index", f"own={written}"]
    result = CliRunner().invoke(
        satlock, ["lock", "--project", str(tmp_path), "--no-cache", *options], env={"GIT_ALLOW_PROTOCOL": "none"}
    )
    assert result.exit_code in (1, 2, 3), result.output
    assert SECRET.replace("/", "") not in result.output
    assert "bug in satlock" not in result.output
