"""How long a response may be used without asking again (RFC 9111, as a private cache)."""

from __future__ import annotations

from collections.abc import Mapping
from email.utils import parsedate_to_datetime

__all__ = ["fresh_until"]

_LONGEST = 365 * 24 * 3600.0


def fresh_until(headers: Mapping[str, str], now: float) -> tuple[float, bool]:
    """(seconds since the epoch until which it is fresh, or 0.0; whether it may be kept at all).

    A response that does not say how long it lasts is not fresh: guesses (RFC 9111, 4.2.2) would hide new releases.
    """
    directives: dict[str, str] = {}
    for part in headers.get("cache-control", "").lower().split(","):
        key, _, value = part.strip().partition("=")
        directives.setdefault(key, value.strip('" '))
    if "no-store" in directives:
        return 0.0, False
    if "no-cache" in directives:
        return 0.0, True
    if "max-age" in directives:
        lifetime = float(directives["max-age"]) if directives["max-age"].isdecimal() else 0.0
    else:
        expires, date = _moment(headers.get("expires")), _moment(headers.get("date"))
        lifetime = 0.0 if expires is None else expires - (now if date is None else date)
    age = headers.get("age", "").strip()
    lifetime = min(lifetime, _LONGEST) - (float(age) if age.isdecimal() else 0.0)
    return (now + lifetime, True) if lifetime > 0 else (0.0, True)


def _moment(date: str | None) -> float | None:
    if not date:
        return None
    try:
        return parsedate_to_datetime(date).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
