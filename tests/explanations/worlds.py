"""Well-known ways to have no lock, as small worlds: ``NAME.txt`` beside this file is what a person reads of each."""

from __future__ import annotations

from tests.cli.scene import pyproject, world_of
from tests.world import Dist, World


def extras(**lists: str) -> str:
    return "[project.optional-dependencies]\n" + "".join(f'{name} = ["{asked}"]\n' for name, asked in lists.items())


PLAIN = {"1.0": Dist(), "1.5": Dist(), "2.0": Dist()}
PIN = (
    '[tool.uv.sources]\na = [{ index = "cpu", extra = "cpu" }]\n'
    '[[tool.uv.index]]\nname = "cpu"\nurl = "https://index.example/whl/cpu"\nexplicit = true\n'
)

PINNED_EVERYWHERE = (
    '[tool.uv.sources]\na = { index = "cpu" }\n'
    '[[tool.uv.index]]\nname = "cpu"\nurl = "https://index.example/whl/cpu"\nexplicit = true\n'
)

WORLDS: dict[str, World] = {
    "versions that require the same are told as one": world_of(
        {"a": {v: Dist(("b<2",)) for v in ("1.0", "1.1", "1.2", "1.3")} | {"2.0": Dist()}, "b": PLAIN},
        pyproject("a<2", "b>=2"),
    ),
    "many different requirements are summed up": world_of(
        {
            "a": {f"1.{i}": Dist((f"b<0.{i + 2}",)) for i in range(6)},
            "b": {"0.1": Dist(), "1.0": Dist()},
        },
        pyproject("a", "b>=1"),
    ),
    "a package that no index has": world_of({"a": {"1.0": Dist(("nowhere",))}}, pyproject("a")),
    "extras that nothing separates": world_of({"a": PLAIN}, pyproject(more=extras(one="a<2", two="a>=2"))),
    "a group that another one includes": world_of(
        {"a": PLAIN},
        pyproject(more='[dependency-groups]\nbase = ["a<2"]\nmore = ["a>=2", {include-group = "base"}]\n'),
    ),
    "an index pin": world_of(
        {"a": PLAIN}, pyproject("a>=2", more=extras(cpu="a") + PIN), cpu={"a": {"1.0+cpu": Dist()}}
    ),
    "a Python that is too old": world_of(
        {"a": {"1.0": Dist(), "2.0": Dist(requires_python=">=3.12")}}, pyproject("a>=2")
    ),
    "a yanked version": world_of({"a": {"1.0": Dist(), "2.0": Dist(yanked="")}}, pyproject("a>=2")),
    "a pre-release that is refused": world_of(
        {"a": {"1.0": Dist(), "2.0b1": Dist()}}, pyproject("a>1", more='[tool.uv]\nprerelease = "disallow"\n')
    ),
    "files that came too late": world_of(
        {"a": {"1.0": Dist(), "2.0": Dist(upload_time="2025-01-01T00:00:00Z")}},
        pyproject("a>=2", more='[tool.uv]\nexclude-newer = "2024-06-01"\n'),
    ),
    "what could not be read": world_of({"a": {"1.0": Dist(broken="its wheel is not a zip file")}}, pyproject("a")),
    "a constraint and an extra of a package": world_of(
        {"a": {"1.0": Dist(("b>=2 ; extra == 'x'",), provides_extra=("x",))}, "b": PLAIN},
        pyproject("a[x]", more='[tool.uv]\nconstraint-dependencies = ["b<2"]\n'),
    ),
    "one version everywhere": world_of(
        {"a": PLAIN},
        pyproject(
            "a<2 ; sys_platform == 'linux'",
            "a>=2 ; sys_platform != 'linux'",
            more='[tool.satlock]\nsingle-version = ["a"]\n',
        ),
    ),
    "several extras in conflict": world_of(
        {"torch": {"2.4.0": Dist(), "2.5.0": Dist(), "2.6.0": Dist()}},
        pyproject(more=extras(cpu="torch==2.6.0", cu118="torch==2.4.0", cu124="torch==2.5.0")),
    ),
    "no wheel for a required platform": world_of(
        {"a": {"1.0": Dist(), "2.0": Dist(wheels=("py3-none-manylinux_2_28_x86_64",))}},
        pyproject(
            "a>=2",
            more="[tool.uv]\nrequired-environments = [\"sys_platform == 'darwin' and platform_machine == 'arm64'\"]\n",
        ),
    ),
    "a build without a file beside one that has it": world_of(
        {
            "a": {
                "2.0": Dist(wheels=("py3-none-macosx_11_0_arm64",)),
                "2.0+cpu": Dist(("b<2",), wheels=("py3-none-manylinux_2_28_x86_64",)),
            },
            "b": PLAIN,
        },
        pyproject("a==2.0", "b>=2", more="[tool.uv]\nenvironments = [\"sys_platform == 'linux'\"]\n"),
    ),
    "a misspelt package": world_of({"requests": {"2.0": Dist()}}, pyproject("reqests>=2")),
    "a misspelt package beside the right one": world_of(
        {"a": {"1.0": Dist(("requests>=2",))}, "requests": {"2.0": Dist()}}, pyproject("a", "requests", "reqests>=2")
    ),
    "a package that an explicit index lacks": world_of(
        {"a": PLAIN}, pyproject("a", more=PINNED_EVERYWHERE), cpu={"b": {"1.0": Dist()}}
    ),
    "a version that a pinned index lacks": world_of(
        {"a": PLAIN}, pyproject("a>=2", more=PINNED_EVERYWHERE), cpu={"a": {"1.0+cpu": Dist(), "1.5+cpu": Dist()}}
    ),
    "pins of two packages clash below": world_of(
        {
            "web": {"1.0": Dist(("core==1.0",)), "1.1": Dist(("core==1.0",))},
            "cli": {"3.0": Dist(("core==2.0",))},
            "core": PLAIN,
        },
        pyproject("web", "cli"),
    ),
    "exclude-newer cuts everything": world_of(
        {"a": {v: Dist(upload_time=f"2024-0{v[0]}-01T00:00:00Z") for v in ("3.0", "4.0", "5.0")}},
        pyproject("a", more='[tool.uv]\nexclude-newer = "2024-01-01"\n'),
    ),
    "only pre-releases": world_of(
        {"a": {"1.0a1": Dist(), "1.0b1": Dist()}}, pyproject("a", more='[tool.uv]\nprerelease = "disallow"\n')
    ),
    "only yanked": world_of({"a": {"1.0": Dist(yanked="broken"), "1.1": Dist(yanked="")}}, pyproject("a")),
    "a constraint against a requirement": world_of(
        {"a": PLAIN}, pyproject("a>=1.5", more='[tool.uv]\nconstraint-dependencies = ["a<1.5"]\n')
    ),
    "an override that nothing meets": world_of(
        {"a": {"1.0": Dist(("b>=1",))}, "b": PLAIN},
        pyproject("a", more='[tool.uv]\noverride-dependencies = ["b>=9"]\n'),
    ),
    "a group against an extra": world_of(
        {"a": PLAIN}, pyproject(more=extras(fast="a>=2") + '[dependency-groups]\ndev = ["a<2"]\n')
    ),
    "one version from two pinned indexes": world_of(
        {},
        pyproject(
            more=extras(cpu="a", cu="a")
            + '[tool.uv]\nconflicts = [[{ extra = "cpu" }, { extra = "cu" }]]\n'
            + '[tool.uv.sources]\na = [{ index = "cpu", extra = "cpu" }, { index = "cu", extra = "cu" }]\n'
            + '[[tool.uv.index]]\nname = "cpu"\nurl = "https://index.example/whl/cpu"\nexplicit = true\n'
            + '[[tool.uv.index]]\nname = "cu"\nurl = "https://index.example/whl/cu"\nexplicit = true\n'
            + '[tool.satlock]\nsingle-version = ["a"]\n'
        ),
        cpu={"a": {"1.0+cpu": Dist()}},
        cu={"a": {"1.0+cu": Dist()}},
    ),
    "bounds that contradict each other": world_of({"a": PLAIN}, pyproject("a>1.5", "a<1.5")),
    "on one platform only": world_of(
        {"a": {"1.0": Dist(("b<2 ; sys_platform == 'win32'",))}, "b": PLAIN}, pyproject("a", "b>=2")
    ),
    "on an old Python only": world_of(
        {"a": {"1.0": Dist(("b<2 ; python_version < '3.12'",))}, "b": PLAIN}, pyproject("a", "b>=2")
    ),
    "nothing but a source distribution, with builds switched off": world_of(
        {"a": {"1.0": Dist(wheels=(), sdist=True)}}, pyproject("a", more="[tool.uv]\nno-build = true\n")
    ),
    "a chain of four": world_of(
        {
            "a": {"1.0": Dist(("b",)), "1.1": Dist(("b",))},
            "b": {"1.0": Dist(("c",)), "2.0": Dist(("c",))},
            "c": {"1.0": Dist(("d>=2",))},
            "d": PLAIN,
        },
        pyproject("a", "d<2"),
    ),
}
