"""``satlock audit``: what is found, where it is reached, and the smallest upgrade; the API by its documentation.

The API itself is not asked: a server on loopback answers as https://google.github.io/osv.dev/api/ says.
"""

from __future__ import annotations

import json
import threading
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from satlock.cli.commands import satlock
from satlock.corpora.advisories.advisory import read_advisory
from tests.cli.scene import Scene, pyproject, scene_of, world_of
from tests.world import Dist

PACKAGES: Mapping[str, Mapping[str, Dist]] = {
    "web": {"1": Dist(("core<3",)), "2": Dist(("core",))},
    "core": {"1.0": Dist(), "1.1": Dist(), "1.2": Dist(), "2.0": Dist(), "3.0": Dist()},
    "tool": {"1": Dist(("web<2",)), "2": Dist(("web",))},
    "stuck": {"1": Dist(), "2": Dist()},
}
MORE = '[project.optional-dependencies]\nx = ["stuck<2"]\n'


def advisory(identity: str, name: str, *events: dict[str, str], **more: Any) -> dict[str, Any]:
    package = {"package": {"ecosystem": "PyPI", "name": name}}
    return {"id": identity, "affected": [{**package, "ranges": [{"type": "ECOSYSTEM", "events": [*events]}]}], **more}


CORE = advisory(
    "GHSA-core", "Core", {"introduced": "0"}, {"fixed": "1.2"}, aliases=["CVE-1"], summary="It breaks",
    database_specific={"severity": "HIGH"},
)  # fmt: skip
TWIN = {**advisory("PYSEC-core", "core", {"introduced": "1.0"}, {"fixed": "1.1"}), "aliases": ["CVE-1"]}
LATER = advisory("GHSA-later", "core", {"introduced": "1.2"}, {"fixed": "2.0"})
STUCK = advisory("GHSA-stuck", "stuck", {"introduced": "0"}, {"last_affected": "1"})
GONE = {**advisory("GHSA-gone", "core", {"introduced": "0"}), "withdrawn": "2024-01-01T00:00:00Z"}
OTHER = {"id": "GO-1", "affected": [{"package": {"ecosystem": "Go", "name": "core"}, "versions": ["1.0"]}]}


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    found = scene_of(world_of(PACKAGES, pyproject("web", "core<1.1", more=MORE)), tmp_path)
    assert found.lock().exit_code == 0
    found.rewrite(pyproject("web", "core", more=MORE))
    return found


def ask(scene: Scene, *arguments: str) -> Result:
    command = ["audit", "--project", str(scene.project), "--corpus", str(scene.snapshot), *arguments]
    return CliRunner().invoke(satlock, command)


def database(scene: Scene, *records: dict[str, Any]) -> str:
    path = scene.project.parent / "advisories.json"
    path.write_text(json.dumps(records))
    return str(path)


def test_the_smallest_upgrade(scene: Scene) -> None:
    """1.2 is the first without the one, and has another that nobody asked about yet."""
    done = ask(scene, "--database", database(scene, CORE, GONE, OTHER))
    assert done.exit_code == 1
    assert done.stdout.splitlines() == [
        "core 1.0",
        "  GHSA-core, CVE-1 [HIGH]: It breaks",
        "  Required by the project, web 2",
        "  Smallest upgrade free of it: core 1.2; nothing else changes",
        "1 vulnerability in 1 of 3 packages.",
    ]
    said = ask(scene, "--database", database(scene, CORE, LATER)).stdout
    assert "Smallest upgrade free of it: core 2.0; nothing else changes" in said


def test_where_nothing_helps_it_is_told_who_is_in_the_way(scene: Scene) -> None:
    said = ask(scene, "--database", database(scene, STUCK)).stdout
    assert "stuck 1  where 'x' in extras" in said
    assert "No upgrade is free of it: extra 'x' requires stuck<2" in said
    never = advisory("GHSA-never", "stuck", {"introduced": "0"})
    assert "no later release of stuck is free of it" in ask(scene, "--database", database(scene, never)).stdout


def test_where_one_environment_cannot_be_free_of_it_another_may_be(tmp_path: Path) -> None:
    """Each build is told its own upgrade, or who is in the way there."""
    both = (
        '[project.optional-dependencies]\nold = ["core<2"]\nnew = ["core<3"]\n'
        '[tool.uv]\nconflicts = [[{ extra = "old" }, { extra = "new" }]]\n'
    )
    packages = {"core": {"1": Dist(), "2": Dist(), "3": Dist()}}
    scene = scene_of(world_of(packages, pyproject(more=both)), tmp_path)
    assert scene.lock().exit_code == 0
    record = advisory("GHSA-low", "core", {"introduced": "0"}, {"fixed": "3"})
    said = ask(scene, "--database", database(scene, record)).stdout
    assert "No upgrade is free of it: extra 'old' requires core<2" in said
    assert "No upgrade is free of it: extra 'new' requires core<3" in said
    scene.rewrite(pyproject(more=both.replace("core<3", "core")))
    said = ask(scene, "--database", database(scene, record)).stdout
    assert "No upgrade is free of it: extra 'old' requires core<2" in said
    assert "Smallest upgrade free of it: core 3; nothing else changes" in said


def test_environments_that_do_not_reach_it(scene: Scene) -> None:
    done = ask(scene, "--database", database(scene, STUCK), "--no-extras")
    assert done.exit_code == 0
    assert "No known vulnerability in 2 packages" in done.stdout
    assert "1 more in packages that these environments do not install." in done.stdout


def test_one_that_several_databases_keep_is_one(scene: Scene) -> None:
    found = json.loads(ask(scene, "--database", database(scene, TWIN, CORE), "--json", "--no-fix").stdout)
    assert [one["id"] for one in found["findings"][0]["advisories"]] == ["PYSEC-core"]
    for name in ("cve-1", "GHSA-core"):
        done = ask(scene, "--database", database(scene, TWIN, CORE), "--ignore", name)
        assert done.exit_code == 0 and "1 ignored." in done.stdout


def test_an_upgrade_that_changes_others(tmp_path: Path) -> None:
    scene = scene_of(world_of(PACKAGES, pyproject("tool<2", "core<3")), tmp_path)
    assert scene.lock().exit_code == 0
    scene.rewrite(pyproject("tool", "core"))
    record = advisory("GHSA-all", "core", {"introduced": "0"}, {"fixed": "3.0"})
    said = ask(scene, "--database", database(scene, record)).stdout
    assert "Smallest upgrade free of it: core 3.0, with tool 1 → 2; web 1 → 2" in said


@pytest.mark.parametrize("kind", ["folder", "zip", "answer"])
def test_kinds_of_databases(scene: Scene, tmp_path: Path, kind: str) -> None:
    if kind == "folder":
        path = tmp_path / "db"
        (path / "deep").mkdir(parents=True)
        (path / "deep" / "one.json").write_text(json.dumps(CORE))
    elif kind == "zip":
        path = tmp_path / "all.zip"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("GHSA-core.json", json.dumps(CORE))
    else:
        path = tmp_path / "answer.json"
        path.write_text(json.dumps({"vulns": [CORE]}))
    assert ask(scene, "--database", str(path), "--no-fix").exit_code == 1


def test_a_database_that_is_none(scene: Scene) -> None:
    for text in ("[", '{"a": 1}', "[1]"):
        (scene.project / "bad.json").write_text(text)
        done = ask(scene, "--database", str(scene.project / "bad.json"))
        assert done.exit_code == 2 and "cannot be read" in done.stderr


@pytest.mark.parametrize(
    ("events", "inside", "outside"),
    [
        ([{"introduced": "0"}, {"fixed": "1.2"}], ["0.1", "1.1", "1.2rc1", "1.1+cpu"], ["1.2", "2"]),
        ([{"introduced": "1"}, {"last_affected": "2"}], ["1", "1.5", "2"], ["0.9", "2.0.1"]),
        ([{"fixed": "2"}, {"introduced": "1"}, {"introduced": "3"}, {"fixed": "4"}], ["1.5", "3"], ["2", "2.5", "4"]),
        ([{"introduced": "0"}, {"limit": "2"}], ["1"], ["2"]),
    ],
)
def test_ranges(events: list[dict[str, str]], inside: list[str], outside: list[str]) -> None:
    read = read_advisory(advisory("X", "a", *events))
    assert read is not None
    assert [version for version in [*inside, *outside] if read.affects("a", version)] == inside
    assert not read.affects("a", "no version") and not read.affects("b", inside[0])


@contextmanager
def osv(records: list[dict[str, Any]], *, broken: int = 0) -> Iterator[tuple[str, list[Any]]]:
    """The API as documented: ids for a batch, one of them a page, and one record for each id."""
    asked: list[Any] = []
    failures = [broken]

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def _answer(self, status: int, body: Any) -> None:
            text = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            asked.append((self.path, body))
            if failures[0]:
                failures[0] -= 1
                return self._answer(503, {})
            self._answer(200, {"results": [self._result(query) for query in body["queries"]]})

        def _result(self, query: dict[str, Any]) -> dict[str, Any]:
            name, version = query["package"]["name"], query.get("version")
            assert query["package"]["ecosystem"] == "PyPI"
            read = [(record, read_advisory(record)) for record in records]
            ids = [r["id"] for r, a in read if a and (a.affects(name, version) if version else a.of(name))]
            page = int(query.get("page_token", "0"))
            found: dict[str, Any] = {"vulns": [{"id": one, "modified": "x"} for one in ids[page : page + 1]]}
            return {**found, "next_page_token": str(page + 1)} if page + 1 < len(ids) else found if ids else {}

        def do_GET(self) -> None:
            asked.append((self.path, None))
            found = [record for record in records if self.path == f"/v1/vulns/{record['id']}"]
            self._answer(200 if found else 404, found[0] if found else {"code": 5})

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
    finally:
        server.shutdown()
        server.server_close()


def test_the_api(scene: Scene) -> None:
    with osv([CORE, LATER, STUCK]) as (url, asked):
        done = ask(scene, "--osv-url", url)
    assert done.exit_code == 1 and "core 2.0" in done.stdout, "the later advisory counts for the upgrade"
    assert asked[0][0] == "/v1/querybatch"
    assert {(q["package"]["name"], q["version"]) for q in asked[0][1]["queries"]} == {
        ("web", "2"),
        ("core", "1.0"),
        ("stuck", "1"),
    }
    assert len([path for path, _ in asked if path == "/v1/vulns/GHSA-core"]) == 1, "each advisory is asked for once"


def test_an_api_that_fails_for_a_moment(scene: Scene) -> None:
    with osv([CORE], broken=2) as (url, _):
        assert ask(scene, "--osv-url", url, "--no-fix").exit_code == 1
    with osv([CORE], broken=9) as (url, _):
        done = ask(scene, "--osv-url", url, "--no-fix")
    assert done.exit_code == 3 and "HTTP 503" in done.stderr and "--database" in done.stderr


def test_an_api_that_is_none(scene: Scene) -> None:
    for url in ("http://osv.example", "ftp://osv.example", "nonsense"):
        done = ask(scene, "--osv-url", url)
        assert done.exit_code == 3 and "give an https:// URL" in done.stderr
    done = ask(scene, "--osv-url", "http://127.0.0.1:9", "--json")
    assert done.exit_code == 3 and json.loads(done.stdout)["schema"] == "satlock/error"
    assert ask(scene, "--offline").exit_code == 2
