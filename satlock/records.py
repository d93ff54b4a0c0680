"""Dataclasses that are made in a fifth of the usual time: a command makes a hundred of them before it does anything.

:func:`dataclass` does what :func:`dataclasses.dataclass` does. That one compiles six methods for each class at once.
Here ``__init__`` is compiled when the first object is made, and the other methods are closures over the fields' names.
What is rarely asked for (``order``, ``slots``, class variables) is left to the standard library.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import MISSING, Field, FrozenInstanceError, field
from inspect import get_annotations
from operator import attrgetter
from typing import TYPE_CHECKING, Any

__all__ = ["dataclass", "field", "replace"]

_SPECIAL = ("ClassVar", "InitVar", "KW_ONLY")
_assign = object.__setattr__

Fields = dict[str, "Field[Any]"]


def _dataclass(
    cls: type | None = None, /, *, frozen: bool = False, eq: bool = True, repr: bool = True, **more: bool
) -> Any:
    def decorate(cls: type) -> Any:
        annotations = get_annotations(cls)
        if more or not annotations or any(special in str(one) for one in annotations.values() for special in _SPECIAL):
            return dataclasses.dataclass(frozen=frozen, eq=eq, repr=repr, **more)(cls)
        return _decorated(cls, annotations, frozen=frozen, eq=eq, repr=repr)

    return decorate if cls is None else decorate(cls)


def _replace(one: Any, /, **changes: Any) -> Any:
    for name in one.__match_args__:
        if name not in changes:
            changes[name] = getattr(one, name)
    return one.__class__(**changes)


if TYPE_CHECKING:
    from dataclasses import dataclass, replace
else:
    dataclass, replace = _dataclass, _replace


def _decorated(cls: Any, annotations: dict[str, Any], *, frozen: bool, eq: bool, repr: bool) -> Any:
    fields = _inherited(cls)
    for name in annotations:
        default = cls.__dict__.get(name, MISSING)
        fields[name] = default if isinstance(default, Field) else field(default=default)
        if isinstance(default, Field):
            if default.default is MISSING:
                delattr(cls, name)
            else:
                setattr(cls, name, default.default)
    own = cls.__dict__
    cls.__satlock_fields__ = fields
    for kept in ("__dataclass_fields__", "__dataclass_params__"):
        setattr(cls, kept, _Standard(fields, kept, frozen=frozen))
    setattr(cls, "__match_args__", tuple(name for name, one in fields.items() if one.init))  # noqa: B010 (mypy objects)
    if "__init__" not in own:
        cls.__init__ = _first_init(cls, fields, frozen=frozen)
    if frozen:
        cls.__setattr__, cls.__delattr__ = _frozen(cls, fields)
    if repr and "__repr__" not in own:
        cls.__repr__ = _repr([name for name, one in fields.items() if one.repr])
    if eq:
        _compare(cls, fields, frozen=frozen)
    return cls


def _inherited(cls: type) -> Fields:
    fields: Fields = {}
    for base in cls.__mro__[-1:0:-1]:
        if "__satlock_fields__" in base.__dict__:
            fields |= base.__dict__["__satlock_fields__"]
        elif "__dataclass_fields__" in base.__dict__:
            fields |= base.__dict__["__dataclass_fields__"]
    return fields


class _Standard:
    """What the standard library keeps of a dataclass, taken from a twin of the class when somebody asks for it."""

    def __init__(self, fields: Fields, name: str, *, frozen: bool) -> None:
        self._fields, self._name, self._frozen = fields, name, frozen

    def __get__(self, one: object, owner: type) -> Any:
        body = {"__annotations__": dict.fromkeys(self._fields, "Any"), "__doc__": "", **self._fields}
        twin: type = dataclasses.dataclass(frozen=self._frozen, eq=False, repr=False)(type(owner.__name__, (), body))
        cls = next(base for base in owner.__mro__ if base.__dict__.get(self._name) is self)
        setattr(cls, self._name, getattr(twin, self._name))
        return getattr(cls, self._name)


def _first_init(cls: Any, fields: Fields, *, frozen: bool) -> Callable[..., None]:
    """An ``__init__`` that has the real one take its place when the first object is made."""

    def __init__(self: object, *args: object, **keywords: object) -> None:
        made = cls.__init__ = _init(cls, fields, frozen=frozen)
        made(self, *args, **keywords)

    return __init__


def _init(cls: type, fields: Fields, *, frozen: bool) -> Callable[..., None]:
    names: dict[str, Any] = {"assign_": _assign, "missing_": MISSING}
    parameters, lines = ["self"], []
    for name, one in fields.items():
        value, default = name, f"default_{name}"
        if one.default_factory is not MISSING:
            names[default] = one.default_factory
            parameters += [f"{name}=missing_"] if one.init else []
            value = f"{default}() if {name} is missing_ else {name}" if one.init else f"{default}()"
        elif one.default is not MISSING:
            names[default] = one.default
            parameters += [f"{name}={default}"] if one.init else []
            value = name if one.init else default
        elif one.init:
            parameters.append(name)
        else:
            continue
        lines.append(f" assign_(self, {name!r}, {value})" if frozen else f" self.{name} = {value}")
    if hasattr(cls, "__post_init__"):
        lines.append(" self.__post_init__()")
    exec(f"def __init__({', '.join(parameters)}):\n" + "\n".join(lines or [" pass"]), names)
    made: Callable[..., None] = names["__init__"]
    made.__qualname__ = f"{cls.__qualname__}.__init__"
    return made


def _frozen(cls: Any, fields: Fields) -> tuple[Callable[..., None], Callable[..., None]]:
    def __setattr__(self: Any, name: str, value: object) -> None:
        if type(self) is cls or name in fields:
            raise FrozenInstanceError(f"cannot assign to field {name!r}")
        super(cls, self).__setattr__(name, value)

    def __delattr__(self: Any, name: str) -> None:
        if type(self) is cls or name in fields:
            raise FrozenInstanceError(f"cannot delete field {name!r}")
        super(cls, self).__delattr__(name)

    return __setattr__, __delattr__


def _repr(shown: list[str]) -> Callable[[Any], str]:
    def __repr__(self: Any) -> str:
        return f"{type(self).__qualname__}({', '.join(f'{name}={getattr(self, name)!r}' for name in shown)})"

    return __repr__


def _compare(cls: Any, fields: Fields, *, frozen: bool) -> None:
    own = cls.__dict__
    explicit = own.get("__hash__", MISSING)
    if explicit is MISSING or (explicit is None and "__eq__" in own):
        hashed = [name for name, one in fields.items() if (one.compare if one.hash is None else one.hash)]
        cls.__hash__ = _hash(_getter(hashed)) if frozen else None
    if "__eq__" not in own:
        cls.__eq__ = _eq(_getter([name for name, one in fields.items() if one.compare]))


def _getter(names: list[str]) -> Callable[[object], object]:
    return attrgetter(*names) if names else lambda one: ()


def _hash(values: Callable[[object], object]) -> Callable[[object], int]:
    def __hash__(self: object) -> int:
        return hash(values(self))

    return __hash__


def _eq(values: Callable[[object], object]) -> Callable[[object, object], bool]:
    def __eq__(self: object, other: object) -> bool:
        return values(self) == values(other) if other.__class__ is self.__class__ else NotImplemented

    return __eq__
