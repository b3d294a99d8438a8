"""Stamps and what is later than they are."""

from __future__ import annotations

import pytest

from lisppump import clock


@pytest.mark.parametrize(
    ("text", "stamp"),
    [
        ("2026-04-09T00:00:00Z", "2026-04-09T00:00:00.000000Z"),
        ("2026-04-09T02:00:00+02:00", "2026-04-09T00:00:00.000000Z"),
        ("2026-04-09T00:00:00.25", "2026-04-09T00:00:00.250000Z"),
    ],
)
def test_a_moment_has_one_spelling(text: str, stamp: str) -> None:
    assert clock.stamp(clock.parse(text)) == stamp


def test_later_by_a_stream_and_by_a_heartbeat() -> None:
    start = "2026-12-31T23:59:59.999999Z"
    assert clock.later(start, microseconds=7) == "2027-01-01T00:00:00.000006Z"
    assert clock.later(start, seconds=2700) == "2027-01-01T00:44:59.999999Z"


def test_stamps_sort_as_text() -> None:
    start = clock.parse("2026-01-01T00:00:00Z")
    stamps = [clock.later(clock.stamp(start), microseconds=n) for n in (0, 1, 10, 999_999, 1_000_000)]
    assert stamps == sorted(stamps)
