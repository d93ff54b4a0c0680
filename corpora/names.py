"""Names of packages, extras and groups in the one form in which they are compared."""

from __future__ import annotations

__all__ = ["canonicalize_name"]


def canonicalize_name(name: str) -> str:
    """The normalised form of a name (the simple repository API, PEP 503).

    As :func:`packaging.utils.canonicalize_name`, which brings the reading of wheel tags along: that takes longer than
    a small lock may.
    """
    normal = name.lower().replace("_", "-").replace(".", "-")
    while "--" in normal:
        normal = normal.replace("--", "-")
    return normal
