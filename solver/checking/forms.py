"""Of which form the JSON of a certificate is: what is of another one is told by its file and its place there."""

from __future__ import annotations

from typing import Any

from satlock.solver.checking.markers import Bad

__all__ = ["FACTS", "MANIFEST", "OBLIGATION", "OPTIMALITY", "RECORD", "check_form"]

_Form = Any
"""A type; ``[form]``, a list; a tuple, a list of just these; ``{key: form}``, a table, whose keys are all there but
those that end in ``?``; ``{...: form}``, a table with any keys. Which other keys there may be is said elsewhere."""


class _OrNull:
    """A form that ``null`` may stand for."""

    def __init__(self, form: _Form) -> None:
        self.form = form


MANIFEST = {"files": {...: str}}
OBLIGATION = {
    "property": str,
    "lockfile": str,
    "sha256": str,
    "format": str,
    "claims": {...: [str]},
    "entries": {...: str},
    "goals": {...: str},
    "axioms": {"requires-python": str, "brings": [(str, str, str)]},
    "loops": [(str, [str])],
    "walked": [{"fixed": {...: bool}}],
    "example": {"on": [str]},
    "environments?": str,
    "requirements?": {...: str},
}
RECORD = {
    "recorded": str,
    "owners": {
        ...: {
            "from": str,
            "asked?": str,
            "file?": str,
            "sha256?": str,
            "metadata?": str,
            "requires-dist?": [str],
        }
    },
    "unexamined": {...: str},
}
_RANKS = [(int, int)]
_GIVEN = {"package": str, "ranks": _RANKS}
FACTS = {
    "recorded": str,
    "sha256": str,
    "environments": [{"variables": {...: str}, "extras": [str], "groups": [str]}],
    "packages": {
        ...: {
            "indexes": [str],
            "versions": [str],
            "read": {...: {"index": str}},
            "pythons": {...: str},
            "left-out": {...: str},
            "files?": {...: [str]},
        }
    },
    "facts": [
        {
            "kind": str,
            "on?": str,
            "line?": str,
            "list?": str,
            "ranks?": _RANKS,
            "why?": str,
            "python?": str,
            "extra?": str,
            "given?": [_GIVEN],
            "by?": _OrNull(_GIVEN | {"extra": str}),
        }
    ],
    "single-version?": [str],
}
OPTIMALITY = FACTS | {
    "lockfile": str,
    "format": str,
    "claims": {
        ...: [{"on": str, "version": str, "environments": [int], "facts": [int], "kept": [(str, str)], "absent": [str]}]
    },
    "unproven": [str],
}
_WORDS = {str: "a text", int: "a whole number", bool: "true or false"}


def check_form(file: str, value: object, form: _Form) -> None:
    """Checks that JSON is of this form.

    Raises:
        Bad: where it is not.
    """
    fault = _fault(value, form)
    if fault is not None:
        problem, *steps = fault
        # What a certificate chooses is quoted where it is no plain word.
        plain = [key if key.isascii() and key.isprintable() and len(key) < 60 else repr(key[:60]) for key in steps]
        raise Bad(f"{'.'.join(reversed(plain)) or 'the whole'} in the certificate's {file} is {problem}")


def _fault(value: object, form: _Form) -> list[str] | None:
    """What is wrong, and the steps to its place, the last one first; None where nothing is."""
    if type(value) is form or (isinstance(form, _OrNull) and value is None):
        return None
    if isinstance(form, _OrNull):
        return _fault(value, form.form)
    if isinstance(form, type):
        return [f"not {_WORDS[form]}, as it has to be"]
    if isinstance(form, dict):
        return _fault_of_table(value, form)
    if not isinstance(value, list):
        return ["not a list, as it has to be"]
    if isinstance(form, tuple) and len(value) != len(form):
        return [f"not a list of {len(form)}, as it has to be"]
    for number, one in enumerate(value):
        inner = form[number] if isinstance(form, tuple) else form[0]
        # There may be a million pairs of numbers.
        fits = type(one) is inner or (type(one) is list and tuple(map(type, one)) == inner)
        if not fits and (fault := _fault(one, inner)) is not None:
            return [*fault, str(number + 1)]
    return None


def _fault_of_table(value: object, form: dict[Any, _Form]) -> list[str] | None:
    if not isinstance(value, dict):
        return ["not a table, as it has to be"]
    for key, inner in form.items():
        name = str(key).removesuffix("?")
        if key is not ... and name not in value:
            if name == key:
                return ["missing", name]
            continue
        for own, one in value.items() if key is ... else [(name, value[name])]:
            if (fault := _fault(one, inner)) is not None:
                return [*fault, own]
    return None
