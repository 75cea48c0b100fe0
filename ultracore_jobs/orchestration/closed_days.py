"""Weekdays on which none of our exchanges (XASX, XNYS) has a session, to the end of 2031.

Here as data so that the code location loads without a calendar library; a test compares it with
exchange-calendars.
"""

from datetime import date

CLOSED_WEEKDAYS = frozenset(
    {
        date(2024, 1, 1),
        date(2024, 3, 29),
        date(2024, 12, 25),
        date(2025, 1, 1),
        date(2025, 4, 18),
        date(2025, 12, 25),
        date(2026, 1, 1),
        date(2026, 4, 3),
        date(2026, 12, 25),
        date(2027, 1, 1),
        date(2027, 3, 26),
        date(2028, 4, 14),
        date(2028, 12, 25),
        date(2029, 1, 1),
        date(2029, 3, 30),
        date(2029, 12, 25),
        date(2030, 1, 1),
        date(2030, 4, 19),
        date(2030, 12, 25),
        date(2031, 1, 1),
        date(2031, 4, 11),
        date(2031, 12, 25),
    }
)
