"""What ``exclude-newer`` can say."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from satlock.encoder.project.cutoffs import parse_cutoff

NOW = datetime(2025, 6, 15, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2025-01-31T12:00:00Z", "2025-01-31T12:00:00"),
        ("2025-01-31T12:00:00.5+02:00", "2025-01-31T10:00:00.500000"),
        ("2025-01-31", "2025-02-01T00:00:00"),
        (" 30 days ", "2025-05-16T12:00:00"),
        ("1 week", "2025-06-08T12:00:00"),
        ("24 hours", "2025-06-14T12:00:00"),
        ("1 day, 2h 30m", "2025-06-14T09:30:00"),
        ("3 days ago", "2025-06-12T12:00:00"),
        ("P30D", "2025-05-16T12:00:00"),
        ("P1W", "2025-06-08T12:00:00"),
        ("PT24H", "2025-06-14T12:00:00"),
        ("P1DT1M", "2025-06-14T11:59:00"),
        ("-P1D", "2025-06-14T12:00:00"),
    ],
)
def test_what_it_says(text, expected):
    assert parse_cutoff(text, NOW) == datetime.fromisoformat(expected).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is neither a timestamp, a date nor a duration"),
        ("P", "is neither a timestamp, a date nor a duration"),
        ("soon", "is neither a timestamp, a date nor a duration"),
        ("2025-02-30", "is neither a timestamp, a date nor a duration"),
        ("30", "is neither a timestamp, a date nor a duration"),
        ("2 moons", "is neither a timestamp, a date nor a duration"),
        ("2025-01-31T12:00:00", "has no time zone"),
        ("1 month", "uses months or years, whose length varies"),
        ("P1Y", "uses months or years, whose length varies"),
        ("P1M", "uses months or years, whose length varies"),
        ("9999-12-31", "is out of range"),
        ("999999999 weeks", "is out of range"),
    ],
)
def test_what_it_cannot_say(text, reason):
    with pytest.raises(ValueError, match=f"^{reason}$"):
        parse_cutoff(text, NOW)


@given(st.text(max_size=20) | st.text(alphabet="0123456789PTDHMSWdays :-+Z", max_size=24))
def test_any_text_is_a_moment_in_utc_or_a_value_error(text):
    try:
        moment = parse_cutoff(text, NOW)
    except ValueError:
        return
    assert moment.tzinfo is UTC
