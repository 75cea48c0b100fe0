"""Partition keys are plain dates; sessions are those of the exchanges."""

from datetime import UTC, date, datetime

import exchange_calendars
import pandas as pd
import pytest

from ultracore_jobs.orchestration.closed_days import CLOSED_WEEKDAYS
from ultracore_jobs.orchestration.partitions import SESSIONS, is_session, last_completed_session


def test_closed_days_are_those_on_which_no_exchange_trades() -> None:
    """Against exchange-calendars, to the end of 2031."""
    first, last = "2024-01-01", "2031-12-31"
    traded = set()
    for name in ("XASX", "XNYS"):
        traded |= set(exchange_calendars.get_calendar(name, start=first, end=last).sessions.date)
    weekdays = {day.date() for day in pd.bdate_range(first, last)}

    assert weekdays - traded == CLOSED_WEEKDAYS


def test_the_key_before_tuesday_after_a_holiday_weekend_is_the_session_before() -> None:
    """Good Friday 3 April 2026 is closed everywhere: Thursday is followed by Monday in New York."""
    keys = SESSIONS.get_partition_keys(current_time=datetime(2026, 4, 8, tzinfo=UTC))

    assert keys[keys.index("2026-04-06") - 1] == "2026-04-02"


@pytest.mark.parametrize(
    ("now", "session"),
    [
        (datetime(2026, 11, 23, 20, 0, tzinfo=UTC), date(2026, 11, 20)),
        (datetime(2026, 11, 24, 0, 0, tzinfo=UTC), date(2026, 11, 23)),
        (datetime(2026, 12, 26, 9, 0, tzinfo=UTC), date(2026, 12, 24)),
    ],
    ids=["monday evening", "tuesday at midnight", "after christmas"],
)
def test_the_last_completed_session_is_over_everywhere(now: datetime, session: date) -> None:
    """A day is over at midnight UTC: both exchanges have closed and the fixing is out."""
    assert last_completed_session(now) == session
    assert is_session(session)
