"""What is left of a rhythm once calendar, bounds and freezes have had their say."""

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ultracore_jobs.errors import MissingInputError, UsageError
from ultracore_jobs.lifecycle.recurrence import (
    CalendarRule,
    Cron,
    FreezeWindow,
    Interval,
    Occurrence,
    OneTime,
    Roll,
    Skipped,
    Timetable,
)
from ultracore_jobs_tests.lifecycle.recurrence.calendars import calendar, from_closed

SYDNEY = "Australia/Sydney"


def at(text: str) -> datetime:
    """An instant, as written."""
    return datetime.fromisoformat(text)


def month_end(roll: Roll) -> Timetable:
    """18:00 in Sydney on the last day of each month, on the ASX."""
    return Timetable(Cron("0 18 L * *", SYDNEY), CalendarRule("XASX", roll), calendar("XASX"))


def local_days(timetable: Timetable, start: str, end: str) -> list[str]:
    """The local days of the occurrences between two instants."""
    return [f"{found.local:%d %b}" for found in timetable.between(at(start), at(end))]


@pytest.mark.parametrize(
    ("roll", "days"),
    [
        # Of the ends of the first half of 2026, 31 January and 28 February are Saturdays, 31 May is a Sunday.
        (Roll.SKIP, ["31 Mar", "30 Apr", "30 Jun"]),
        (Roll.NEXT, ["02 Feb", "02 Mar", "31 Mar", "30 Apr", "01 Jun", "30 Jun"]),
        (Roll.PREVIOUS, ["30 Jan", "27 Feb", "31 Mar", "30 Apr", "29 May", "30 Jun"]),
        (Roll.MODIFIED_FOLLOWING, ["30 Jan", "27 Feb", "31 Mar", "30 Apr", "29 May", "30 Jun"]),
    ],
)
def test_month_ends_on_weekends(roll: Roll, days: list[str]) -> None:
    """Between 1 January and 30 June 2026, at the time the rhythm names."""
    timetable = month_end(roll)

    assert local_days(timetable, "2026-01-01T00:00:00+11:00", "2026-07-01T00:00:00+10:00") == days
    assert {found.local.hour for found in timetable.between(at("2026-01-01T00Z"), at("2026-07-01T00Z"))} == {
        18
    }


def test_a_moved_occurrence_says_from_where_and_on_which_calendar() -> None:
    """Saturday 31 January 2026 becomes Friday 30, still in January."""
    found = month_end(Roll.MODIFIED_FOLLOWING).next_after(at("2026-01-15T00:00:00Z"))

    assert found == Occurrence(
        due_at=at("2026-01-30T18:00:00+11:00"),
        local=at("2026-01-30T18:00:00+11:00"),
        nominal=at("2026-01-31T18:00:00"),
        rolled_from=date(2026, 1, 31),
        reason="Saturday 2026-01-31 is no business day of XASX: moved to Friday 2026-01-30",
        calendar_id="XASX",
        calendar_version=calendar("XASX").version,
    )


def test_a_preview_lists_what_is_left_out_and_why() -> None:
    """Weekdays at 08:30 over the long weekend of Australia Day, Monday 26 January 2026."""
    timetable = Timetable(Cron("30 8 * * mon-fri", SYDNEY), CalendarRule("XASX", Roll.SKIP), calendar("XASX"))
    friday, monday, tuesday = timetable.preview(2, after=at("2026-01-23T00:00:00+11:00"))

    assert isinstance(friday, Occurrence)
    assert friday.due_at == at("2026-01-23T08:30:00+11:00")
    assert isinstance(monday, Skipped)
    assert monday.reason == "Monday 2026-01-26 is no business day of XASX"
    assert monday.local == at("2026-01-26T08:30:00+11:00")
    assert isinstance(tuesday, Occurrence)
    assert tuesday.due_at == at("2026-01-27T08:30:00+11:00")


def test_what_rolls_onto_a_day_with_its_own_is_due_once() -> None:
    """Daily at 08:00: Saturday's and Sunday's move to Monday, which has one already."""
    timetable = Timetable(Cron("0 8 * * *", SYDNEY), CalendarRule("XASX", Roll.NEXT), calendar("XASX"))
    friday, monday, saturday, sunday, tuesday = timetable.preview(3, after=at("2026-11-20T00:00:00+11:00"))

    assert [entry.local.day for entry in (friday, monday, tuesday)] == [20, 23, 24]
    assert isinstance(monday, Occurrence)
    assert monday.rolled_from is None
    for entry in (saturday, sunday):
        assert isinstance(entry, Skipped)
        assert entry.reason.endswith("moved to Monday 2026-11-23, where another one is due")


def test_the_last_business_day_of_the_month() -> None:
    """Daily at 17:00, of which only the last open day counts; the others are not called skipped."""
    timetable = Timetable(Cron("0 17 * * *", SYDNEY), CalendarRule("XASX", nth_of_month=-1), calendar("XASX"))
    entries = timetable.preview(5, after=at("2026-01-01T00:00:00Z"))

    assert [f"{entry.local:%d %b}" for entry in entries] == ["30 Jan", "27 Feb", "31 Mar", "30 Apr", "29 May"]


def test_a_holiday_declared_late_changes_what_is_to_come_only_with_the_new_version() -> None:
    """Thursday 22 September 2022: decided on the old calendar it is due, on the new one it is not."""
    first, last, mourning = date(2022, 1, 1), date(2022, 12, 31), date(2022, 9, 22)
    before, after = from_closed("NSW", first, last, set()), from_closed("NSW", first, last, {mourning})
    daily, rule = Cron("0 9 * * mon-fri", SYDNEY), CalendarRule("NSW", Roll.SKIP)
    morning = at("2022-09-22T00:00:00+10:00")

    was_due = Timetable(daily, rule, before).next_after(morning)
    is_due = Timetable(daily, rule, after).next_after(morning)
    assert was_due is not None
    assert is_due is not None
    assert (was_due.local.day, was_due.calendar_version) == (22, before.version)
    assert (is_due.local.day, is_due.calendar_version) == (23, after.version)


def test_a_rolled_time_in_the_gap_fires_when_the_gap_ends() -> None:
    """Saturday 4 October 2025 rolls to Sunday, open in this calendar, where 02:30 is skipped."""
    closed_saturdays = from_closed("X", date(2025, 9, 1), date(2025, 10, 31), set())
    sundays_open = type(closed_saturdays).from_rows(
        "X", [("X", date(2025, 9, 1) + timedelta(days=n), n % 7 != 5) for n in range(61)]
    )
    found = Timetable(Cron("30 2 4 10 *", SYDNEY), CalendarRule("X", Roll.NEXT), sundays_open).next_after(
        at("2025-09-20T00:00:00Z")
    )
    assert found is not None
    assert found.local == at("2025-10-05T03:00:00+11:00")


def test_nothing_fires_in_a_freeze_and_the_preview_says_why() -> None:
    """Frozen from Christmas Eve to New Year's Day; the first instant after is free."""
    freeze = FreezeWindow(at("2026-12-24T00:00:00Z"), at("2027-01-01T00:00:00Z"), "change freeze, J. Citizen")
    timetable = Timetable(Cron("0 0 * * *"), freezes=(freeze,))
    entries = timetable.preview(2, after=at("2026-12-23T00:00:00Z"))

    assert [entry.local.day for entry in entries] == [24, 25, 26, 27, 28, 29, 30, 31, 1, 2]
    assert [isinstance(entry, Occurrence) for entry in entries] == [False] * 8 + [True] * 2
    assert isinstance(entries[0], Skipped)
    assert entries[0].reason == "frozen until 2027-01-01 00:00 UTC: change freeze, J. Citizen"


def test_start_and_end_bound_what_is_due() -> None:
    """The start may be due, the end not."""
    timetable = Timetable(
        Interval(at("2026-01-01T00:00:00Z"), timedelta(hours=6)),
        starts_at=at("2026-01-02T00:00:00Z"),
        ends_at=at("2026-01-02T12:00:00Z"),
    )
    assert [entry.local.hour for entry in timetable.preview(9, after=at("2025-12-01T00:00:00Z"))] == [0, 6]
    assert timetable.next_after(at("2026-01-02T06:00:00Z")) is None


def test_a_one_time_run_on_a_holiday_rolls_too() -> None:
    """Christmas Day 2026 is a Friday, and Monday 28 is a holiday for it: Tuesday."""
    once = Timetable(
        OneTime(at("2026-12-25T10:00:00+11:00"), zone=SYDNEY),
        CalendarRule("XASX", Roll.NEXT),
        calendar("XASX"),
    )
    assert [entry.local for entry in once.preview(3, after=at("2026-12-01T00:00:00Z"))] == [
        at("2026-12-29T10:00:00+11:00")
    ]


def test_where_the_calendar_ends_the_preview_says_so_and_nothing_is_guessed() -> None:
    """A schedule for Sundays on the ASX never fires; the calendar ends first."""
    january = from_closed("XASX", date(2026, 1, 1), date(2026, 1, 31), set())
    sundays = Timetable(Cron("0 9 * * sun"), CalendarRule("XASX"), january)

    with pytest.raises(MissingInputError, match="load more of the calendar"):
        sundays.next_after(at("2026-01-10T00:00:00Z"))
    *skipped, last = sundays.preview(1, after=at("2026-01-10T00:00:00Z"))
    assert [entry.local.day for entry in skipped] == [11, 18, 25]
    assert isinstance(last, Skipped)
    assert "is known from 2026-01-01 to 2026-01-31" in last.reason


def test_rule_and_calendar_must_belong_together() -> None:
    """Another's calendar would decide wrongly, and none at all not at all."""
    with pytest.raises(UsageError, match="the rule asks for XASX, and None was given; give XASX"):
        Timetable(Cron("0 0 * * *"), CalendarRule("XASX"))
    with pytest.raises(UsageError, match="the rule asks for XASX, and XNYS was given"):
        Timetable(Cron("0 0 * * *"), CalendarRule("XASX"), calendar("XNYS"))
    with pytest.raises(UsageError, match="end: it is no later than the start"):
        Timetable(Cron("0 0 * * *"), starts_at=at("2026-01-01T00:00:00Z"), ends_at=at("2026-01-01T00:00:00Z"))


@given(
    expression=st.sampled_from(
        ("0 8 * * *", "0 18 L * *", "30 2 1,15 * *", "0 */5 * * *", "0 12 25-31 12 *", "0 0 * * sat,sun")
    ),
    roll=st.sampled_from(Roll),
    start=st.datetimes(datetime(2024, 1, 1), datetime(2026, 1, 1)),  # noqa: DTZ001 - bounds of naive ones
    days=st.integers(1, 40),
)
def test_two_halves_of_a_period_hold_what_the_whole_holds(
    expression: str, roll: Roll, start: datetime, days: int
) -> None:
    """In order, none twice, each on a business day, whatever moves across the border between the halves."""
    timetable = Timetable(Cron(expression, SYDNEY), CalendarRule("XASX", roll), calendar("XASX"))
    middle, end = start + timedelta(days=days), start + timedelta(days=2 * days)
    whole = [found.due_at for found in timetable.between(start, end)]
    halves = [found.due_at for half in ((start, middle), (middle, end)) for found in timetable.between(*half)]

    assert whole == halves
    assert whole == sorted(set(whole))
    assert all(
        calendar("XASX").is_business_day(found.local.date()) for found in timetable.between(start, end)
    )
