"""What is said when an index or a file host refuses something, with what may be wrong."""

from __future__ import annotations

from satlock.corpora.index.access import variables_of

__all__ = ["refusal", "refused_file"]

_STATED = {
    401: "unauthorized",
    402: "payment required",
    403: "forbidden",
    407: "proxy authentication required",
    410: "gone",
    451: "unavailable for legal reasons",
}


def refusal(index: str, name: str, status: int, *, known: bool, label: str = "") -> str:
    """That an index refuses the page of a package.

    Args:
        known: whether credentials were sent along.
        label: the name of the index in the project, by which its credentials may be set.
    """
    if status not in _STATED:
        return f"the index {index} answered for {name} with HTTP status {status}"
    said = f"the index {index} refuses {name} with HTTP status {status}, {_STATED[status]}"
    advice = [] if (wrong := _what_is_wrong(status, known, label)) is None else [wrong]
    if status in (403, 410, 451):
        codes = f"ignore-error-codes = [{status}]"
        advice.append(f"if it answers so for what it does not have, say {codes} in its [[tool.uv.index]] table")
    return "; ".join((said, *advice))


def refused_file(status: int, *, known: bool, label: str = "") -> str:
    """That a server refuses a file, as a clause."""
    if status not in _STATED:
        return f"its server answers with HTTP status {status}"
    wrong = _what_is_wrong(status, known, label)
    return f"its server refuses it with HTTP status {status}" + (f" ({wrong})" if wrong else "")


def _what_is_wrong(status: int, known: bool, label: str) -> str | None:
    if status not in (401, 403):
        return None
    if known:
        return "the credentials that were sent may be wrong or expired" + (
            ", or not be allowed to read this" if status == 403 else ""
        )
    places = ["its address", "a .netrc file", "a keyring"]
    if label:
        places.insert(0, " and ".join(variables_of(label)))
    return f"no credentials are known for it (from {', '.join(places[:-1])} or {places[-1]})"
