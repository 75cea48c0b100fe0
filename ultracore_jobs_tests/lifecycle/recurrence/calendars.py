"""The calendars of the sample, as values, and Australia's national banking days beside them."""

from datetime import date, timedelta
from functools import cache

import holidays

from ultracore_jobs.lifecycle.recurrence import Calendar
from ultracore_jobs.sample.calendars import calendar_table

_FIRST, _LAST = date(2022, 1, 1), date(2028, 12, 31)


@cache
def calendar(calendar_id: str) -> Calendar:
    """XASX, XNYS, TARGET or NSW as the sample has them; AU from the package holidays."""
    if calendar_id == "AU":
        closed = holidays.country_holidays("AU", years=range(_FIRST.year, _LAST.year + 1))
        return from_closed("AU", _FIRST, _LAST, set(closed))
    rows = calendar_table().select("calendar_id", "date", "is_business_day").iter_rows()
    return Calendar.from_rows(calendar_id, rows)


def from_closed(calendar_id: str, first: date, last: date, closed: set[date]) -> Calendar:
    """Weekdays but for *closed*."""
    days = (first + timedelta(days=n) for n in range((last - first).days + 1))
    return Calendar.from_rows(
        calendar_id, [(calendar_id, day, day.isoweekday() <= 5 and day not in closed) for day in days]
    )
