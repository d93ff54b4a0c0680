"""The server of the tests is itself an index that pip and uv install from."""

from __future__ import annotations

import hashlib
import http.client
import io
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.index_server import HTML, JSON, IndexServer, Options
from tests.world import DEFAULT, Dist, World

CPU = "https://index.example/whl/cpu"
WORLD = World(
    f'[project]\nname = "proj"\n[[tool.uv.index]]\nname = "cpu"\nurl = "{CPU}"\n',
    {
        DEFAULT: {
            "top-level": {"1.0": Dist(("torch>=2", "absent; python_version < '3'"), requires_python=">=3.9,<4")},
            "torch": {"2.5.1": Dist(), "2.4.0": Dist(yanked="broken on Mondays")},
            "source-only": {"1.0": Dist(("torch",), wheels=(), sdist=True)},
            "dynamic": {"1.0": Dist(("torch",), wheels=(), sdist=True, needs_build=True)},
        },
        CPU: {"torch": {"2.5.1+cpu": Dist()}},
    },
)

Start = Callable[..., IndexServer]


def get(server: IndexServer, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection(urlsplit(server.base).netloc, timeout=10)
    connection.request("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})
    response = connection.getresponse()
    found = response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()
    connection.close()
    return found


def simple(server: IndexServer, name: str, index: str = DEFAULT) -> str:
    return f"{urlsplit(server.url(index)).path}/{name}/"


def test_a_listing_as_json_and_html(index_server: Start) -> None:
    server = index_server(WORLD)
    status, headers, body = get(server, simple(server, "torch"), Accept=f"{JSON}, {HTML};q=0.2, text/html;q=0.1")
    assert (status, headers["content-type"]) == (200, JSON)
    files = json.loads(body)["files"]
    assert [file["filename"] for file in files] == ["torch-2.4.0-py3-none-any.whl", "torch-2.5.1-py3-none-any.whl"]
    assert [file["yanked"] for file in files] == ["broken on Mondays", False]

    status, headers, body = get(server, simple(server, "top-level"), Accept="text/html")
    assert (status, headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert b'data-requires-python="&gt;=3.9,&lt;4"' in body
    assert b"data-core-metadata" in body
    assert get(server, simple(server, "absent"))[0] == 404
    assert get(server, simple(server, "torch").rstrip("/"))[0] == 301


def test_files_are_what_the_listing_says(index_server: Start) -> None:
    server = index_server(WORLD)
    file = json.loads(get(server, simple(server, "torch", CPU), Accept=JSON)[2])["files"][0]
    path = urlsplit(file["url"]).path
    assert path.endswith("torch-2.5.1%2Bcpu-py3-none-any.whl")
    data = get(server, path)[2]
    assert (len(data), hashlib.sha256(data).hexdigest()) == (file["size"], file["hashes"]["sha256"])
    metadata = get(server, f"{path}.metadata")[2]
    assert hashlib.sha256(metadata).hexdigest() == file["core-metadata"]["sha256"]
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.read("torch-2.5.1+cpu.dist-info/METADATA") == metadata
    with IndexServer(WORLD) as other:
        assert other.file(CPU, "torch-2.5.1+cpu-py3-none-any.whl") == data


def test_ranges_etags_and_what_a_poor_index_lacks(index_server: Start) -> None:
    server = index_server(
        WORLD, per_index={CPU: Options(json=False, metadata_files=False, metadata_keys=False, ranges=False)}
    )
    path = f"{urlsplit(server.url(DEFAULT)).path.removesuffix('/simple')}/files/torch-2.5.1-py3-none-any.whl"
    whole = get(server, path)[2]
    status, headers, tail = get(server, path, Range="bytes=-22")
    assert (status, tail, headers["content-range"]) == (
        206,
        whole[-22:],
        f"bytes {len(whole) - 22}-{len(whole) - 1}/{len(whole)}",
    )
    assert get(server, path, Range="bytes=4-9")[2] == whole[4:10]
    assert get(server, path, Range="bytes=999999-")[0] == 416

    listing = simple(server, "torch")
    etag = get(server, listing, Accept=JSON)[1]["etag"]
    assert get(server, listing, Accept=JSON, If_None_Match=etag)[0] == 304
    assert get(server, listing, Accept=HTML, If_None_Match=etag)[0] == 200

    poor = simple(server, "torch", CPU)
    status, headers, body = get(server, poor, Accept=f"{JSON}, text/html;q=0.1")
    assert headers["content-type"].startswith("text/html")
    assert b"core-metadata" not in body
    assert get(server, poor, Accept=JSON)[0] == 406
    path = path.replace("index-example-simple", "index-example-whl-cpu").replace("2.5.1", "2.5.1%2Bcpu")
    assert get(server, f"{path}.metadata")[0] == 404
    assert get(server, path, Range="bytes=0-3")[0] == 200


def test_faults_and_the_record_of_requests(index_server: Start) -> None:
    server = index_server(WORLD)
    path = simple(server, "torch")
    server.faults[path] = 503
    assert get(server, path)[0] == 503
    del server.faults[path]
    assert get(server, path)[0] == 200
    assert [asked.status for asked in server.requests] == [503, 200]
    assert server.url(CPU) in server.world.pyproject and CPU not in server.world.pyproject


def environment(folder: Path) -> dict[str, str]:
    """The process environment without any configuration of pip and uv."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "UV_", "VIRTUAL_ENV"))}
    return kept | {"PIP_CONFIG_FILE": os.devnull, "UV_NO_CONFIG": "1", "UV_CACHE_DIR": str(folder / "uv-cache")}


def installed(python: Path, module: str) -> list[str]:
    code = f"import {module} as m; print(m.VERSION, m.INDEX)"
    return subprocess.run([python, "-c", code], check=True, capture_output=True, text=True).stdout.split()


@pytest.mark.parametrize("installer", ["pip", "uv"])
@pytest.mark.parametrize(
    "options", [Options(), Options(json=False, metadata_files=False, metadata_keys=False)], ids=["full", "poor"]
)
def test_installers_install_stand_ins(index_server: Start, tmp_path: Path, installer: str, options: Options) -> None:
    if installer == "uv" and shutil.which("uv") is None:
        pytest.skip("uv is not installed")
    server = index_server(WORLD, options)
    env = environment(tmp_path)
    venv = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
    python = venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if installer == "pip":
        install = [sys.executable, "-m", "pip", "--python", str(python), "install", "--no-cache-dir", "--quiet"]
    else:
        install = ["uv", "pip", "install", "--python", str(python), "--quiet"]
    wanted = ["top-level", "source-only", "dynamic"]
    subprocess.run([*install, "--index-url", server.url(DEFAULT), *wanted], check=True, env=env)
    assert installed(python, "top_level") == ["1.0", DEFAULT]
    assert installed(python, "torch") == ["2.5.1", DEFAULT]
    assert installed(python, "source_only") == ["1.0", DEFAULT]
    subprocess.run([*install, "--index-url", server.url(CPU), "torch==2.5.1+cpu"], check=True, env=env)
    assert installed(python, "torch") == ["2.5.1+cpu", CPU]
