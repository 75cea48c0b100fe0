"""The consent gate: who may be debited, when, and how much."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ultracore_jobs.catalog import conform
from ultracore_jobs.catalog.columns import MONEY
from ultracore_jobs.errors import UsageError
from ultracore_jobs.kernels.fees.consent import gate_consents
from ultracore_jobs.kernels.fees.consent_life import anniversary_after, arrangement_days, consent_lives
from ultracore_jobs.kernels.fees.tables import CONSENT_OUTCOMES
from ultracore_jobs_tests.kernels.fees.fee_books import (
    Rows,
    arrangement,
    arrangements,
    charged,
    clients,
    consent,
    consents,
    schedule,
    schedules,
    steady,
)

ENTERED = date(2025, 3, 1)
LAST_LIVE_DAY = date(2026, 7, 29)
USED = pl.Schema({"consent_id": pl.String(), "total": MONEY})
OF_JUNE = charged(steady("600000"))
"""One charge of 506.30."""


def noon(day: date) -> datetime:
    """An instant inside *day* in Sydney."""
    return datetime(day.year, day.month, day.day, 2, tzinfo=UTC)


def both(signed_on: date, *, holder: str = "H-1", suffix: str = "", **columns: Any) -> list[Rows]:
    """Both kinds, signed by one holder."""
    return [
        consent(f"{kind[0]}-{holder}{suffix}", signed_on, kind, holder_id=holder, **columns)
        for kind in ("OFA", "DEDUCTION")
    ]


def gate(signed: list[Rows], on: date | datetime = date(2026, 7, 1), **given: Any) -> dict[str, Any]:
    """What the gate says of June's charge."""
    usual: dict[str, Any] = {
        "fee_charges": OF_JUNE,
        "fee_arrangements": arrangements(),
        "fee_schedules": schedules(),
        "clients": clients(),
        "charged": pl.DataFrame(schema=USED),
    }
    outcomes = gate_consents(
        consents=consents(*signed),
        deducted_at=on if isinstance(on, datetime) else noon(on),
        **(usual | given),
    )
    conform(outcomes, CONSENT_OUTCOMES)
    return outcomes.row(0, named=True)


def said(signed: list[Rows], on: date | datetime = date(2026, 7, 1), **given: Any) -> tuple[str, str | None]:
    """Outcome and reason."""
    outcome = gate(signed, on, **given)
    return outcome["outcome"], outcome["reason"]


def test_the_worked_example_of_the_window() -> None:
    """Entered into on 1 March 2025: renewal from 31 December 2025 to 29 July 2026."""
    row = arrangement_days(arrangements()).row(0, named=True)

    assert (row["window_from"], row["window_to"]) == (date(2025, 12, 31), LAST_LIVE_DAY)


def test_the_last_live_day_is_the_29th_of_july() -> None:
    """Inclusive: deducted on 29 July it passes, on 30 July it does not."""
    signed = both(ENTERED)

    passed = gate(signed, LAST_LIVE_DAY)
    assert (passed["outcome"], passed["consent_ids"]) == ("CLEARED", ["D-H-1", "O-H-1"])
    assert passed["live_until"] == LAST_LIVE_DAY
    assert said(signed, LAST_LIVE_DAY + timedelta(days=1)) == ("BLOCKED_NO_CONSENT", "EXPIRED")


def test_a_day_is_the_tenants_and_not_that_of_utc() -> None:
    """13:59 UTC on 29 July is 23:59 in Sydney; a minute later it is 30 July there."""
    signed = both(ENTERED)

    assert said(signed, datetime(2026, 7, 29, 13, 59, tzinfo=UTC))[0] == "CLEARED"
    assert said(signed, datetime(2026, 7, 29, 14, 0, tzinfo=UTC)) == ("BLOCKED_NO_CONSENT", "EXPIRED")


@pytest.mark.parametrize(
    ("renewed_on", "live_until"),
    [
        (date(2025, 12, 30), LAST_LIVE_DAY),
        (date(2025, 12, 31), date(2027, 7, 29)),
        (LAST_LIVE_DAY, date(2027, 7, 29)),
    ],
)
def test_a_renewal_runs_to_the_next_anniversary(renewed_on: date, live_until: date) -> None:
    """Inside the window to 1 March 2027 + 150; a day too early it replaces the first and lasts no longer."""
    signed = [*both(ENTERED), *both(renewed_on, suffix="-2")]

    assert gate(signed, renewed_on)["live_until"] == live_until


def test_a_signature_after_the_window_needs_a_new_arrangement() -> None:
    """30 July 2026: the arrangement has ended; nor does a signature in the next window revive it."""
    late = [*both(ENTERED), *both(date(2026, 7, 30), suffix="-2")]
    next_year = [*late, *both(date(2027, 2, 1), suffix="-3")]

    assert said(late, date(2026, 8, 1)) == ("BLOCKED_NO_CONSENT", "ARRANGEMENT_ENDED")
    assert said(next_year, date(2027, 3, 1)) == ("BLOCKED_NO_CONSENT", "ARRANGEMENT_ENDED")


def test_anniversaries_of_a_leap_day_fall_on_28_february_in_common_years() -> None:
    """29 Feb 2024: 28 Feb 2025, 28 Feb 2027, and 29 Feb again in 2028."""
    days = pl.DataFrame(
        {"day": [date(2024, 2, 29), date(2026, 3, 1), date(2027, 3, 1)], "of": [date(2024, 2, 29)] * 3}
    )

    found = days.select(anniversary_after(pl.col("day"), pl.col("of"))).to_series().to_list()

    assert found == [date(2025, 2, 28), date(2027, 2, 28), date(2028, 2, 29)]


def test_a_reference_day_earlier_than_the_anniversary_replaces_it() -> None:
    """Entered into on 1 March 2025, reference day 1 September 2025: + 150 days = 29 Jan 2026."""
    arranged = arrangements(arrangement(reference_on=date(2025, 9, 1)))

    lives = consent_lives(
        consents(*both(ENTERED)), arranged, deducted_at=noon(ENTERED), timezone="Australia/Sydney"
    )

    assert lives["live_until"].unique().to_list() == [date(2026, 1, 29)]
    assert said(both(ENTERED), date(2026, 1, 30), fee_arrangements=arranged)[1] == "EXPIRED"


def test_a_joint_account_lives_from_the_latest_signature_to_the_anniversary() -> None:
    """H-2 signed 90 days late: blocked until then, and both end on 29 July 2026."""
    late = ENTERED + timedelta(days=90)
    signed = [*both(ENTERED), *both(late, holder="H-2")]
    joint = {"clients": clients(entity="joint")}

    assert said(signed, late - timedelta(days=1), **joint) == (
        "BLOCKED_NO_CONSENT",
        "NOT_SIGNED_BY_ALL_HOLDERS",
    )
    assert gate(signed, late, **joint)["consent_ids"] == ["D-H-1", "D-H-2", "O-H-1", "O-H-2"]
    assert gate(signed, LAST_LIVE_DAY, **joint)["live_until"] == LAST_LIVE_DAY
    assert said(signed, date(2026, 7, 30), **joint) == ("BLOCKED_NO_CONSENT", "EXPIRED")


def test_a_joint_account_with_one_signature_is_blocked() -> None:
    """From every joint holder."""
    assert said(both(ENTERED), clients=clients(entity="joint"))[1] == "NOT_SIGNED_BY_ALL_HOLDERS"


def test_one_joint_holder_who_withdraws_blocks_all() -> None:
    """The other's consent alone is none."""
    signed = [*both(ENTERED), consent("O-2", ENTERED, "OFA", holder_id="H-2")]
    signed.append(consent("D-2", ENTERED, holder_id="H-2", withdrawn_at=noon(date(2026, 6, 1))))

    assert said(signed, clients=clients(entity="joint")) == ("BLOCKED_NO_CONSENT", "WITHDRAWN")


@pytest.mark.parametrize("kind", ["OFA", "DEDUCTION"])
def test_one_kind_alone_is_not_enough(kind: str) -> None:
    """Both the arrangement and the deduction need a signature; without any there is none of either."""
    assert said([consent("X", ENTERED, kind)]) == ("BLOCKED_NO_CONSENT", "NOT_SIGNED")
    assert said([]) == ("BLOCKED_NO_CONSENT", "NOT_SIGNED")


def test_a_withdrawal_holds_from_its_instant() -> None:
    """Withdrawn after accrual and before deduction: blocked; a microsecond before, it stood."""
    at = datetime(2026, 6, 20, 3, 30, tzinfo=UTC)
    signed = [consent("O", ENTERED, "OFA"), consent("D", ENTERED, withdrawn_at=at)]

    assert said(signed, at - timedelta(microseconds=1))[0] == "CLEARED"
    assert said(signed, at) == ("BLOCKED_NO_CONSENT", "WITHDRAWN")


def test_a_withdrawn_deduction_can_be_signed_anew_and_a_withdrawn_arrangement_cannot() -> None:
    """Withdrawing the arrangement ends it; withdrawing the deduction stops the debit only."""
    at = noon(date(2025, 8, 1))
    ofa, deduction = both(ENTERED)
    again = both(date(2025, 9, 1), suffix="-2")

    assert said([ofa, {**deduction, "withdrawn_at": at}, *again], date(2025, 10, 1))[0] == "CLEARED"
    assert said([{**ofa, "withdrawn_at": at}, deduction, *again], date(2025, 10, 1)) == (
        "BLOCKED_NO_CONSENT",
        "ARRANGEMENT_ENDED",
    )


def test_withdrawing_the_latest_consent_does_not_revive_the_one_it_replaced() -> None:
    """Renewed in January, withdrawn in May, while the first would have lived until July."""
    signed = [*both(ENTERED), *both(date(2026, 1, 15), suffix="-2", withdrawn_at=noon(date(2026, 5, 1)))]

    assert said(signed, date(2026, 6, 1)) == ("BLOCKED_NO_CONSENT", "WITHDRAWN")


def test_a_consent_signed_after_the_charge_does_not_reach_back() -> None:
    """No back-dating; on the day of the signature itself it holds."""
    signed = both(date(2026, 7, 2))

    assert said(signed, date(2026, 7, 1)) == ("BLOCKED_NO_CONSENT", "NOT_SIGNED")
    assert said(signed, date(2026, 7, 2))[0] == "CLEARED"


def used(amount: str, *names: str) -> pl.DataFrame:
    """What each of the consents has been charged."""
    return pl.DataFrame([(name, Decimal(amount)) for name in names], schema=USED, orient="row")


@pytest.mark.parametrize(("amount", "outcome"), [("1506.30", "CLEARED"), ("1506.29", "BLOCKED_OVER_CONSENT")])
def test_a_fixed_amount_holds_to_the_cent_and_over_time(amount: str, outcome: str) -> None:
    """1,000.00 charged before and 506.30 now."""
    signed = both(ENTERED, basis="fixed", consented_amount=amount)

    found = gate(signed, charged=used("1000", "D-H-1"))

    assert found["outcome"] == outcome
    assert found["cumulative"] == Decimal("1506.30" if outcome == "CLEARED" else "1000")


@pytest.mark.parametrize(("estimate", "outcome"), [("460.28", "CLEARED"), ("460.27", "HELD_FOR_REVIEW")])
def test_an_estimate_may_be_exceeded_by_a_tenth(estimate: str, outcome: str) -> None:
    """506.30 is within 460.28 x 1.10 = 506.308, and above 460.27 x 1.10 = 506.297: a person looks at it."""
    assert said(both(ENTERED, consented_amount=estimate))[0] == outcome


def test_an_estimate_for_another_schedule_is_no_consent() -> None:
    """Basis method: the schedule must match."""
    assert said(both(ENTERED, fee_schedule_id="FS-2")) == ("BLOCKED_NO_CONSENT", "OTHER_SCHEDULE")


def test_the_least_room_of_the_joint_holders_decides() -> None:
    """One signed for 10,000, the other for 100."""
    signed = [
        *both(ENTERED, basis="fixed", consented_amount="10000"),
        *both(ENTERED, holder="H-2", basis="fixed", consented_amount="100"),
    ]

    assert said(signed, clients=clients(entity="joint")) == ("BLOCKED_OVER_CONSENT", "OVER_AMOUNT")


def test_charges_of_one_run_use_up_the_amount_in_order() -> None:
    """600.00 hold the first 506.30 and not the second; a third of 50.00 fits again."""
    rows = pl.concat(
        [
            OF_JUNE.with_columns(
                pl.lit(f"chg_{n}").alias("charge_id"),
                pl.lit(date(2026, 6, 10 + n)).alias("period_end"),
                pl.lit(Decimal(total)).cast(MONEY).alias("total"),
            )
            for n, total in enumerate(["506.30", "506.30", "50.00"])
        ]
    )
    outcomes = gate_consents(
        fee_charges=rows,
        fee_arrangements=arrangements(),
        fee_schedules=schedules(),
        consents=consents(*both(ENTERED, basis="fixed", consented_amount="600")),
        clients=clients(),
        charged=pl.DataFrame(schema=USED),
        deducted_at=noon(date(2026, 7, 1)),
    )

    assert outcomes["outcome"].to_list() == ["CLEARED", "BLOCKED_OVER_CONSENT", "CLEARED"]
    assert outcomes["cumulative"].to_list() == [Decimal("506.30"), Decimal("506.30"), Decimal("556.30")]


EXEMPT: dict[str, Any] = {"consent_required": False, "exemption_code": "WHOLESALE"}


def test_a_wholesale_client_needs_no_consent_until_it_turns_retail() -> None:
    """From that day on it does."""
    terms = schedules(schedule(**EXEMPT))

    wholesale = gate([], fee_schedules=terms, clients=clients(retail=False))
    assert (wholesale["outcome"], wholesale["exemption_code"], wholesale["consent_ids"]) == (
        "CLEARED",
        "WHOLESALE",
        [],
    )
    assert said([], fee_schedules=terms) == ("BLOCKED_NO_CONSENT", "NOT_SIGNED")
    assert said(both(ENTERED), fee_schedules=terms)[0] == "CLEARED"


def test_an_exemption_needs_its_code() -> None:
    """consent_required false without a reason exempts nobody; a product fee does, retail client or not."""
    unexplained = schedules(schedule(consent_required=False))
    product = schedules(schedule(consent_required=False, exemption_code="PRODUCT_FEE_PDS"))

    assert said([], fee_schedules=unexplained)[0] == "BLOCKED_NO_CONSENT"
    assert said([], fee_schedules=product)[0] == "CLEARED"


def test_a_client_nobody_knows_counts_as_retail() -> None:
    """The stricter side."""
    assert (
        said([], fee_schedules=schedules(schedule(**EXEMPT)), clients=clients().clear())[0]
        == "BLOCKED_NO_CONSENT"
    )


def test_an_arrangement_from_before_10_january_2025_joins_at_its_next_anniversary() -> None:
    """Entered into on 1 June 2023: old regime until 31 May 2025; its last old consent lives 150 days more."""
    arranged = arrangements(arrangement(entered_on=date(2023, 6, 1)))
    last_old = both(date(2024, 6, 1), suffix="-2")

    before = gate([], date(2025, 5, 31), fee_arrangements=arranged)
    assert (before["outcome"], before["exemption_code"]) == ("CLEARED", "OLD_REGIME")
    assert said([], date(2025, 6, 1), fee_arrangements=arranged)[1] == "NOT_SIGNED"
    assert gate(last_old, date(2025, 6, 1), fee_arrangements=arranged)["live_until"] == date(2025, 10, 29)
    assert said(last_old, date(2025, 10, 30), fee_arrangements=arranged)[1] == "EXPIRED"


def test_a_year_without_a_signature_under_the_old_regime_ends_nothing() -> None:
    """Signed in 2022 and then in June 2025, in the first window of the new regime; who has left stays out."""
    arranged = arrangements(arrangement(entered_on=date(2022, 6, 1)))
    ofa, deduction = both(date(2022, 6, 1))
    joined = both(date(2025, 6, 20), suffix="-2")
    left = {**ofa, "withdrawn_at": noon(date(2024, 8, 1))}

    assert said([ofa, deduction, *joined], date(2025, 7, 1), fee_arrangements=arranged)[0] == "CLEARED"
    assert said([left, deduction, *joined], date(2025, 7, 1), fee_arrangements=arranged) == (
        "BLOCKED_NO_CONSENT",
        "ARRANGEMENT_ENDED",
    )


def test_a_withdrawal_stops_the_debit_under_the_old_regime_too() -> None:
    """Nobody who has said no is debited."""
    arranged = arrangements(arrangement(entered_on=date(2023, 6, 1)))
    signed = both(date(2024, 6, 1), withdrawn_at=noon(date(2025, 2, 1)))

    assert said(signed, date(2025, 3, 1), fee_arrangements=arranged) == ("BLOCKED_NO_CONSENT", "WITHDRAWN")


def test_an_instant_without_a_zone_is_refused() -> None:
    """A withdrawal counts to the microsecond: which one, must be known."""
    with pytest.raises(UsageError, match="time zone"):
        gate([], datetime(2026, 7, 1))  # noqa: DTZ001 - that is the point


def test_only_charges_that_are_due_are_tested() -> None:
    """Nothing due, no rows."""
    outcomes = gate_consents(
        fee_charges=charged(steady("0")),
        fee_arrangements=arrangements(),
        fee_schedules=schedules(),
        consents=consents(),
        clients=clients(),
        charged=pl.DataFrame(schema=USED),
        deducted_at=noon(date(2026, 7, 1)),
    )

    assert outcomes.equals(CONSENT_OUTCOMES.empty())


@settings(max_examples=60, deadline=None)
@given(
    entered=st.dates(date(2025, 1, 10), date(2029, 12, 31)),
    signed=st.lists(st.integers(0, 1500), min_size=1, max_size=5, unique=True),
)
def test_a_life_is_that_of_a_walk_through_the_days(entered: date, signed: list[int]) -> None:
    """One holder's signatures, against a plain walk: first life, then renewals, until one comes too late."""
    days = sorted(entered + timedelta(days=each) for each in signed)
    rows = [consent(f"D-{n}", day, "OFA") for n, day in enumerate(days)]

    lives = consent_lives(
        consents(*rows),
        arrangements(arrangement(entered_on=entered)),
        deducted_at=noon(days[-1]),
        timezone="Australia/Sydney",
    )

    expected, covered = [], anniversary(entered, 1) + timedelta(days=150)
    is_over = False
    for day in days:
        is_over = is_over or day > covered
        number = 1
        while day > entered and anniversary(entered, number) - timedelta(days=60) <= day:
            number += 1
        covered = max(covered, anniversary(entered, number) + timedelta(days=150)) if not is_over else covered
        expected.append((is_over, anniversary(entered, number) + timedelta(days=150)))
    assert lives.select("is_void", "live_until").rows() == expected


def anniversary(of: date, number: int) -> date:
    """So many years later."""
    year = of.year + number
    is_leap = year % 4 == 0
    return date(year, 2, 28) if (of.month, of.day) == (2, 29) and not is_leap else of.replace(year=year)
