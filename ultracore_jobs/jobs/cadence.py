"""How often a job is due, and which days one of its partitions stands for."""

from datetime import date, timedelta
from enum import StrEnum

_MONTHS_OF_QUARTER = 3
_DECEMBER = 12


class Cadence(StrEnum):
    """How often a job is due, and so which partitions its tables have."""

    SESSIONS = "each day that is a session on one of our exchanges"
    DAYS = "each calendar day"
    MONTHS = "each calendar month, by its first day"
    QUARTERS = "each calendar quarter, by its first day"

    def period_end(self, start: date) -> date:
        """The first day after the period whose key is *start*.

        >>> Cadence.MONTHS.period_end(date(2026, 12, 1))
        datetime.date(2027, 1, 1)
        """
        months = {Cadence.MONTHS: 1, Cadence.QUARTERS: _MONTHS_OF_QUARTER}.get(self)
        if months is None:
            return start + timedelta(days=1)
        years, month = divmod(start.month - 1 + months, _DECEMBER)
        return date(start.year + years, month + 1, 1)

    def key_of(self, day: date) -> date:
        """The key of the period that *day* lies in: its first day.

        >>> Cadence.QUARTERS.key_of(date(2026, 11, 25))
        datetime.date(2026, 10, 1)
        """
        if self is Cadence.MONTHS:
            return day.replace(day=1)
        if self is Cadence.QUARTERS:
            return date(day.year, day.month - (day.month - 1) % _MONTHS_OF_QUARTER, 1)
        return day
