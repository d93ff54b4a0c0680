"""What builds get: from the project's indexes, with what the project says of builds, by uv or by pip."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from satlock.corpora.index import installers, interpreters
from satlock.corpora.index.building import Building

from .asking import Asking, index_table
from .conftest import Reply, Server, metadata_bytes, sdist, wheel

BACKEND = b"""
import os, sys, zipfile
def build_wheel(folder, settings=None, metadata=None):
    lines = ["Metadata-Version: 2.1", "Name: thing", "Version: 1.0", "Requires-Dist: part"]
    try:
        import helper
        lines.append("Requires-Dist: " + helper.WORD)
    except ImportError:
        pass
    lines += ["Requires-Dist: " + word for word in os.environ.get("THING_WORDS", "").split()]
    lines += ["Requires-Dist: " + word for word in ((settings or {}).get("words") or [])]
    if os.environ.get("THING_PYTHON"):
        lines.append("Requires-Dist: python%d%d" % sys.version_info[:2])
    with zipfile.ZipFile(os.path.join(folder, "thing-1.0-py3-none-any.whl"), "w") as wheel:
        wheel.writestr("thing-1.0.dist-info/METADATA", "\\n".join(lines) + "\\n")
        wheel.writestr("thing-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
    return "thing-1.0-py3-none-any.whl"
"""
NEEDS = b'[build-system]\nrequires = ["neutral-stand-in-backend"]\nbuild-backend = "neutral_stand_in_backend"\n'
INSTALLED = {
    "WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    "RECORD": b"",
}


def installable(name: str, version: str, code: bytes) -> bytes:
    stem = name.replace("-", "_")
    files = {f"{stem}-{version}.dist-info/{path}": text for path, text in INSTALLED.items()}
    return wheel(stem, version, files={**files, f"{stem}.py": code})


@pytest.fixture
def asking(tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> Asking:
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv-cache"))
    monkeypatch.setenv("PIP_CACHE_DIR", str(tmp_path / "pip-cache"))
    return Asking(tmp_path, server)


def serve(asking: Asking, name: str, *versions: str, at: str = "simple", code: bytes = b"") -> None:
    server, stem = asking.server, name.replace("-", "_")
    files = []
    for version in versions:
        filename = f"{at}.{stem}-{version}-py3-none-any.whl"
        file = server.file(filename, installable(name, version, code.replace(b"VERSION", version.encode())))
        server.replies[f"/{at}/files/{stem}-{version}-py3-none-any.whl"] = server.replies[f"/files/{filename}"]
        files.append(file | {"filename": filename.removeprefix(f"{at}."),
                             "url": f"/{at}/files/{filename.removeprefix(f'{at}.')}"})  # fmt: skip
    server.page(name, files)
    server.replies[f"/{at}/{name}/"] = server.replies.pop(f"/simple/{name}/")


def thing(asking: Asking, at: str = "simple", **files: bytes) -> None:
    """An sdist that only a build can tell the requirements of, and what they are."""
    content = {"PKG-INFO": metadata_bytes("thing", "1.0"), "pyproject.toml": NEEDS, **files}
    asking.server.page("thing", [asking.server.file("thing-1.0.tar.gz", sdist("thing", "1.0", content))])
    asking.server.replies[f"/{at}/thing/"] = asking.server.replies.pop("/simple/thing/")
    for name in ("part", "more", "privateword", "publicword", f"python{sys.version_info[0]}{sys.version_info[1]}"):
        asking.serve(name, "1.0", at=at)


@pytest.fixture(params=["uv", "pip"])
def installer(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "pip":
        monkeypatch.setattr(installers, "uv_program", lambda: None)
        monkeypatch.setattr(interpreters, "uv_program", lambda: None)
    return str(request.param)


def test_a_backend_comes_from_the_projects_index(asking: Asking, installer: str) -> None:
    thing(asking)
    serve(asking, "neutral-stand-in-backend", "1.0", code=BACKEND)
    asking.project("thing", more=index_table(asking.server.index))
    result = asking.lock()
    assert result.exit_code == 0, result.stderr
    assert asking.locked() == {"thing": "1.0", "part": "1.0"}


def test_credentials_of_the_index_serve_for_what_a_build_needs(asking: Asking, installer: str) -> None:
    import base64

    thing(asking)
    serve(asking, "neutral-stand-in-backend", "1.0", code=BACKEND)
    server, token = asking.server, base64.b64encode(b"me:pa55word").decode()

    for path, reply in list(server.replies.items()):
        if path.startswith("/simple/"):
            assert isinstance(reply, Reply)
            server.replies[path] = lambda request, reply=reply: (  # type: ignore[misc]
                reply
                if request.headers.get("authorization") == f"Basic {token}"
                else Reply(status=401, headers={"WWW-Authenticate": 'Basic realm="x"'})
            )
    asking.project("thing", more=index_table(server.index.replace("//", "//me:pa55word@")))
    result = asking.lock()
    assert result.exit_code == 0, result.stderr
    assert asking.locked() == {"thing": "1.0", "part": "1.0"}
    kept = [path for path in asking.folder.rglob("*") if path.is_file() and path.name != "pyproject.toml"]
    own = [path for path in kept if not path.is_relative_to(asking.folder / "uv-cache")]
    assert not any(b"pa55word" in path.read_bytes() for path in own)
    server.replies["/simple/neutral-stand-in-backend/"] = Reply(status=401)
    result = asking.lock("--no-cache", "--upgrade")
    assert result.exit_code == 3
    assert "pa55word" not in result.output


STRANGER = b"raise SystemExit('a stranger ran')"


def test_no_stranger_builds_for_a_private_index(asking: Asking, installer: str) -> None:
    """Both indexes have the backend; the first that does counts, as it does for everything that is locked."""
    thing(asking, at="private")
    serve(asking, "neutral-stand-in-backend", "1.0", at="private", code=BACKEND)
    serve(asking, "neutral-stand-in-backend", "99.0", at="public", code=STRANGER)
    url = asking.server.url
    asking.project("thing", more=index_table(f"{url}/private", "private", "") + index_table(f"{url}/public"))
    result = asking.lock()
    assert result.exit_code == 0, result.stderr
    assert asking.locked() == {"thing": "1.0", "part": "1.0"}
    asked = [path for path in asking.server.paths() if path.startswith("/public")]
    assert not any("neutral" in path for path in asked)


@pytest.mark.parametrize("status", [403])
def test_no_stranger_builds_where_the_private_index_refuses(asking: Asking, installer: str, status: int) -> None:
    thing(asking, at="private")
    serve(asking, "neutral-stand-in-backend", "99.0", at="public", code=STRANGER)
    asking.answer("/private/neutral-stand-in-backend/", status)
    url = asking.server.url
    asking.project("thing", more=index_table(f"{url}/private", "private", "") + index_table(f"{url}/public"))
    result = asking.lock(env={"UV_HTTP_RETRIES": "0"})
    assert result.exit_code == 3, result.stderr
    told = " ".join(result.stderr.split())
    assert str(status) in told and f"{url}/private" in told
    assert not any("neutral" in path for path in asking.server.paths() if path.startswith("/public"))


@pytest.mark.parametrize("marker", ["", "python_version >= '3'", "python_version < '3'"])
def test_a_pinned_backend_comes_from_its_index(asking: Asking, marker: str) -> None:
    thing(asking, at="public")
    holds = marker != "python_version < '3'"
    serve(asking, "neutral-stand-in-backend", "1.0", at="own", code=BACKEND if holds else STRANGER)
    serve(asking, "neutral-stand-in-backend", "99.0", at="public", code=STRANGER if holds else BACKEND)
    url = asking.server.url
    said = f', marker = "{marker}"' if marker else ""
    more = f'[tool.uv.sources]\nneutral-stand-in-backend = {{ index = "own"{said} }}\n'
    more += index_table(f"{url}/own", "own", "explicit = true") + index_table(f"{url}/public")
    asking.project("thing", more=more)
    result = asking.lock()
    assert result.exit_code == 0, result.stderr
    assert asking.locked() == {"thing": "1.0", "part": "1.0"}


LINKS = '[tool.uv]\nfind-links = ["./links"]\n'


def links(asking: Asking) -> None:
    (asking.folder / "links").mkdir()
    for version, code in (("2.0", BACKEND), ("1.0", STRANGER)):
        file = asking.folder / "links" / f"neutral_stand_in_backend-{version}-py3-none-any.whl"
        file.write_bytes(installable("neutral-stand-in-backend", version, code))


def test_find_links_serve_beside_the_indexes(asking: Asking) -> None:
    thing(asking)
    links(asking)
    serve(asking, "neutral-stand-in-backend", "1.5", code=STRANGER)
    asking.project("thing", more=LINKS + index_table(asking.server.index))
    result = asking.lock()
    assert result.exit_code == 0, result.stderr
    assert asking.locked() == {"thing": "1.0", "part": "1.0"}


def test_with_no_index_nobody_is_asked(asking: Asking, installer: str) -> None:
    """Not even the default index that an installer has of its own."""
    thing(asking)
    links(asking)
    (asking.folder / "links" / "thing-1.0.tar.gz").write_bytes(asking.server.replies["/files/thing-1.0.tar.gz"].body)  # type: ignore[union-attr]
    (asking.folder / "links" / "part-1.0-py3-none-any.whl").write_bytes(wheel("part", "1.0"))
    asking.project("thing", more=f"{LINKS}no-index = true\n")
    unasked = {"UV_DEFAULT_INDEX": asking.server.index, "PIP_INDEX_URL": asking.server.index}
    result = asking.lock(env=unasked)
    assert result.exit_code == 0, result.stderr
    assert asking.server.paths() == []
    (asking.folder / "links" / "neutral_stand_in_backend-2.0-py3-none-any.whl").unlink()
    (asking.folder / "links" / "neutral_stand_in_backend-1.0-py3-none-any.whl").unlink()
    result = asking.lock("--upgrade", "--no-cache", env=unasked)
    assert result.exit_code == 3
    assert asking.server.paths() == []


@pytest.mark.parametrize("said", [
    ('[tool.uv]\nexclude-newer-package = { neutral-stand-in-backend = "2024-06-01T00:00:00Z" }\n', ""),
    ("", 'exclude-newer = "2024-06-01T00:00:00Z"\n'),
    ('[tool.uv]\nexclude-newer = "2023-06-01T00:00:00Z"\n', 'exclude-newer = "2024-06-01T00:00:00Z"\n'),
])  # fmt: skip
def test_dates_hold_for_what_a_build_needs(asking: Asking, said: tuple[str, str]) -> None:
    thing(asking)
    serve(asking, "neutral-stand-in-backend", "1.0", "2.0", code=BACKEND + b"\nassert 'VERSION' == '1.0'\n", at="own")
    page = asking.server.replies["/own/neutral-stand-in-backend/"]
    assert isinstance(page, Reply)
    told = json.loads(page.body)
    for file, year in zip(told["files"], (2024, 2025), strict=True):
        file["upload-time"] = f"{year}-01-01T00:00:00Z"
    page.body = json.dumps(told).encode()
    for name in ("thing", "part"):
        page = asking.server.replies[f"/simple/{name}/"]
        assert isinstance(page, Reply)
        page.body = page.body.replace(b'"size"', b'"upload-time": "2023-01-01T00:00:00Z", "size"')
    own = index_table(f"{asking.server.url}/own", "own", said[1])
    asking.project("thing", more=said[0] + own + index_table(asking.server.index))
    result = asking.lock()
    assert result.exit_code == 0, result.stderr


def test_what_the_project_says_of_builds(asking: Asking, installer: str) -> None:
    thing(asking)
    serve(asking, "neutral-stand-in-backend", "1.0", "2.0", code=BACKEND + b"\nassert 'VERSION' == '1.0', 'VERSION'\n")
    serve(asking, "helper", "1.0", code=b"WORD = 'more'")
    said = """
[tool.uv]
build-constraint-dependencies = ["neutral-stand-in-backend<2"]
extra-build-dependencies = { Thing = [{ requirement = "helper", match-runtime = false }] }
extra-build-variables = { thing = { THING_WORDS = "privateword" } }
config-settings = { words = ["publicword"] }
"""
    asking.project("thing", more=said + index_table(asking.server.index))
    result = asking.lock()
    assert result.exit_code == 0, result.stderr
    assert sorted(asking.locked()) == ["more", "part", "privateword", "publicword", "thing"]
    asking.project("thing", more=said.replace("privateword", "") + index_table(asking.server.index))
    assert asking.lock("--upgrade").exit_code == 0  # what was built otherwise is built anew
    assert sorted(asking.locked()) == ["more", "part", "publicword", "thing"]


def test_where_nothing_is_to_be_built_a_build_gets_wheels_alone(asking: Asking, installer: str) -> None:
    """The project itself is built all the same; what that needs is of others."""
    code = BACKEND.replace(b"thing", b"demo").replace(b"Name: thing", b"Name: demo")
    serve(asking, "neutral-stand-in-backend", "1.0", code=code)
    asking.serve("part", "1.0")
    wheels = asking.server.replies["/simple/neutral-stand-in-backend/"]
    server = asking.server
    newer = server.file("neutral_stand_in_backend-2.0.tar.gz", sdist("neutral_stand_in_backend", "2.0", {}))
    assert isinstance(wheels, Reply)
    files = json.loads(wheels.body)["files"]
    server.page("neutral-stand-in-backend", [*files, newer])
    head = '[project]\nname = "demo"\nversion = "1.0"\nrequires-python = ">=3.11"\ndynamic = ["dependencies"]\n'
    text = f"{head}{NEEDS.decode()}[tool.uv]\nno-build = true\n{index_table(server.index)}"
    (asking.folder / "pyproject.toml").write_text(text, encoding="utf-8")
    result = asking.lock()
    assert result.exit_code == 0, result.stderr
    assert asking.locked() == {"part": "1.0"}
    server.page("neutral-stand-in-backend", [newer])
    assert asking.lock("--upgrade", "--no-cache").exit_code == 3


@pytest.mark.parametrize(
    ("setting", "options", "variable"),
    [
        ('no-build-isolation-package = ["thing"]', (), ""),
        ("", ("--no-build-isolation-package", "thing"), ""),
        ("", ("--no-build-isolation",), ""),
        ("", (), "true"),
    ],
)
def test_a_build_in_the_projects_environment(
    asking: Asking, monkeypatch: pytest.MonkeyPatch, setting: str, options: tuple[str, ...], variable: str
) -> None:
    if variable:
        monkeypatch.setenv("UV_NO_BUILD_ISOLATION", variable)
    thing(asking)
    environment = asking.folder / ".venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(environment)], check=True)
    packages = next(environment.rglob("site-packages"))
    (packages / "neutral_stand_in_backend.py").write_bytes(BACKEND)
    asking.project("thing", more=f"[tool.uv]\n{setting}\n{index_table(asking.server.index)}")
    result = asking.lock(*options)
    assert result.exit_code == 0, result.stderr
    assert "/simple/neutral-stand-in-backend/" not in asking.server.paths()


def stand_in_python(folder: Path, name: str, version: str) -> Path:
    """A program that says that it is another Python than it is."""
    folder.mkdir(exist_ok=True)
    program = folder / name
    program.write_text(
        f'#!/bin/sh\ncase "$*" in *version_info*) echo {version};; *) exec {sys.executable} "$@";; esac\n'
    )
    program.chmod(0o755)
    return program


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in is a shell script")
def test_a_python_that_the_package_admits_builds_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interpreters, "uv_program", lambda: None)
    own = "{}.{}".format(*sys.version_info[:2])
    other = stand_in_python(tmp_path / "bin", "python3.29", "3.29.1")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=os.pathsep)
    choose = interpreters.interpreter_for
    assert choose(Building(), None) == choose(Building(), f">={own}") == sys.executable
    assert choose(Building(), ">=3.29") == str(other)
    assert choose(Building(requires_python=">=3.29"), f">={own}") == str(other)
    assert choose(Building(requires_python=">=3.29"), f"=={own}.*") == sys.executable
    assert choose(Building(python=(3, 29)), f">={own}") == str(other)
    assert choose(Building(), "<3.3") == sys.executable  # an upper bound alone is no obstacle
    assert choose(Building(), "broken") == sys.executable
    with pytest.raises(interpreters.NoPython, match=r"requires Python >=3\.31"):
        choose(Building(), ">=3.31")
