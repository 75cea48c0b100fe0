"""How old a price is, in business days of its own market."""

from datetime import date, timedelta

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from ultracore_jobs.kernels.business_days import business_days_after, latest_sessions
from ultracore_jobs_tests.kernels.market_tables import FRIDAY, SATURDAY, calendar

EASTER_MONDAY = date(2026, 4, 6)
GOOD_FRIDAY = date(2026, 4, 3)
MAUNDY_THURSDAY = date(2026, 4, 2)


def age(since: date | None, as_of: date, calendars: pl.DataFrame, calendar_id: str = "TARGET") -> int | None:
    """The age of one row."""
    frame = pl.DataFrame(
        {"since": [since], "calendar": [calendar_id]}, schema={"since": pl.Date, "calendar": pl.String}
    )
    aged = business_days_after(frame, since="since", calendar="calendar", as_of=as_of, calendars=calendars)
    return aged["stale_business_days"].item()  # type: ignore[no-any-return]


def test_the_first_day_is_not_counted_and_the_last_one_is() -> None:
    """From Wednesday 18 to Friday 20 November are two business days."""
    assert age(date(2026, 11, 18), FRIDAY, calendar("TARGET")) == 2


def test_a_weekend_does_not_make_a_price_older() -> None:
    """Friday's fixing is no business day old on Saturday and Sunday, one on Monday."""
    target = calendar("TARGET")

    assert [age(FRIDAY, FRIDAY + timedelta(days=days), target) for days in (0, 1, 2, 3)] == [0, 0, 0, 1]


def test_easter_is_not_counted() -> None:
    """From Maundy Thursday to Easter Monday no business day passed; Tuesday is the first."""
    target = calendar("TARGET", first=date(2026, 3, 1), holidays=[GOOD_FRIDAY, EASTER_MONDAY])

    assert age(MAUNDY_THURSDAY, EASTER_MONDAY, target) == 0
    assert age(MAUNDY_THURSDAY, date(2026, 4, 7), target) == 1


def test_each_row_counts_in_its_own_calendar() -> None:
    """Friday 20 November is a holiday in one of the two."""
    both = pl.concat([calendar("XASX"), calendar("XNYS", holidays=[FRIDAY])])
    frame = pl.DataFrame({"since": [date(2026, 11, 19)] * 2, "calendar": ["XASX", "XNYS"]})

    aged = business_days_after(frame, since="since", calendar="calendar", as_of=SATURDAY, calendars=both)

    assert aged["stale_business_days"].to_list() == [1, 0]


def test_an_unknown_age_is_null_never_zero() -> None:
    """No date, an unknown calendar, a range the calendar does not reach back to, a hole in it."""
    short = calendar("TARGET", first=date(2026, 11, 10))
    holed = short.filter(pl.col("date") != date(2026, 11, 17))

    assert age(None, FRIDAY, short) is None
    assert age(date(2026, 11, 18), FRIDAY, short, "MOON") is None
    assert age(date(2026, 11, 8), FRIDAY, short) is None
    assert age(date(2026, 11, 9), FRIDAY, short) == 9, "the day itself need not be in the calendar"
    assert age(date(2026, 11, 16), FRIDAY, holed) is None
    assert age(date(2026, 11, 17), FRIDAY, holed) == 3


def test_a_calendar_that_ends_before_the_day_gives_null() -> None:
    """A calendar up to Thursday cannot say whether Friday was a business day."""
    assert age(date(2026, 11, 17), FRIDAY, calendar("TARGET", last=date(2026, 11, 19))) is None


def test_a_date_after_the_day_is_not_old_at_all() -> None:
    """The range is empty, so its age is 0, even without a calendar."""
    assert age(SATURDAY, FRIDAY, calendar("TARGET").clear()) == 0


def test_rows_keep_their_order_and_number() -> None:
    """The count is added to the table as it came."""
    frame = pl.DataFrame({"row": [3, 1, 2], "since": [FRIDAY, None, FRIDAY], "calendar": ["TARGET"] * 3})

    aged = business_days_after(
        frame, since="since", calendar="calendar", as_of=FRIDAY, calendars=calendar("TARGET"), name="age"
    )

    assert aged.columns == ["row", "since", "calendar", "age"]
    assert aged["row"].to_list() == [3, 1, 2]


@given(
    since=st.dates(date(2026, 7, 2), date(2026, 12, 31)),
    as_of=st.dates(date(2026, 7, 2), date(2026, 12, 31)),
    holidays=st.sets(st.dates(date(2026, 7, 2), date(2026, 12, 31)), max_size=20),
)
def test_the_count_is_that_of_numpy(since: date, as_of: date, holidays: set[date]) -> None:
    """`numpy.busday_count` counts [begin, end); shifted by one day that is (since, as_of]."""
    counted = age(since, as_of, calendar("TARGET", holidays=holidays))

    expected = np.busday_count(
        since + timedelta(days=1), max(since, as_of) + timedelta(days=1), holidays=sorted(holidays)
    )
    assert counted == expected


def test_latest_sessions_looks_back_in_sessions_not_days() -> None:
    """Ten sessions back from Saturday 21 November 2026 begin on Monday 9, or earlier after a holiday."""
    both = pl.concat([calendar("XASX"), calendar("XNYS", holidays=[FRIDAY])])

    found = latest_sessions(both, as_of=SATURDAY, sessions=10)

    assert found.rows() == [
        ("XASX", date(2026, 11, 9), FRIDAY),
        ("XNYS", date(2026, 11, 6), date(2026, 11, 19)),
    ]
