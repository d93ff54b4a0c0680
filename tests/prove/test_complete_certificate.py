"""The certificate of ``--complete``: what it records, whom it trusts, and that no change of it passes."""

from __future__ import annotations

import hashlib
import json
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import Version

from satlock.corpora.facts import Listing, Metadata, Unreachable, Wanted
from satlock.solver.checking.certificate import Bad, check_certificate
from satlock.solver.checking.owners import read_line as read_line_again
from satlock.solver.checking.versions import admits
from satlock.solver.lockfiles.reading import read_lockfile
from satlock.solver.lockfiles.requirements import read_line
from satlock.solver.proofs.certificate import write_certificate
from satlock.solver.proofs.complete import prove_complete
from satlock.solver.proofs.examining import SecondLook, examine
from satlock.solver.proofs.owners import asking_of
from satlock.solver.proofs.unique import Proof
from tests.prove.locks import write_lock
from tests.prove.random_locks import RandomLock, uv_text
from tests.prove.requirements import Asks, Line, Told, project_text
from tests.prove.test_certificate import FORGERIES as OF_ANY
from tests.prove.test_certificate import _confirmed_by_cvc5, _digests_again

INDEX = "https://index.example/simple"
LINUX = ("atom", ("sys_platform", "==", "linux"))


def _lock() -> RandomLock:
    """app asks for a[x]; that asks for c on Linux."""
    lock = RandomLock([("app", "0"), ("a", "1.0"), ("b", "2.0"), ("c", "1.0")], ["app"])
    lock.edges = {
        (0, "", ""): [(1, ["x"], None)],
        (0, "extra", "more"): [(2, [], None)],
        (1, "", ""): [(2, [], None)],
        (1, "extra", "x"): [(3, [], LINUX)],
    }
    return lock


def _asks() -> Asks:
    asks = Asks({1: [Line("b", (), (">=", 1)), Line("c", (), ("==", 1), LINUX, "x")], 2: [], 3: []})
    asks.lists = {(0, ""): [Line("a", ("x",))], (0, "[more]"): [Line("b", (), ("<", 3))]}
    return asks


def _proof(folder: Path, text: str | None = None, asks: Asks | None = None, told: Told | None = None) -> Proof:
    asks = asks or _asks()
    lock = write_lock(folder, text if text is not None else uv_text(_lock()))
    write_lock(folder, project_text(asks, "app", 0), "pyproject.toml")
    reading = read_lockfile(lock)
    asking = asking_of(reading, folder / "pyproject.toml")
    examine(asking, told or Told(INDEX, _lock().entries, asks), lambda address: INDEX, lambda package: False)
    return prove_complete(reading, asking)


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    write_certificate(tmp_path / "certificate", [_proof(tmp_path)])
    return tmp_path / "certificate"


def test_holds(certificate: Path) -> None:
    (found,) = check_certificate(certificate).properties
    assert (found.property, found.claims) == ("complete", ("a", "app", "b", "c"))
    assert [(one.what, one.index, one.count) for one in found.trusted] == [("metadata", INDEX, 3)]
    assert _confirmed_by_cvc5(certificate / "complete" / "obligation.smt2") == "unsat"


def test_without_any_solver(certificate: Path) -> None:
    program = """
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("z3", "pysat", "cvc5", "packaging", "encoder", "httpx"):
            raise ImportError(f"{name} is blocked")
sys.meta_path.insert(0, Blocked())
from satlock.cli.main import main
sys.argv = ["satlock", "check", sys.argv[1]]
main()
"""
    done = subprocess.run([sys.executable, "-c", program, certificate], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert f"Taken on trust: what {INDEX} says 3 candidates require, as recorded on " in done.stderr


def _record(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], None]:
    def changed(folder: Path) -> None:
        record = json.loads((folder / "metadata.json").read_text())
        change(record)
        (folder / "metadata.json").write_text(json.dumps(record))

    return changed


def _words(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], None]:
    def changed(folder: Path) -> None:
        words = json.loads((folder / "obligation.json").read_text())
        change(words)
        (folder / "obligation.json").write_text(json.dumps(words))

    return changed


OF_THE_RECORD: dict[str, Callable[[Path], None]] = {
    "a requirement dropped": _record(lambda r: r["owners"]["1"]["requires-dist"].pop()),
    "a requirement added": _record(lambda r: r["owners"]["2"]["requires-dist"].append("numpy")),
    "a specifier changed": _record(lambda r: r["owners"]["1"].update({"requires-dist": ["b>=3", "c==1.0"]})),
    "a marker dropped": _record(lambda r: r["owners"]["1"]["requires-dist"].__setitem__(1, "c==1.0; extra == 'x'")),
    "an owner dropped": _record(lambda r: r["owners"].pop("2")),
    "an owner unknown": _record(lambda r: r["owners"].update({"9": {"from": INDEX, "requires-dist": []}})),
    "an owner not examined": _record(lambda r: r["unexamined"].update({"2": r["owners"].pop("2") and "gone"})),
    "somebody not examined": _record(lambda r: r["unexamined"].update({"77": "who knows"})),
    "the project from an index": _record(lambda r: r["owners"].update({"0": {"from": INDEX, "requires-dist": []}})),
    "an entry from the project": _record(lambda r: r["owners"].update({"2": {"from": "project"}})),
    "no owners": _record(lambda r: r.update({"owners": {}})),
    "a record that is none": lambda folder: (folder / "metadata.json").write_text("[]") and None,
    "another requirement shown": _words(lambda w: w["requirements"].update({"unmet 1~0": "b>=0"})),
    "a requirement not shown": _words(lambda w: w["requirements"].pop("unmet 1~0")),
    "a claim of nobody": _words(lambda w: w["claims"].update({"(project)": []})),
}


@pytest.mark.parametrize("kind", [*OF_THE_RECORD, "a dropped clause", "a flipped literal", "an axiom made up",
                                  "a dropped step", "a step that does not follow", "a dropped assertion",
                                  "a changed python", "a further claim", "a dropped goal", "a loop of nothing",
                                  "another property", "no claims", "no words", "no legend"])  # fmt: skip
def test_forgery_with_a_fitting_manifest(certificate: Path, kind: str) -> None:
    (OF_THE_RECORD.get(kind) or OF_ANY[kind])(certificate / "complete")
    _digests_again(certificate, lock=False)
    with pytest.raises(Bad):
        check_certificate(certificate)


def test_another_lock_or_project(certificate: Path, tmp_path: Path) -> None:
    lock, project = uv_text(_lock()), project_text(_asks(), "app", 0)
    lesser = _lock()
    lesser.edges[0, "", ""] = [(1, [], None)]
    older = _lock()
    older.entries[2] = ("b", "0.5")
    stricter, wider = _asks(), _asks()
    stricter.lists[0, ""].append(Line("c", (), ("==", 1)))
    wider.constraints.append(Line("b", (), ("<", 2)))
    wrongs = [(uv_text(lesser), project), (uv_text(older), project),
              (lock, project_text(stricter, "app", 0)), (lock, project_text(wider, "app", 0))]  # fmt: skip
    for text, about in [*wrongs, (lock, project)]:
        write_lock(tmp_path, text)
        write_lock(tmp_path, about, "pyproject.toml")
        _digests_again(certificate)
        manifest = json.loads((certificate / "manifest.json").read_text())
        manifest["project"]["sha256"] = hashlib.sha256(about.encode()).hexdigest()
        (certificate / "manifest.json").write_text(json.dumps(manifest))
        if (text, about) == (lock, project):
            assert check_certificate(certificate)
        else:
            with pytest.raises(Bad):
                check_certificate(certificate)


def _answers(proof: Proof) -> dict[str, str]:
    return {a.name: "proven" if a.proven else a.undecided or a.note for a in proof.answers}


def test_what_is_wrong_is_told(tmp_path: Path) -> None:
    lock = _lock()
    del lock.edges[1, "extra", "x"]
    proof = _proof(tmp_path, uv_text(lock))
    (answer,) = [a for a in proof.answers if not a.proven]
    assert (answer.name, [str(entry) for entry in answer.reached]) == ("a", ["a 1.0"])
    assert answer.note.startswith("a[x] 1.0 requires c==1.0; ")
    assert "nothing of that name is installed (asked for by app 0)" in answer.note
    assert answer.point is not None
    assert answer.point.variables["sys_platform"] == "linux"
    asks = _asks()
    asks.lines[1][0] = Line("b", (), ("<", 2))
    found = _answers(_proof(tmp_path, asks=asks))
    assert found["a"] == f"a 1.0 requires b<2.0, and only b 2.0 from registry {INDEX} is installed"
    assert [found[name] for name in ("app", "b", "c")] == ["proven"] * 3


def _forked(*forks: str) -> str:
    return f"resolution-markers = {list(forks)}\n" + uv_text(_lock())


@pytest.mark.parametrize(
    "forks",
    [
        [],
        ["sys_platform == 'win32'", "sys_platform != 'win32'"],
        ["python_full_version >= '3.12' and os_name == 'nt'", "python_full_version < '3.12'", "os_name != 'nt'"],
        ["sys_platform == 'linux' and extra == 'a'", "sys_platform != 'linux' and extra != 'a'",
         "(sys_platform == 'linux' and extra != 'a') or (sys_platform != 'linux' and extra == 'a')"],
        ["extra == 'a' and extra != 'b'"],
        ["python_full_version >= '3.12' and ((os_name != 'nt' and extra == 'a') or (os_name == 'nt' and extra != 'a'))",
         "(sys_platform != 'linux' or sys_platform == 'linux') and extra != 'a' and python_full_version < '3.12'"],
    ],
)  # fmt: skip
def test_forks_that_cover_everything(tmp_path: Path, forks: list[str]) -> None:
    write_certificate(tmp_path / "c", [_proof(tmp_path, _forked(*forks))])
    (found,) = check_certificate(tmp_path / "c").properties
    assert found.claims == ("a", "app", "b", "c")
    assert _confirmed_by_cvc5(tmp_path / "c" / "complete" / "obligation.smt2") == "unsat"


@pytest.mark.parametrize(
    "forks",
    [
        ["sys_platform == 'linux'", "python_full_version < '3.12'"],
        [
            "(sys_platform == 'linux' or python_full_version < '3.12') and extra == 'a'",
            "extra == 'a-b' and extra != 'A_b'",
        ],
        ["(sys_platform == 'linux' or extra == 'a') and (extra != 'a' or python_full_version < '3.12')"],
    ],
)
def test_nothing_is_installed_where_no_fork_is(tmp_path: Path, forks: list[str]) -> None:
    proof = _proof(tmp_path, _forked(*forks))
    (answer,) = [a for a in proof.answers if not a.proven]
    assert (answer.name, answer.requirement) == ("app", "a[x]")
    assert answer.note.endswith("installed, since none of the lock's resolution-markers holds there")
    assert answer.point is not None and answer.point.variables["sys_platform"] != "linux"
    assert Version(answer.point.variables["python_full_version"]) >= Version("3.12")
    write_certificate(tmp_path / "c", [proof])
    assert check_certificate(tmp_path / "c").properties[0].claims == ("a", "b", "c")


class Failing(Told):
    """An index that is not there, or candidates of which nothing can be told."""

    def listings(self, wanted: Any) -> dict[tuple[str, str], Listing | None]:
        raise Unreachable(f"{self.index} could not be asked")


def test_nothing_is_passed_over(tmp_path: Path) -> None:
    found = _answers(_proof(tmp_path, told=Failing(INDEX, [], _asks())))
    assert found["app"] == "proven"
    assert found["a"] == found["b"] == f"{INDEX} could not be asked"
    before = 'name = "b"\nversion = "2.0"\nsource = { '
    git = uv_text(_lock()).replace(f'{before}registry = "{INDEX}" ', f'{before}git = "https://files.example/b#0" ')
    proof = _proof(tmp_path, git)
    assert _answers(proof)["b"] == "it comes from an address (git), so no index tells what it requires"
    write_certificate(tmp_path / "c", [proof])
    (checked,) = check_certificate(tmp_path / "c").properties
    assert (checked.claims, checked.unexamined) == (("a", "app", "c"), ("b",))
    stated = '[[tool.uv.dependency-metadata]]\nname = "b"\nrequires-dist = ["c>=1; extra == \'y\'", "zzz"]\n'
    with (tmp_path / "pyproject.toml").open("a") as file:
        file.write(stated)
    reading = read_lockfile(tmp_path / "uv.lock")
    asking = asking_of(reading, tmp_path / "pyproject.toml")
    examine(asking, Told(INDEX, _lock().entries, _asks()), lambda address: INDEX, lambda package: False)
    proof = prove_complete(reading, asking)
    assert _answers(proof)["b"] == "b 2.0 requires zzz, and nothing of that name is installed"
    write_certificate(tmp_path / "c", [proof])
    assert check_certificate(tmp_path / "c").properties[0].claims == ("a", "app", "c")


def test_wheels_that_differ(tmp_path: Path) -> None:
    """A requirement that only another platform's wheel has refutes nothing, and is not passed over either."""
    asks = _asks()
    asks.lines[3] = [Line("zzz", (), None, LINUX)]
    lock = write_lock(
        tmp_path, uv_text(_lock()) + 'wheels = [{ url = "https://files.example/c-1.0-py3-none-any.whl" }]\n'
    )
    write_lock(tmp_path, project_text(asks, "app", 0), "pyproject.toml")
    reading = read_lockfile(lock)

    class Differing(Told):
        def metadata(self, wanted: Any) -> dict[Wanted, Any]:
            return {one: Metadata(one.name, one.version, (), None, ()) for one in wanted}

        def _listing(self, index: str, name: str) -> Listing | None:
            found = super()._listing(index, name)
            assert found is not None
            (release,) = found.releases
            file = ("c-1.0-py3-none-any.whl", *release.rows[0][1:])
            return Listing(name, index, (release._replace(raw_files=(file,)),))

    for again, expected in ((Differing, "its wheels require different things"), (Told, "c 1.0 requires zzz")):
        asking = asking_of(reading, tmp_path / "pyproject.toml")
        examine(asking, Told(INDEX, _lock().entries, asks), lambda address: INDEX, lambda package: False)
        look = SecondLook(lambda again=again: again(INDEX, _lock().entries, asks), lambda address: INDEX)  # type: ignore[misc]
        assert _answers(prove_complete(reading, asking, look))["c"].startswith(expected)


def test_versions_as_packaging_has_them() -> None:
    chance = random.Random(3)

    def version(local: bool) -> str:
        text = "1!" if chance.random() < 0.05 else ""
        text += ".".join(str(chance.choice((0, 1, 2, 10))) for _ in range(chance.randint(1, 4)))
        text += chance.choice(("a1", "b0", "rc2", ".alpha", "-c1", "pre", *[""] * 12))
        text += chance.choice((".post1", "-2", "rev1", *[""] * 9))
        text += chance.choice((".dev", "dev1", "-dev3", *[""] * 9))
        text += chance.choice(("+cpu", "+cu124", "+1", "+a.5", *[""] * 9)) if local else ""
        return text

    compared = 0
    for _ in range(20000):
        operator = chance.choice(("==", "!=", "<=", ">=", "<", ">", "~=", "==="))
        clause = operator + version(operator in ("==", "!="))
        if operator in ("==", "!=") and chance.random() < 0.3:
            clause = f"{operator}{chance.randrange(3)}.{chance.randrange(3)}.*"
        try:
            specifier = SpecifierSet(clause)
        except InvalidSpecifier:
            continue
        mine = version(True)
        assert admits(clause, mine) == specifier.contains(Version(mine), prereleases=True), (mine, clause)
        compared += 1
    assert compared > 15000


@pytest.mark.parametrize(
    "text",
    ["a", "A.b_c [X, y_z] (>=1.0,<2) ; python_version<'3'", "a>=1,!=2.*;extra=='Q_q'", "a @ https://files.example/a.zip",
     "a[x] @ https://files.example/a.zip ; os_name == 'nt'", "a===1.0+x", "a ~= 1.0", "a;(os_name=='nt' or extra=='z')",
     "a>=1.*", "a<8.0.0>=7"],
)  # fmt: skip
def test_both_read_a_line_alike(text: str) -> None:
    """What was repaired, where it had to be, is what is recorded."""
    first = read_line(text, "a test")
    again = read_line_again(first.text)
    assert (again.name, again.extras, again.direct) == (first.name, first.extras, first.direct)
    assert {"".join(c.split()) for c in again.versions.split(",") if c} == {str(c) for c in first.specifier}


@pytest.mark.parametrize(
    ("brings", "proven"),
    [("app[cpu]", False), ("app[cpu]; os_name == 'nobody'", True), ("b", True)],
)
def test_an_override_for_an_extra_holds_where_that_is_brought_along(brings: str, proven: bool, tmp_path: Path) -> None:
    """The lock has the older b unless cpu itself is chosen; all brings cpu along, or does not."""
    (tmp_path / "pyproject.toml").write_text(
        f"""[project]
name = "app"
dependencies = ["b"]
[project.optional-dependencies]
cpu = []
all = ["{brings}"]
[tool.uv]
override-dependencies = ["b>=2; extra == 'cpu'", "b; extra != 'cpu'"]
"""
    )
    lines = ['lock-version = "1.0"', 'created-by = "a test"', 'extras = ["all", "cpu"]']
    for version, operator in (("1.0", "not in"), ("2.0", "in")):
        lines += ["[[packages]]", 'name = "b"', f'version = "{version}"', f"marker = \"'cpu' {operator} extras\""]
        lines += ['index = "https://index.example/simple"', "[[packages.wheels]]"]
        lines += [f'url = "https://files.example/b-{version}-py3-none-any.whl"', 'hashes = {sha256 = "00"}']
    reading = read_lockfile(write_lock(tmp_path, "\n".join(lines), "pylock.toml"))
    asking = asking_of(reading, tmp_path / "pyproject.toml")
    told = Told(INDEX, [("b", "1.0"), ("b", "2.0")], Asks({0: [], 1: []}))
    examine(asking, told, lambda address: INDEX, lambda package: False)
    proof = prove_complete(reading, asking)
    assert all(answer.proven for answer in proof.answers) == proven
    if proven:
        write_certificate(tmp_path / "c", [proof])
        assert check_certificate(tmp_path / "c").properties
