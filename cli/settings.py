"""The options and variables that stand for a setting: what ``[tool.uv]`` says in a file, for one run or one shell."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import click

from satlock.cli.failures import WRONG, Ended
from satlock.records import dataclass

if TYPE_CHECKING:
    from satlock.encoder.project.layers import Around, Layer
    from satlock.encoder.project.values import Value

__all__ = ["GivenSettings", "around", "flag_in_environment", "setting_options", "taken_from"]

_Callback = TypeVar("_Callback", bound=Callable[..., Any])
_ABOUT_INDEXES = ("index", "index-url", "extra-index-url", "find-links", "no-index", "index-strategy")
"""What says nothing beside a snapshot, which stands for all indexes."""
_TRUE, _FALSE = ("1", "true", "yes", "on", "y", "t"), ("0", "false", "no", "off", "n", "f", "")


@dataclass(frozen=True)
class _Setting:
    """One key of ``[tool.uv]`` as an option and a variable."""

    key: str
    kind: Literal["word", "flag", "names", "pairs", "places"]
    help: str
    choices: tuple[str, ...] = ()
    metavar: str = ""
    short: str = ""
    variable: bool = True
    """Whether uv has a variable for it."""

    @property
    def parameter(self) -> str:
        return f"set_{self.key.replace('-', '_')}"

    @property
    def env(self) -> str:
        return f"UV_{self.key.upper().replace('-', '_')}"


_SETTINGS = (
    _Setting(
        "resolution",
        "word",
        "Which versions are taken: the newest, or the oldest (of what the project itself requires).",
        ("highest", "lowest", "lowest-direct"),
    ),
    _Setting(
        "prerelease",
        "word",
        "Which pre-releases are admitted.",
        ("disallow", "allow", "if-necessary", "explicit", "if-necessary-or-explicit"),
    ),
    _Setting(
        "prerelease-package", "pairs", "The same for one package (repeatable).", metavar="NAME=MODE", variable=False
    ),
    _Setting(
        "fork-strategy",
        "word",
        "Whether each Python gets the best version (requires-python, the default), or the fewest versions are taken.",
        ("requires-python", "fewest"),
    ),
    _Setting("exclude-newer", "word", "Ignore files that were uploaded after this; false for none.", metavar="DATE"),
    _Setting(
        "exclude-newer-package", "pairs", "The same for one package (repeatable).", metavar="NAME=DATE", variable=False
    ),
    _Setting("no-build", "flag", "Take no source distributions."),
    _Setting("no-build-package", "names", "Take no source distributions of NAME (repeatable).", metavar="NAME"),
    _Setting("no-binary", "flag", "Take no wheels."),
    _Setting("no-binary-package", "names", "Take no wheels of NAME (repeatable).", metavar="NAME"),
    _Setting("no-build-isolation", "flag", "Build with what the project's environment has, and nothing else."),
    _Setting("no-build-isolation-package", "names", "The same for NAME (repeatable).", metavar="NAME", variable=False),
    _Setting("extra-index-url", "places", "An index that is asked before the default one (repeatable).", metavar="URL"),
    _Setting(
        "find-links",
        "places",
        "A folder or a page of files that stand beside what the indexes have (repeatable).",
        metavar="PLACE",
        short="-f",
    ),
    _Setting("no-index", "flag", "Ask no index: only find-links, and what sources name.", variable=False),
    _Setting("no-sources", "flag", "Pass over sources: what the packages would say once they are published."),
    _Setting("no-sources-package", "names", "Pass over the sources of NAME (repeatable).", metavar="NAME"),
    _Setting(
        "index-strategy",
        "word",
        "Which of several indexes serves a package.",
        ("first-index", "unsafe-first-match", "unsafe-best-match"),
    ),
    _Setting(
        "keyring-provider",
        "word",
        "Whom to ask for a password that an index demands.",
        ("auto", "disabled", "import", "subprocess"),
    ),
    _Setting(
        "allow-insecure-host",
        "names",
        "A host whose certificates are not looked at (repeatable).",
        metavar="HOST",
        variable=False,
    ),
    _Setting("system-certs", "flag", "Trust whom the operating system trusts.", variable=False),
)


@dataclass(frozen=True)
class GivenSettings:
    """What the command line says of settings."""

    values: Mapping[str, object]
    """By key, as a file would have it."""
    python: str | None = None
    config_file: Path | None = None
    no_config: bool = False

    @property
    def any(self) -> bool:
        """Whether it says anything."""
        return bool(self.values) or self.python is not None or self.config_file is not None or self.no_config


def setting_options(command: _Callback) -> _Callback:
    """Adds the options for settings to a command; :func:`taken_from` takes them out of its arguments."""
    for option in reversed([*(_option(setting) for setting in _SETTINGS), *_MORE]):
        command = option(command)
    return command


def _option(setting: _Setting) -> Callable[[_Callback], _Callback]:
    names = [setting.parameter, f"--{setting.key}", *([setting.short] if setting.short else ())]
    if setting.kind == "flag":
        opposite = setting.key.removeprefix("no-") if setting.key.startswith("no-") else f"no-{setting.key}"
        both = f"--{setting.key}" if opposite == "index" else f"--{setting.key}/--{opposite}"  # --index is another one
        return click.option(setting.parameter, both, is_flag=True, default=None, help=setting.help)
    if setting.kind == "word":
        kind = click.Choice(setting.choices) if setting.choices else None
        return click.option(*names, type=kind, metavar=setting.metavar or None, help=setting.help, callback=_checked)
    return click.option(
        *names, multiple=True, metavar=setting.metavar, help=setting.help,
        callback=_pairs if setting.kind == "pairs" else None,
    )  # fmt: skip


_MORE = (
    click.option(
        "-p",
        "--python",
        "python",
        metavar="PYTHON",
        help="The Python that the project is worked on with; it counts where the project has no requires-python.",
    ),
    click.option(
        "--config-file",
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="FILE",
        help="Take settings from this uv.toml, in place of all that uv would find.",
    ),
    click.option("--no-config", is_flag=True, help="Take no settings from uv.toml or [tool.uv], as uv has it."),
)


def taken_from(arguments: dict[str, Any]) -> GivenSettings:
    """Takes what :func:`setting_options` added out of a command's arguments."""
    given = {setting: arguments.pop(setting.parameter, None) for setting in _SETTINGS}
    values: dict[str, object] = {}
    for setting, value in given.items():
        if value is None or value in ((), {}):
            continue
        values[setting.key] = list(value) if isinstance(value, tuple) else _as_written(setting.key, value)
    return GivenSettings(
        values, arguments.pop("python", None), arguments.pop("config_file", None), arguments.pop("no_config", False)
    )


def _checked(ctx: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    """Refuses a date that is none where the option is read, which names the option."""
    if value is None or parameter.name != "set_exclude_newer" or value == "false":
        return value
    from datetime import UTC, datetime

    from satlock.encoder.project.cutoffs import parse_cutoff

    try:
        parse_cutoff(value, datetime.now(UTC))
    except ValueError as error:
        advice = "write e.g. 2025-01-31, 2025-01-31T12:00:00Z, '30 days', or false for none."
        raise click.BadParameter(f"{value!r} {error}; {advice}", ctx=ctx, param=parameter) from None
    return value


def _pairs(ctx: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> dict[str, object]:
    found: dict[str, object] = {}
    for value in values:
        name, equals, said = value.partition("=")
        if not (equals and name.strip() and said.strip()):
            raise click.BadParameter(f"{value!r} is not {parameter.metavar}.", ctx=ctx, param=parameter)
        found[name.strip()] = _as_written("exclude-newer", said.strip())
    return found


def _as_written(key: str, value: object) -> object:
    """A value as a file would have it: false is a word on the command line, and none in a file."""
    return False if key == "exclude-newer" and value == "false" else value


def flag_in_environment(variable: str) -> bool:
    """Whether a variable says yes. Raises Ended where it says neither yes nor no."""
    value = os.environ.get(variable, "").strip().lower()
    if value not in (*_TRUE, *_FALSE):
        raise Ended(WRONG, f"{variable} in the environment is {value!r}; write true or false.")
    return value in _TRUE


def around(given: GivenSettings, *, indexes: bool) -> Around:
    """All that is set outside of the project: by options, variables, and the ``uv.toml`` of the user and the system.

    ``indexes`` says whether what nobody typed may name indexes.

    Raises:
        ProjectError: a file cannot be read.
        Ended: a variable or an option has a value that it cannot have.
    """
    from satlock.corpora.index.configuration import uv_files
    from satlock.encoder.project.layers import COMMAND_LINE, Around, read_uv_toml
    from satlock.encoder.project.values import Value

    options = {key: Value(raw, COMMAND_LINE, f"--{key}") for key, raw in given.values.items()}
    shell = _environment()
    named = given.config_file or (Path(os.environ["UV_CONFIG_FILE"]) if os.environ.get("UV_CONFIG_FILE") else None)
    if named is not None and not named.is_file():
        raise Ended(WRONG, f"{named} is no file; name a uv.toml with --config-file or UV_CONFIG_FILE.")
    without = given.no_config or flag_in_environment("UV_NO_CONFIG")
    below: list[Layer] = [] if without or named is not None else [read_uv_toml(Path(file)) for file in uv_files()]
    config = read_uv_toml(named) if named is not None else {} if without else None
    if not indexes:
        shell, below = _without_indexes(shell), [_without_indexes(layer) for layer in below]
    return Around([options, shell], below, given.python, not without, config)


def _environment() -> dict[str, Value]:
    from satlock.encoder.project.values import Value

    found: dict[str, Value] = {}
    for setting in _SETTINGS:
        text = os.environ.get(setting.env, "").strip() if setting.variable else ""
        if not text:
            continue
        raw: object
        if setting.kind == "flag":
            raw = flag_in_environment(setting.env)
        elif setting.kind == "names":
            raw = text.replace(",", " ").split()
        elif setting.kind == "places":
            raw = [part for part in (re.split(r",", text) if setting.key == "find-links" else text.split()) if part]
        else:
            raw = _as_written(setting.key, text)
        found[setting.key] = Value(raw, "the environment", setting.env)
    return found


def _without_indexes(layer: Layer) -> dict[str, Value]:
    return {key: value for key, value in layer.items() if key not in _ABOUT_INDEXES}
