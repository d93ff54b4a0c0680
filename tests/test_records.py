"""The quick dataclasses do what those of the standard library do."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from satlock import records


def _classes(dataclass: Callable[..., Any], replace: Callable[..., Any]) -> dict[str, Any]:
    """Classes of each kind that the package has, made by one decorator."""

    @dataclass(frozen=True)
    class Point:
        x: int
        y: tuple[int, ...] = ()
        note: str = dataclasses.field(default="", repr=False, compare=False)

    @dataclass(frozen=True)
    class Named(Point):
        name: str = "unnamed"
        length: int = dataclasses.field(init=False, default=3)

        @property
        def twice(self) -> int:
            return 2 * self.x

    @dataclass
    class Bag:
        things: list[int] = dataclasses.field(default_factory=list)
        count: int = 0

        def __post_init__(self) -> None:
            self.count += len(self.things)

    @dataclass(eq=False)
    class Place:
        name: str

    @dataclass(frozen=True)
    class Telling:
        name: str
        secret: str = dataclasses.field(default="", hash=False)

        def __repr__(self) -> str:
            return "telling"

        def __hash__(self) -> int:
            return 7

    @dataclass(frozen=True, order=True)
    class Ordered:
        rank: int

    @dataclass(frozen=True)
    class Empty:
        pass

    @dataclass(frozen=True)
    class Open:
        x: int

    class Extended(Open):
        """Not decorated: what it adds can be assigned."""

    @dataclasses.dataclass(frozen=True)
    class Standard(Point):
        more: int = 1

    found = locals()
    return {name: found[name] for name in found if name[0].isupper()} | {"replace": replace}


_OURS = _classes(records.dataclass, records.replace)
_THEIRS = _classes(dataclasses.dataclass, dataclasses.replace)


def _outcome(ask: Callable[[dict[str, Any]], object], classes: dict[str, Any]) -> tuple[str, str]:
    try:
        return "answer", repr(ask(classes))
    except (TypeError, AttributeError) as error:
        return type(error).__name__, str(error)


def _assigned(one: Any, name: str) -> object:
    setattr(one, name, 5)
    return one, getattr(one, name)


def _deleted(one: Any, name: str) -> object:
    delattr(one, name)
    return vars(one)


@pytest.mark.parametrize(
    "ask",
    [
        lambda c: c["Point"](1),
        lambda c: c["Point"](1, (2,), note="n"),
        lambda c: c["Point"](1) == c["Point"](1, note="other"),
        lambda c: c["Point"](1) == c["Point"](2),
        lambda c: c["Point"](1) == c["Named"](1),
        lambda c: c["Point"](1) == (1, ()),
        lambda c: hash(c["Point"](1)) == hash(c["Point"](1, note="other")),
        lambda c: len({c["Point"](1), c["Point"](1), c["Named"](1)}),
        lambda c: c["Named"](1, (), "", "called"),
        lambda c: c["Named"](1).twice,
        lambda c: c["Named"](1).length,
        lambda c: c["Named"](1, length=4),
        lambda c: c["Point"](),
        lambda c: c["Point"](1, z=2),
        lambda c: _assigned(c["Point"](1), "x"),
        lambda c: _assigned(c["Point"](1), "other"),
        lambda c: _deleted(c["Point"](1), "x"),
        lambda c: _assigned(c["Extended"](1), "x"),
        lambda c: _assigned(c["Extended"](1), "other"),
        lambda c: _deleted(_assigned(c["Extended"](1), "other")[0], "other"),  # type: ignore[index]
        lambda c: c["Bag"](),
        lambda c: c["Bag"]([1, 2]),
        lambda c: c["Bag"]().things is c["Bag"]().things,
        lambda c: c["Bag"]([1]) == c["Bag"]([1]),
        lambda c: hash(c["Bag"]()),
        lambda c: _assigned(c["Bag"](), "count"),
        lambda c: c["Place"]("a") == c["Place"]("a"),
        lambda c: len({c["Place"]("a"), c["Place"]("a")}),
        lambda c: (c["Telling"]("a"), hash(c["Telling"]("a"))),
        lambda c: c["Telling"]("a") == c["Telling"]("a", "s"),
        lambda c: c["Ordered"](1) < c["Ordered"](2),
        lambda c: (c["Empty"](), c["Empty"]() == c["Empty"](), hash(c["Empty"]()) == hash(c["Empty"]())),
        lambda c: c["Standard"](1, more=2),
        lambda c: c["replace"](c["Point"](1, note="n"), x=2).note,
        lambda c: c["replace"](c["Named"](1), name="b"),
        lambda c: c["replace"](c["Bag"]([1]), things=[1, 2]),
        lambda c: dataclasses.replace(c["Named"](1), x=7),
        lambda c: dataclasses.asdict(c["Named"](1, (3,))),
        lambda c: [(f.name, f.init, f.repr, f.compare) for f in dataclasses.fields(c["Named"])],
        lambda c: dataclasses.is_dataclass(c["Point"]) and dataclasses.is_dataclass(c["Point"](1)),
        lambda c: copy.copy(c["Named"](1)),
        lambda c: copy.deepcopy(c["Bag"]([1])),
        lambda c: c["Named"].__match_args__,
        lambda c: c["Point"].__init__.__qualname__.rpartition(".")[2],
    ],
)
def test_does_what_the_standard_library_does(ask: Callable[[dict[str, Any]], object]) -> None:
    ours, theirs = _outcome(ask, _OURS), _outcome(ask, _THEIRS)
    assert ours == theirs
    assert _outcome(ask, _classes(records.dataclass, records.replace)) == theirs  # first used in this way, too


@records.dataclass(frozen=True)
class Kept:
    """At the top of a module, so that it can be pickled."""

    name: str
    parts: tuple[Kept, ...] = ()


def test_goes_through_pickle() -> None:
    one = Kept("a", (Kept("b"),))
    assert pickle.loads(pickle.dumps(one)) == one


def test_init_is_compiled_with_the_first_object() -> None:
    first = records.dataclass(type("Fresh", (), {"__annotations__": {"x": "int"}}))
    waiting = first.__init__  # type: ignore[misc]
    assert first(1).x == 1  # type: ignore[call-arg, attr-defined]
    assert first.__init__ is not waiting  # type: ignore[misc]
