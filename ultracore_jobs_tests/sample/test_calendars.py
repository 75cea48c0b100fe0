"""Business days as the authorities declare them."""

from datetime import UTC, date, datetime

import polars as pl
import pytest

from ultracore_jobs.catalog import conform
from ultracore_jobs.catalog.market import CALENDARS, NSW, TARGET, XASX, XNYS
from ultracore_jobs.errors import MissingExtraError
from ultracore_jobs.sample import calendars
from ultracore_jobs.sample.calendars import (
    FIRST_DAY,
    LAST_DAY,
    business_days,
    calendar_table,
    exchange_sessions,
    target_fixings,
)


@pytest.mark.parametrize(
    ("calendar_id", "closed"),
    [
        (XNYS, date(2026, 11, 26)),  # Thanksgiving
        (XNYS, date(2024, 3, 29)),  # Good Friday
        (XASX, date(2026, 1, 26)),  # Australia Day
        (XASX, date(2027, 12, 27)),  # Christmas Day, observed
        (TARGET, date(2026, 5, 1)),  # Labour Day
        (TARGET, date(2031, 4, 14)),  # Easter Monday
        (NSW, date(2026, 8, 3)),  # Bank Holiday
        (NSW, date(2026, 6, 8)),  # King's Birthday
        (NSW, date(2026, 11, 21)),  # a Saturday
    ],
)
def test_a_holiday_is_no_business_day(calendar_id: str, closed: date) -> None:
    """Days that are known from elsewhere."""
    assert closed not in business_days(calendar_id).to_list()


@pytest.mark.parametrize(
    ("calendar_id", "open_on"),
    [
        (XNYS, date(2026, 1, 26)),
        (XASX, date(2026, 8, 3)),
        (TARGET, date(2026, 12, 24)),
        (NSW, date(2026, 11, 20)),
    ],
)
def test_another_ones_holiday_is_a_business_day(calendar_id: str, open_on: date) -> None:
    """New York trades on Australia Day; the ASX on the bank holiday of August."""
    assert open_on in business_days(calendar_id).to_list()


def test_a_suspicion_formed_on_a_friday_is_due_on_wednesday_in_new_south_wales() -> None:
    """Domain_rules 8: Friday 14 August 2026 and three business days is Wednesday 19 August."""
    days = business_days(NSW)

    after = days.filter(days > date(2026, 8, 14))
    assert after[2] == date(2026, 8, 19)


def test_an_early_close_is_honoured() -> None:
    """On the Friday after Thanksgiving New York closes at 13:00, that is 18:00 UTC."""
    sessions = exchange_sessions(XNYS)

    closing = sessions.filter(pl.col("date") == date(2026, 11, 27))["close_at"].item()
    assert closing == datetime(2026, 11, 27, 18, tzinfo=UTC)


def test_fixings_come_at_four_in_frankfurt_summer_and_winter() -> None:
    """15:00 UTC in January, 14:00 in July."""
    fixings = target_fixings().filter(pl.col("date").is_in([date(2026, 1, 5), date(2026, 7, 6)]))

    assert [instant.hour for instant in fixings["close_at"]] == [15, 14]


def test_the_table_has_each_day_of_each_calendar_once() -> None:
    """Four calendars, 8,400 days from 2009 to 2031, none missing: a gap would make an age unknown."""
    table = conform(calendar_table(), CALENDARS)

    days = (LAST_DAY - FIRST_DAY).days + 1
    assert table.group_by("calendar_id").len()["len"].to_list() == [days] * 4
    assert table.select("calendar_id", "date").is_unique().all()


def test_without_the_library_the_error_names_the_extra() -> None:
    """A person is told what to install."""
    with pytest.raises(MissingExtraError, match=r"ultracore-jobs\[sample\]"):
        calendars._library("no_such_calendar_library")
