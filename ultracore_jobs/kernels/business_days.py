"""How old a price or a rate is, counted in business days of its own market.

Calendars are data (domain_rules 1): one row for each calendar and day, business day or not. Where
the rows do not reach, the age is unknown, and unknown is null, never a guess.
"""

from datetime import date

import polars as pl


def business_days_after(
    frame: pl.DataFrame,
    *,
    since: str,
    calendar: str,
    as_of: date,
    calendars: pl.DataFrame,
    name: str = "stale_business_days",
) -> pl.DataFrame:
    """Add the number of business days in ``(since, as_of]`` to each row.

    Args:
        frame: Any table.
        since: Its column (date) from which to count; the day itself is not counted.
        calendar: Its column (text) with the calendar id of the row.
        as_of: Last day counted.
        calendars: A `CALENDARS` table with one row for each (calendar_id, date).
        name: Column to add.

    Returns:
        *frame*, same rows in the same order, with the column *name* (Int64). It is 0 where *since* is
        *as_of* or later, and null where the age cannot be known: *since* is null, or the calendar
        lacks a day of the range. Whoever reads a null treats the row as too old.

    Source: domain_rules 1 (business day), 1A.1, 14.
    """
    ages = (
        calendars.filter(pl.col("date") <= as_of)
        .select("calendar_id", "date", "is_business_day")
        .sort("calendar_id", "date", descending=True)
        .select(
            pl.col("calendar_id").alias("__calendar"),
            # A row answers for the day before it: counting starts on the day after `since`.
            (pl.col("date") - pl.duration(days=1)).alias("__since"),
            pl.col("is_business_day").cast(pl.Int64).cum_sum().over("calendar_id").alias(name),
            # Without gaps the n-th row from the end is n - 1 days before `as_of`.
            (
                pl.int_range(1, pl.len() + 1).over("calendar_id")
                == (pl.lit(as_of) - pl.col("date")).dt.total_days() + 1
            ).alias("__whole"),
        )
        .filter("__whole")
        .drop("__whole")
    )
    return frame.join(
        ages,
        left_on=[calendar, since],
        right_on=["__calendar", "__since"],
        how="left",
        maintain_order="left",
    ).with_columns(
        pl.when(pl.col(since) >= as_of).then(pl.lit(0, dtype=pl.Int64)).otherwise(pl.col(name)).alias(name)
    )


def latest_sessions(calendars: pl.DataFrame, *, as_of: date, sessions: int = 1) -> pl.DataFrame:
    """The first and the last of the newest *sessions* business days up to *as_of*, for each calendar.

    Args:
        calendars: A `CALENDARS` table with one row for each (calendar_id, date).
        as_of: Last day that may be a session.
        sessions: How many business days to look back, the last one included; 1 or more.

    Returns:
        One row for each calendar that has a business day up to *as_of*, by calendar_id:
        ``calendar_id``, ``first_session``, ``last_session`` (dates). A calendar shorter than
        *sessions* gives its first business day.

    Source: domain_rules 16 (look-back in sessions).
    """
    return (
        calendars.filter(pl.col("is_business_day") & (pl.col("date") <= as_of))
        .sort("calendar_id", "date")
        .group_by("calendar_id", maintain_order=True)
        .agg(
            pl.col("date").tail(sessions).first().alias("first_session"),
            pl.col("date").last().alias("last_session"),
        )
    )
