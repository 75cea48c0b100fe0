"""Cron in its zone: cases worked by hand, from calendars and the published clock changes."""

from datetime import UTC, datetime
from itertools import islice

import pytest

from ultracore_jobs.errors import UsageError
from ultracore_jobs.lifecycle.recurrence import Cron


def at(text: str) -> datetime:
    """An instant, as written."""
    return datetime.fromisoformat(text)


def firings(expression: str, zone: str, start: str, n: int) -> list[datetime]:
    """The first *n* from *start* on."""
    return [firing.at for firing in islice(Cron(expression, zone).firings_from(at(start)), n)]


def test_next_is_strictly_after_and_previous_strictly_before() -> None:
    """Asked exactly at 02:00: tomorrow's, and yesterday's; asked a moment off, today's."""
    cron = Cron("0 2 * * *")

    assert cron.next_after(at("2026-11-20T02:00:00Z")) == at("2026-11-21T02:00:00Z")
    assert cron.next_after(at("2026-11-20T01:59:59.999999Z")) == at("2026-11-20T02:00:00Z")
    assert cron.previous(at("2026-11-20T02:00:00Z")) == at("2026-11-19T02:00:00Z")
    assert cron.previous(at("2026-11-20T02:00:00.000001Z")) == at("2026-11-20T02:00:00Z")


def test_between_takes_its_start_and_leaves_its_end() -> None:
    """A period is half-open, so that two periods side by side share nothing and miss nothing."""
    cron = Cron("0 0 * * *")

    assert list(cron.between(at("2026-11-20T00:00:00Z"), at("2026-11-22T00:00:00Z"))) == [
        at("2026-11-20T00:00:00Z"),
        at("2026-11-21T00:00:00Z"),
    ]


def test_a_naive_instant_is_utc_and_the_answer_is_aware_utc() -> None:
    """The original document writes `datetime.utcnow()`."""
    found = Cron("0 2 * * *").next_after(at("2026-11-20T03:00:00"))
    assert found == at("2026-11-21T02:00:00Z")
    assert found.tzinfo is UTC


def test_sydney_springs_forward_over_it_and_it_fires_when_the_gap_ends() -> None:
    """5 October 2025, 02:00 becomes 03:00: 02:30 does not exist and fires at 03:00+11:00."""
    cron = Cron("30 2 * * *", "Australia/Sydney")
    firing = cron.firing_after(at("2025-10-04T12:00:00Z"))

    assert firing is not None
    assert firing.at == at("2025-10-05T03:00:00+11:00")
    assert firing.wall == at("2025-10-05T02:30:00")
    assert firing.reason is not None
    assert firing.reason.startswith("the clocks skip 02:30 on 2025-10-05 in Australia/Sydney: fires just")
    assert cron.next_after(firing.at) == at("2025-10-06T02:30:00+11:00")


def test_sydney_falls_back_and_it_fires_the_second_time_only() -> None:
    """6 April 2025, 03:00 becomes 02:00: of the two 02:30 the one at +10:00 counts."""
    assert firings("30 2 * * *", "Australia/Sydney", "2025-04-05T00:00:00+11:00", 3) == [
        at("2025-04-05T02:30:00+11:00"),
        at("2025-04-06T02:30:00+10:00"),
        at("2025-04-07T02:30:00+10:00"),
    ]


def test_between_the_two_passes_the_second_is_still_to_come() -> None:
    """At 02:45+11:00 the clocks have shown 02:30 once; the firing is 45 minutes ahead."""
    cron = Cron("30 2 * * *", "Australia/Sydney")
    assert cron.next_after(at("2025-04-06T02:45:00+11:00")) == at("2025-04-06T02:30:00+10:00")
    assert cron.previous(at("2025-04-06T02:15:00+10:00")) == at("2025-04-05T02:30:00+11:00")


def test_several_in_one_gap_fire_once() -> None:
    """02:00, 02:15, 02:30 and 02:45 are all skipped; with 03:00 they are one moment."""
    assert firings("*/15 2-3 * * *", "Australia/Sydney", "2025-10-05T00:00:00+10:00", 3) == [
        at("2025-10-05T03:00:00+11:00"),
        at("2025-10-05T03:15:00+11:00"),
        at("2025-10-05T03:30:00+11:00"),
    ]


@pytest.mark.parametrize("hours", ["*", "*/1", "0-23", "0-11,12-23"])
def test_hourly_leaves_the_gap_out_and_fires_in_both_repeated_hours(hours: str) -> None:
    """Every 60 minutes of elapsed time, in whatever words all 24 hours are meant."""
    assert firings(f"0 {hours} * * *", "Australia/Sydney", "2025-10-05T01:00:00+10:00", 3) == [
        at("2025-10-05T01:00:00+10:00"),
        at("2025-10-05T03:00:00+11:00"),
        at("2025-10-05T04:00:00+11:00"),
    ]
    assert firings(f"0 {hours} * * *", "Australia/Sydney", "2025-04-06T01:00:00+11:00", 4) == [
        at("2025-04-06T01:00:00+11:00"),
        at("2025-04-06T02:00:00+11:00"),
        at("2025-04-06T02:00:00+10:00"),
        at("2025-04-06T03:00:00+10:00"),
    ]


def test_lord_howe_changes_by_half_an_hour() -> None:
    """5 October 2025, 02:00+10:30 becomes 02:30+11:00; 6 April 2025, 02:00+11:00 becomes 01:30+10:30."""
    assert firings("15 2 * * *", "Australia/Lord_Howe", "2025-10-05T00:00:00+10:30", 1) == [
        at("2025-10-05T02:30:00+11:00")
    ]
    assert firings("45 1 * * *", "Australia/Lord_Howe", "2025-04-06T00:00:00+11:00", 1) == [
        at("2025-04-06T01:45:00+10:30")
    ]


def test_hourly_in_lord_howe_follows_the_clock_on_the_wall() -> None:
    """Dagster's iterator would fire these at half past in winter; here :00 is :00 on the wall, always."""
    assert firings("0 * * * *", "Australia/Lord_Howe", "2025-04-06T01:00:00+11:00", 3) == [
        at("2025-04-06T01:00:00+11:00"),
        at("2025-04-06T02:00:00+10:30"),
        at("2025-04-06T03:00:00+10:30"),
    ]


def test_kolkata_is_half_an_hour_off_all_year() -> None:
    """09:00 in Kolkata is 03:30 UTC; the top of the hour is half past in UTC."""
    assert firings("0 9 * * *", "Asia/Kolkata", "2026-06-30T00:00:00Z", 1) == [at("2026-06-30T03:30:00Z")]
    assert firings("0 * * * *", "Asia/Kolkata", "2026-06-30T00:00:00Z", 1) == [at("2026-06-30T00:30:00Z")]


def test_sao_paulo_changed_at_midnight_until_2019() -> None:
    """4 November 2018, 00:00 became 01:00; 17 February 2019, 00:00 became 23:00; in 2020 nothing changes."""
    zone = "America/Sao_Paulo"
    assert firings("30 0 * * *", zone, "2018-11-03T12:00:00Z", 2) == [
        at("2018-11-04T01:00:00-02:00"),
        at("2018-11-05T00:30:00-02:00"),
    ]
    assert firings("30 23 * * *", zone, "2019-02-16T12:00:00Z", 2) == [
        at("2019-02-16T23:30:00-03:00"),
        at("2019-02-17T23:30:00-03:00"),
    ]
    assert firings("30 0 * * *", zone, "2020-11-01T00:00:00Z", 1) == [at("2020-11-01T00:30:00-03:00")]


def test_leap_day_comes_every_four_years_and_not_in_2100() -> None:
    """2096, then 2104: 2100 is no leap year."""
    assert firings("0 2 29 2 *", "UTC", "2026-01-01T00:00:00Z", 2) == [
        at("2028-02-29T02:00:00Z"),
        at("2032-02-29T02:00:00Z"),
    ]
    assert Cron("0 2 29 2 *").next_after(at("2096-02-29T02:00:00Z")) == at("2104-02-29T02:00:00Z")
    assert Cron("0 2 29 2 *").previous(at("2104-02-29T02:00:00Z")) == at("2096-02-29T02:00:00Z")


def test_leap_day_is_not_lost_when_asked_on_the_day_before() -> None:
    """From noon on 28 February; Dagster's own iterator goes on to 2028 here."""
    assert Cron("0 2 29 2 *").next_after(at("2024-02-28T12:00:00Z")) == at("2024-02-29T02:00:00Z")


def test_the_31st_comes_in_long_months_only() -> None:
    """January, March, May; nothing is moved to the 30th or the 28th."""
    assert firings("0 0 31 * *", "UTC", "2026-01-01T00:00:00Z", 3) == [
        at("2026-01-31T00:00:00Z"),
        at("2026-03-31T00:00:00Z"),
        at("2026-05-31T00:00:00Z"),
    ]


def test_the_last_day_of_the_month() -> None:
    """28, 29 (2028), 30 or 31."""
    assert firings("0 0 L * *", "UTC", "2028-01-15T00:00:00Z", 4) == [
        at("2028-01-31T00:00:00Z"),
        at("2028-02-29T00:00:00Z"),
        at("2028-03-31T00:00:00Z"),
        at("2028-04-30T00:00:00Z"),
    ]


def test_quarters_are_counted_from_january_not_from_now() -> None:
    """`*/3` is 1, 4, 7, 10, asked in February."""
    assert firings("0 0 1 */3 *", "UTC", "2026-02-10T00:00:00Z", 4) == [
        at("2026-04-01T00:00:00Z"),
        at("2026-07-01T00:00:00Z"),
        at("2026-10-01T00:00:00Z"),
        at("2027-01-01T00:00:00Z"),
    ]


@pytest.mark.parametrize(
    ("expression", "days"),
    [
        ("0 0 13 * 5", [6, 13, 20, 27]),  # the 13th, and Fridays: 13 November 2026 is one
        ("0 0 10 * 5", [6, 10, 13, 20]),  # either match
        ("0 0 * * 5", [6, 13, 20, 27]),  # `*` does not decide
        ("0 0 10 * *", [10]),
        ("0 0 */10 * 5", [1, 6, 11, 13]),  # `*/10` is restricted: 1, 11, 21, 31
        ("0 0 10 * */6", [1, 7, 8, 10]),  # as is `*/6`: Sunday and Saturday
        ("0 0 1-31 * */6", [1, 7, 8, 14]),  # every value spelled out is `*` beside a starred step
        ("0 0 1-31 * 6", [1, 2, 3, 4]),  # and counts, as it stands, beside a plain value
    ],
)
def test_day_of_month_and_day_of_week(expression: str, days: list[int]) -> None:
    """November 2026 begins on a Sunday."""
    found = Cron(expression).between(at("2026-11-01T00:00:00Z"), at("2026-12-01T00:00:00Z"))
    assert [moment.day for moment in islice(found, 4)] == days


def test_an_unknown_zone_is_refused_by_name() -> None:
    """A directory of the database, a path and a made-up name are all no zones."""
    for name in ("Sydney", "Australia", "../etc/passwd", ""):
        with pytest.raises(UsageError, match=r"timezone: .* is no IANA time zone; write one such as"):
            Cron("0 0 * * *", name)
