"""Calendars as values, and what rules make of closed days; against holidays anyone can look up."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ultracore_jobs.errors import ContractError, MissingInputError, UsageError
from ultracore_jobs.lifecycle.recurrence import Calendar, CalendarRule, Roll
from ultracore_jobs_tests.lifecycle.recurrence.calendars import calendar, from_closed

ALL = ("XASX", "XNYS", "TARGET", "NSW", "AU")


@pytest.mark.parametrize(
    ("day", "closed"),
    [
        (date(2026, 1, 1), set(ALL)),  # New Year's Day
        (date(2026, 1, 26), {"XASX", "NSW", "AU"}),  # Australia Day
        (date(2026, 4, 3), set(ALL)),  # Good Friday
        (date(2026, 4, 6), {"XASX", "TARGET", "NSW", "AU"}),  # Easter Monday
        (date(2026, 5, 1), {"TARGET"}),  # Labour Day in Europe
        (date(2026, 6, 8), {"XASX", "NSW"}),  # King's Birthday, in most States
        (date(2026, 7, 3), {"XNYS"}),  # Independence Day, observed
        (date(2026, 8, 3), {"NSW"}),  # the banks' own holiday in New South Wales
        (date(2026, 11, 26), {"XNYS"}),  # Thanksgiving
        (date(2026, 11, 25), set()),
        (date(2026, 11, 28), set(ALL)),  # a Saturday
    ],
)
def test_each_calendar_closes_on_its_own_holidays(day: date, closed: set[str]) -> None:
    """Exchanges, euro payments, and banking days of the State and of the nation."""
    assert {name for name in ALL if not calendar(name).is_business_day(day)} == closed


@pytest.mark.parametrize(
    ("day", "following", "preceding", "modified"),
    [
        # Saturday 31 January, before a Monday in February.
        (date(2026, 1, 31), date(2026, 2, 2), date(2026, 1, 30), date(2026, 1, 30)),
        # Sunday 31 May.
        (date(2026, 5, 31), date(2026, 6, 1), date(2026, 5, 29), date(2026, 5, 29)),
        # Saturday 15 August: the month goes on.
        (date(2026, 8, 15), date(2026, 8, 17), date(2026, 8, 14), date(2026, 8, 17)),
        # Good Friday: four days to Tuesday.
        (date(2026, 4, 3), date(2026, 4, 7), date(2026, 4, 2), date(2026, 4, 7)),
        # Friday 30 January is open: nothing moves.
        (date(2026, 1, 30), date(2026, 1, 30), date(2026, 1, 30), date(2026, 1, 30)),
    ],
)
def test_a_closed_day_rolls(day: date, following: date, preceding: date, modified: date) -> None:
    """On the ASX, 2026."""
    asx = calendar("XASX")

    assert CalendarRule("XASX", Roll.NEXT).settle(day, asx) == following
    assert CalendarRule("XASX", Roll.PREVIOUS).settle(day, asx) == preceding
    assert CalendarRule("XASX", Roll.MODIFIED_FOLLOWING).settle(day, asx) == modified
    assert CalendarRule("XASX", Roll.SKIP).settle(day, asx) == (day if following == day else None)


@given(day=st.dates(date(2022, 2, 1), date(2028, 11, 30)), roll=st.sampled_from(Roll))
def test_rolling_ends_on_a_business_day_and_does_so_once(day: date, roll: Roll) -> None:
    """It changes nothing the second time, and modified following never leaves the month."""
    target = calendar("TARGET")
    settled = CalendarRule("TARGET", roll).settle(day, target)
    if settled is None:
        assert roll is Roll.SKIP
        return
    assert target.is_business_day(settled)
    assert CalendarRule("TARGET", roll).settle(settled, target) == settled
    assert abs(settled - day) <= target.longest_closure
    if roll is Roll.MODIFIED_FOLLOWING:
        assert settled.month == day.month


@pytest.mark.parametrize(
    ("month", "nth", "day"),
    [
        ((2026, 1), 1, date(2026, 1, 2)),  # 1 January is a holiday
        ((2026, 4), 3, date(2026, 4, 7)),  # 1, 2, then Easter
        ((2026, 1), -1, date(2026, 1, 30)),  # the 31st is a Saturday
        ((2026, 5), -1, date(2026, 5, 29)),  # the 31st is a Sunday
        ((2026, 12), -5, date(2026, 12, 23)),  # 31, 30, 29, 24; 25 and 28 are holidays
    ],
)
def test_the_nth_business_day_of_a_month(month: tuple[int, int], nth: int, day: date) -> None:
    """On the ASX, counted from either end; exactly one day of the month is it."""
    asx = calendar("XASX")
    first = date(*month, 1)
    days = [first + timedelta(days=n) for n in range(31) if (first + timedelta(days=n)).month == first.month]
    rule = CalendarRule("XASX", nth_of_month=nth)

    assert [candidate for candidate in days if rule.counts(candidate, asx)] == [day]


def test_a_holiday_declared_late_is_another_version() -> None:
    """The day of mourning on Thursday 22 September 2022 was declared eleven days ahead."""
    first, last, mourning = date(2022, 1, 1), date(2022, 12, 31), date(2022, 9, 22)
    before = from_closed("NSW", first, last, set())
    after = from_closed("NSW", first, last, {mourning})

    assert before.is_business_day(mourning)
    assert not after.is_business_day(mourning)
    assert before.version != after.version
    assert before.version == from_closed("NSW", first, last, set()).version


def test_what_is_not_known_is_not_guessed() -> None:
    """Neither closed nor open: the calendar ends, and says what to do."""
    short = from_closed("XASX", date(2026, 1, 1), date(2026, 1, 31), set())
    said = "calendar XASX is known from 2026-01-01 to 2026-01-31, which leaves 2026-02-01 open; load more"

    with pytest.raises(MissingInputError, match=said):
        short.is_business_day(date(2026, 2, 1))
    with pytest.raises(MissingInputError, match=said):
        short.at_or_after(date(2026, 1, 31))  # a Saturday: the answer lies beyond
    with pytest.raises(MissingInputError):
        short.at_or_before(date(2025, 12, 31))
    with pytest.raises(MissingInputError):
        from_closed("XASX", date(2026, 1, 1), date(2026, 1, 30), set()).is_nth_of_month(date(2026, 1, 30), -1)


def test_rows_must_be_whole() -> None:
    """A day left out is unknown, and one that is there twice contradicts itself or is a mistake."""
    monday, tuesday, thursday = (date(2026, 1, day) for day in (5, 6, 8))

    with pytest.raises(ContractError, match="calendar XASX: 2026-01-06 is followed by a day left out"):
        Calendar.from_rows("XASX", [("XASX", day, True) for day in (monday, tuesday, thursday)])
    with pytest.raises(ContractError, match="calendar XASX: 2026-01-05 is there twice"):
        Calendar.from_rows("XASX", [("XASX", monday, True), ("XASX", monday, False)])
    with pytest.raises(MissingInputError, match="calendar XASX: no row"):
        Calendar.from_rows("XASX", [("XNYS", monday, True)])


def test_a_rule_that_cannot_be_kept_is_refused() -> None:
    """No month has 24 business days, and the n-th is never closed."""
    with pytest.raises(UsageError, match="24 never comes; write 1 to 23"):
        CalendarRule("XASX", nth_of_month=24)
    with pytest.raises(UsageError, match="0 never comes"):
        CalendarRule("XASX", nth_of_month=0)
    with pytest.raises(UsageError, match="leave out 'next'"):
        CalendarRule("XASX", Roll.NEXT, nth_of_month=1)
