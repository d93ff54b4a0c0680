"""Measures ``satlock prove`` and ``satlock check``: ``python -m tests.prove.measure``.

Locks of 50, 200 and 600 packages, made up after real ones: chains of dependencies, one name in eight with two or three
entries, split by Python, by platform or by conflicting extras. Times are of the processor, in user mode, of whole
processes; the best of five.
"""

from __future__ import annotations

import json
import random
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

SPLITS = (
    ("python_full_version >= '3.12'", "python_full_version < '3.12'"),
    ("sys_platform == 'linux' and platform_machine == 'x86_64'",
     "sys_platform != 'linux' or platform_machine != 'x86_64'"),
    ("extra == 'extra-3-app-cpu'", "extra == 'extra-3-app-cuda'",
     "extra != 'extra-3-app-cpu' and extra != 'extra-3-app-cuda'"),
    ("sys_platform == 'darwin'", "python_full_version >= '3.11' and sys_platform != 'darwin'",
     "python_full_version < '3.11' and sys_platform != 'darwin'"),
)  # fmt: skip


def made_up_lock(packages: int, seed: int = 0) -> str:
    """A right ``uv.lock`` with so many packages."""
    chance = random.Random(seed)
    splits = {i: chance.choice(SPLITS) if chance.random() < 0.125 else ("",) for i in range(packages)}
    lines = ["version = 1", "revision = 3", 'requires-python = ">=3.10"',
             'conflicts = [[{ package = "app", extra = "cpu" }, { package = "app", extra = "cuda" }]]']  # fmt: skip

    def edges(targets: list[int]) -> str:
        found = []
        for target in targets:
            for place, marker in enumerate(splits[target]):
                which = f', version = "{place + 1}.0"' if len(splits[target]) > 1 else ""
                shown = f', marker = "{marker}"' if marker else ""
                found.append(f'{{ name = "package-{target}"{which}{shown} }}')
        return "[" + ", ".join(found) + "]"

    roots = sorted(chance.sample(range(packages), max(4, packages // 12)))
    lines += ["[[package]]", 'name = "app"', 'version = "0"', 'source = { virtual = "." }']
    lines += [f"dependencies = {edges(roots)}", "[package.optional-dependencies]"]
    lines += [f"cpu = {edges(roots[:2])}", f"cuda = {edges(roots[2:4])}"]
    for i in range(packages):
        for place in range(len(splits[i])):
            targets = sorted({min(packages - 1, i + chance.randint(1, 30)) for _ in range(chance.randint(0, 5))} - {i})
            lines += ["[[package]]", f'name = "package-{i}"', f'version = "{place + 1}.0"']
            lines += ['source = { registry = "https://index.example/simple" }', f"dependencies = {edges(targets)}"]
            for tag in ("cp310-cp310", "cp311-cp311", "cp312-cp312", "cp313-cp313"):
                file = f"package_{i}-{place + 1}.0-{tag}-manylinux_2_28_x86_64.whl"
                lines.append(f'wheels = [{{ url = "https://files.example/{file}" }}]' if tag == "cp310-cp310" else "")
    return "\n".join(line for line in lines if line) + "\n"


def _best(command: list[str]) -> float:
    times = []
    for _ in range(5):
        started = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
        done = subprocess.run([sys.executable, "-m", "satlock", *command], capture_output=True, check=False)
        times.append(resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - started)
        assert done.returncode == 0, done.stderr.decode()
    return min(times)


def main() -> None:
    print("| packages | entries | names with several | clauses | prove | check | certificate |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for packages in (50, 200, 600):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "uv.lock").write_text(made_up_lock(packages))
            certificate = folder / "certificate"
            prove = _best(["prove", str(folder / "uv.lock"), "--certificate", str(certificate)])
            check = _best(["check", str(certificate)])
            size = sum(path.stat().st_size for path in certificate.rglob("*") if path.is_file())
            words = json.loads((certificate / "unique" / "obligation.json").read_text())
            entries = sum(map(len, words["claims"].values()))
            clauses = (certificate / "unique" / "obligation.cnf").read_text().split("\n", 1)[0].split()[3]
            print(
                f"| {packages} | {entries} | {len(words['goals'])} | {clauses} | {prove:.2f} s | {check:.2f} s "
                f"| {size / 1000:.0f} kB |",
                flush=True,
            )


if __name__ == "__main__":
    main()
