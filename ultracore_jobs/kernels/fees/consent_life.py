"""How long a signature lasts (domain_rules 3.5; Corporations Act Pt 7.7A Div 3).

A consent lasts until an anniversary of its arrangement and 150 days more, that day included. Renewal is
open from 60 days before the anniversary to 150 after. A signature that comes when nothing lives any more
needs a new arrangement: it revives nothing.
"""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import polars as pl

from ultracore_jobs.kernels.fees.runs import latest_so_far, previous, run_number, true_so_far

RENEWAL_OPENS_DAYS = 60
GRACE_DAYS = 150
NEW_REGIME_ON = date(2025, 1, 10)
"""From this day consents live as described; older arrangements join at their first anniversary after it."""

_LEAP_DAY = 29
_FEBRUARY = 2
_HOLDER = ["arrangement_id", "kind", "holder_id"]


def anniversary_after(day: pl.Expr, anchor: pl.Expr) -> pl.Expr:
    """The first anniversary of *anchor* after *day*; of 29 February it is the 28th in common years.

    Args:
        day: Date column.
        anchor: Date column; only month and day count.
    """
    this_year = _in_year(anchor, day.dt.year())
    return pl.when(this_year > day).then(this_year).otherwise(_in_year(anchor, day.dt.year() + 1))


def arrangement_days(fee_arrangements: pl.DataFrame) -> pl.DataFrame:
    """The days that rule the consents of each arrangement.

    Args:
        fee_arrangements: `FEE_ARRANGEMENTS`.

    Returns:
        ``arrangement_id``, ``entered_on``, ``anchor`` (the agreed reference day, else the day entered into:
        what anniversaries are of), ``first_anniversary`` (the first after it was entered into),
        ``window_from`` and ``window_to`` (in which the first renewal is open, both days included),
        ``new_regime_from`` (null for arrangements entered into on 10 January 2025 or later; else their
        first anniversary after that day) and ``must_live_by`` (last day for the first signature that is
        tested).

    Source: domain_rules 3.5, 20b. Entered into on 1 March 2025: 31 Dec 2025 to 29 July 2026.
    """
    anchor = pl.coalesce("reference_on", "entered_on")
    first = anniversary_after(pl.col("entered_on"), pl.col("anchor"))
    # "After it": an anniversary on 10 January 2025 itself is not.
    joining = anniversary_after(pl.lit(NEW_REGIME_ON), pl.col("anchor"))
    return (
        fee_arrangements.select("arrangement_id", "entered_on", anchor.alias("anchor"))
        .with_columns(
            first.alias("first_anniversary"),
            pl.when(pl.col("entered_on") < NEW_REGIME_ON).then(joining).alias("new_regime_from"),
        )
        .with_columns(
            _days_after("first_anniversary", -RENEWAL_OPENS_DAYS).alias("window_from"),
            _days_after("first_anniversary", GRACE_DAYS).alias("window_to"),
            (pl.max_horizontal("first_anniversary", "new_regime_from") + pl.duration(days=GRACE_DAYS)).alias(
                "must_live_by"
            ),
        )
    )


def consent_lives(
    consents: pl.DataFrame, fee_arrangements: pl.DataFrame, *, deducted_at: datetime, timezone: str
) -> pl.DataFrame:
    """How long each signature lasts, and whether it stands at one instant.

    - Signed when the arrangement was entered into: until its first anniversary + 150 days.
    - Signed from 60 days before an anniversary on: until the next one + 150 days. In between it replaces an
      earlier consent and lasts no longer.
    - Signed after the holder's earlier consents ended: VOID. For kind OFA a withdrawal ends them too; a
      withdrawn DEDUCTION can be signed anew.

    Args:
        consents: `CONSENTS`, one row for each consent as known.
        fee_arrangements: `FEE_ARRANGEMENTS`.
        deducted_at: Instant of the deduction, with a time zone.
        timezone: IANA zone of the tenant, in which consents are dated.

    Returns:
        Consents of known arrangements with ``live_until`` (last day, included), ``is_void``,
        ``is_withdrawn`` (by that instant), ``is_signed`` (by that day; there is no back-dating), ordered by
        arrangement, kind, holder and signature.

    Source: domain_rules 3.5, 20b.
    """
    days = arrangement_days(fee_arrangements).drop("first_anniversary", "window_from", "window_to")
    at_start = pl.col("signed_on") <= pl.col("entered_on")
    counted = (
        pl.when(at_start)
        .then("entered_on")
        .otherwise(pl.max_horizontal("entered_on", _days_after("signed_on", RENEWAL_OPENS_DAYS)))
    )
    withdrawn = (pl.col("withdrawn_at") <= deducted_at).fill_null(value=False)
    its_day = pl.col("withdrawn_at").dt.convert_time_zone(timezone).dt.date()
    withdrawn_on = pl.when(withdrawn & (pl.col("kind") == "OFA")).then(its_day)
    covers = pl.min_horizontal("live_until", withdrawn_on)
    of_holder = pl.col("__holder")
    earlier = previous(latest_so_far(covers, of_holder), of_holder)
    # The first signature of all has until the first anniversary and 150 days. What was or was not signed
    # under the old regime is not tested either, unless the arrangement was withdrawn from.
    has_left = previous(true_so_far(withdrawn & (pl.col("kind") == "OFA"), of_holder), of_holder)
    is_untested = earlier.is_null() | (pl.col("new_regime_from").is_not_null() & ~has_left)
    covered_until = pl.max_horizontal(earlier, pl.when(is_untested).then("must_live_by"))
    is_late = pl.col("signed_on") > covered_until
    return (
        consents.join(days, on="arrangement_id")
        .sort(*_HOLDER, "signed_on", "consent_id")
        .with_columns(
            run_number(_HOLDER).alias("__holder"),
            _plus(anniversary_after(counted, pl.col("anchor")), GRACE_DAYS).alias("live_until"),
            withdrawn.alias("is_withdrawn"),
            (pl.col("signed_on") <= deducted_at.astimezone(ZoneInfo(timezone)).date()).alias("is_signed"),
        )
        .with_columns(is_late.alias("__late"))
        .with_columns(true_so_far(pl.col("__late"), of_holder).alias("is_void"))
        .drop("__late", "__holder", "anchor", "entered_on", "must_live_by", "new_regime_from")
    )


def _in_year(anchor: pl.Expr, year: pl.Expr) -> pl.Expr:
    is_leap_day = (anchor.dt.month() == _FEBRUARY) & (anchor.dt.day() == _LEAP_DAY)
    is_common = ~pl.date(year, 1, 1).dt.is_leap_year()
    day = pl.when(is_leap_day & is_common).then(_LEAP_DAY - 1).otherwise(anchor.dt.day())
    return pl.date(year, anchor.dt.month(), day)


def _days_after(name: str, days: int) -> pl.Expr:
    return _plus(pl.col(name), days)


def _plus(day: pl.Expr, days: int) -> pl.Expr:
    return day + pl.duration(days=days)
