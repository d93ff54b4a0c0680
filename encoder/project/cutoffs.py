"""The moments that ``exclude-newer`` names: timestamps, dates and durations."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta

__all__ = ["end_of_day", "iso_duration", "parse_cutoff"]

_SECONDS = {"w": 604800, "d": 86400, "h": 3600, "m": 60, "s": 1}
# Patterns are compiled where a project has a cut-off: most have none.
_ISO_DURATION = (
    r"[+-]?P(?:(?P<Y>\d{1,9})Y)?(?:(?P<M>\d{1,9})M)?(?:(?P<w>\d{1,9})W)?(?:(?P<d>\d{1,9})D)?"
    r"(?:T(?:(?P<h>\d{1,9})H)?(?:(?P<m>\d{1,9})M)?(?:(?P<s>\d{1,9})S)?)?"
)
_UNITS = {
    unit: kind
    for kind, units in {
        "Y": "years year yrs yr y",
        "M": "months month mos mo",
        "w": "weeks week wks wk w",
        "d": "days day d",
        "h": "hours hour hrs hr h",
        "m": "minutes minute mins min m",
        "s": "seconds second secs sec s",
    }.items()
    for unit in units.split()
}
_FRIENDLY_PART = r"(\d{1,9})\s*([A-Za-z]+)"
_FRIENDLY = r"[+-]?\s*\d{1,9}\s*[A-Za-z]+(?:\s*,?\s*\d{1,9}\s*[A-Za-z]+)*(?:\s+ago)?"
_DATE = r"\d{4}-\d{2}-\d{2}"


def parse_cutoff(text: str, now: datetime) -> datetime:
    """The moment, in UTC, from which on files are ignored: a file is admitted if it was uploaded before it.

    Takes what uv takes for ``exclude-newer``: an RFC 3339 timestamp; a date, which means up to the end of that day;
    a duration before ``now``, friendly (``30 days``, ``1 week``) or ISO 8601 (``P30D``, ``PT24H``), with days of
    24 hours and without months or years. Unlike uv, the day of a date ends in UTC and not in the time zone of the
    machine, so that one project has one lock wherever it is locked.

    Raises :class:`ValueError` with the rest of a sentence that begins with the value.
    """
    text = text.strip()
    try:
        if re.fullmatch(_DATE, text, re.ASCII):
            return end_of_day(date.fromisoformat(text))
        seconds = _duration(text)
        if seconds is not None:
            return now.astimezone(UTC) - timedelta(seconds=seconds)
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            raise ValueError("has no time zone")
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("is out of range") from error
    except ValueError as error:
        if error.args and str(error.args[0]).startswith(("has ", "uses ")):
            raise
        raise ValueError("is neither a timestamp, a date nor a duration") from error


def end_of_day(day: date) -> datetime:
    """The first moment after a day, in UTC; raises :class:`OverflowError` for the last day there is."""
    return datetime.combine(day + timedelta(days=1), time(), UTC)


def iso_duration(text: str) -> str | None:
    """A duration as ISO 8601 has it, in the units in which it was written; None where the text is none.

    One that counts back in so many words (``-30 days``, ``1 week ago``) has a sign, as uv notes it.
    """
    text = text.strip()
    parts = _parts(text)
    if not parts:
        return None
    sign = "-" if text.startswith("-") != text.lower().endswith("ago") else ""
    days, hours = ([f"{amount}{kind.upper()}" for kind, amount in parts if kind in kinds] for kinds in ("YMwd", "hms"))
    return f"{sign}P{''.join(days)}{'T' if hours else ''}{''.join(hours)}"


def _duration(text: str) -> int | None:
    parts = _parts(text)
    if parts is None:
        return None
    if any(kind in "YM" for kind, _ in parts):
        raise ValueError("uses months or years, whose length varies")
    return sum(_SECONDS[kind] * amount for kind, amount in parts)


def _parts(text: str) -> list[tuple[str, int]] | None:
    """The amount of each unit, in order."""
    iso = re.fullmatch(_ISO_DURATION, text, re.IGNORECASE | re.ASCII)
    if iso is not None:
        return [(kind, int(amount)) for kind, amount in iso.groupdict().items() if amount is not None] or None
    if not re.fullmatch(_FRIENDLY, text, re.ASCII):
        return None
    found = re.findall(_FRIENDLY_PART, text, re.ASCII)
    if any(unit.lower() not in _UNITS for _, unit in found):
        return None
    return [(_UNITS[unit.lower()], int(amount)) for amount, unit in found]
