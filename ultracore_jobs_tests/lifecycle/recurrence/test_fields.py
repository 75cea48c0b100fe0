"""What a cron expression may say, and how it is refused."""

import pytest

from ultracore_jobs.errors import UsageError
from ultracore_jobs.lifecycle.recurrence import parse_fields


@pytest.mark.parametrize(
    ("expression", "field", "values"),
    [
        ("*/15 * * * *", "minute", [0, 15, 30, 45]),
        ("5-20/5 * * * *", "minute", [5, 10, 15, 20]),
        ("50/4 * * * *", "minute", [50, 54, 58]),
        ("0 22-23,0-4 * * *", "hour", [0, 1, 2, 3, 4, 22, 23]),
        ("05 09 * * *", "hour", [9]),
        ("0 0 1,15,L * *", "day_of_month", [1, 15, "L"]),
        ("0 0 1 */3 *", "month", [1, 4, 7, 10]),
        ("0 0 1 Jan,JUL-sep *", "month", [1, 7, 8, 9]),
        ("0 0 * * 7", "day_of_week", [0]),
        ("0 0 * * 0,7", "day_of_week", [0]),
        ("0 0 * * 5-7", "day_of_week", [0, 5, 6]),
        ("0 0 * * fri-sun", "day_of_week", [0, 5, 6]),
        ("0 0 * * sun-tue", "day_of_week", [0, 1, 2]),
        ("0 0 * * 7-2", "day_of_week", [0, 1, 2]),
        ("0 0 * * 1-7/2", "day_of_week", [0, 1, 3, 5]),
        ("0 0 * * */2", "day_of_week", [0, 2, 4, 6]),
    ],
)
def test_a_field_is_read(expression: str, field: str, values: list[int]) -> None:
    """Lists, ranges, steps from the start of the field or range, names, and both Sundays."""
    assert parse_fields(expression).as_lists()[field] == values


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("60 * * * *", "minute: 60 is not between 0 and 59"),
        ("0 24 * * *", "hour: 24 is not between 0 and 23"),
        ("0 0 0 * *", "day of month: 0 is not between 1 and 31"),
        ("0 0 * 13 *", "month: 13 is not between 1 and 12"),
        ("0 0 * * 8", "day of week: 8 is not between 0 and 7"),
        ("0 0 * foo *", "month: 'foo' is not understood; write `*`, a number from 1 to 12 or a name such as"),
        ("0 0 * * mon#1", "day of week: 'mon#1' is not understood"),
        ("-5 * * * *", "minute: '-5' is not understood"),
        ("1,,2 * * * *", "minute: '' is not understood"),
        ("*-5 * * * *", "minute: '*-5' is not understood"),
        ("٣ * * * *", "minute: '٣' is not understood"),
        ("0 22-4 * * *", "hour: '22-4' runs backwards; write 22-23,0-4"),
        ("0 0 1 nov-jan *", "month: 'nov-jan' runs backwards; write 11-12,1"),
        ("0 22-4/3 * * *", "hour: '22-4/3' runs backwards; write 22,1,4"),
        ("0 0 * * 7-7", "day of week: '7-7' is a range of one value; write 7"),
        ("0 3-3 * * *", "hour: '3-3' is a range of one value; write 3"),
        ("*/90 * * * *", "minute: '*/90' never takes a step; write 0"),
        ("*/0 * * * *", "minute: '*/0' never takes a step"),
        ("0 *,1 * * *", "hour: `*` beside other values already means all of them; write `*` alone"),
        ("0 0 30 2 *", "day of month: 30 never comes in month 2; write a day that month has, or L"),
        ("0 0 31 4,6,9,11 *", "day of month: 31 never comes in month 4, 6, 9, 11"),
        ("0 0 30 2 mon", "day of month: 30 never comes in month 2"),
        ("0 0 2 * * *", "it has 6 fields; write five: minute, hour, day of month, month, day of week"),
        ("0 0 * *", "it has 4 fields"),
        ("", "it has 0 fields"),
        ("@daily", "write its five fields, '0 0 * * *'"),
    ],
)
def test_a_bad_field_is_refused_by_name_and_with_the_remedy(expression: str, said: str) -> None:
    """At creation, so that nobody waits for a date that never comes."""
    with pytest.raises(UsageError) as refused:
        parse_fields(expression)
    assert said in str(refused.value)
    assert repr(expression) in str(refused.value)


def test_every_bad_field_is_named_at_once() -> None:
    """Nobody should have to mend one to hear of the next."""
    with pytest.raises(UsageError, match=r"minute: 61 .*; hour: 25 .*; month: 'x' "):
        parse_fields("61 25 * x *")


def test_leap_day_and_last_day_are_dates_that_come() -> None:
    """29 February comes in leap years, 30 and 31 in other months of the list, L everywhere."""
    assert parse_fields("0 0 29 2 *").as_lists()["day_of_month"] == [29]
    assert parse_fields("0 0 31 2,3 *").as_lists()["month"] == [2, 3]
    assert parse_fields("0 0 30,L 2 *").as_lists()["day_of_month"] == [30, "L"]
