"""Tiers: what a year costs."""

from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ultracore_jobs.catalog.columns import MONEY
from ultracore_jobs.kernels.fees.tables import charge_identifier
from ultracore_jobs.kernels.fees.tiers import schedule_faults, with_annual_fees
from ultracore_jobs.lifecycle.identity import identifier
from ultracore_jobs_tests.kernels.fees.fee_books import JULY, JUNE, schedule, schedules

CENTS = st.integers(-10_000_000_00, 10**12).map(lambda whole: Decimal(whole).scaleb(-2))


@st.composite
def tiers(draw: st.DrawFn) -> list[tuple[str, str | None, str]]:
    """Slices that tile [0, open), at rates that fall."""
    bounds = ["0", *map(str, sorted(draw(st.sets(st.integers(1, 5_000_000), max_size=4))))]
    rates = sorted(draw(st.lists(st.integers(0, 3_000_000), min_size=5, max_size=5)), reverse=True)
    ends = [*bounds[1:], None]
    return [
        (low, high, str(Decimal(rate).scaleb(-4)))
        for low, high, rate in zip(bounds, ends, rates, strict=False)
    ]


def annual_fees(amounts: list[Decimal | None], terms: pl.DataFrame) -> list[Decimal | None]:
    """The annual fee on each amount, by FS-1."""
    frame = pl.DataFrame({"assets": amounts}, schema={"assets": MONEY}).with_columns(
        pl.lit("FS-1").alias("fee_schedule_id")
    )
    return with_annual_fees(frame, terms)["annual_fee"].to_list()


@pytest.mark.parametrize(("method", "fee"), [("marginal", "5600"), ("cliff", "3600")])
def test_the_worked_example_of_both_methods(method: str, fee: str) -> None:
    """NAV 600,000: 5,000 + 600 = 5,600.00 by slices, 600,000 x 60 bps = 3,600.00 by cliff."""
    terms = schedules(schedule(tier_method=method))

    assert annual_fees([Decimal(600_000)], terms) == [Decimal(fee)]


def test_assets_at_a_bound_belong_to_the_slice_above() -> None:
    """Tiers are [from, to): a cliff at exactly 500,000.00 costs 3,000.00, a cent less costs 4,999.9999."""
    terms = schedules(schedule(tier_method="cliff"))

    assert annual_fees([Decimal("499999.99"), Decimal(500_000)], terms) == [
        Decimal("4999.9999"),
        Decimal(3000),
    ]


def test_assets_below_zero_cost_nothing_and_unknown_ones_stay_unknown() -> None:
    """NAV negative: fee 0 (20b); null never means 0."""
    assert annual_fees([Decimal("-10.00"), Decimal(0), None], schedules()) == [Decimal(0), Decimal(0), None]


def test_a_schedule_without_tiers_costs_nothing_but_its_minimum() -> None:
    """The minimum is the charge's business."""
    assert annual_fees([Decimal(600_000)], schedules(schedule(tiers=()))) == [Decimal(0)]


def test_nothing_of_an_annual_fee_is_rounded() -> None:
    """A cent at 0.0001 bps is 1e-10 of a dollar."""
    terms = schedules(schedule(tiers=(("0", None, "0.0001"),)))

    assert annual_fees([Decimal("0.01")], terms) == [Decimal("0.0000000001")]


@pytest.mark.parametrize(
    ("terms", "fault"),
    [
        ({"tiers": (("0", "10", "1"), ("11", None, "1"))}, "TIERS_NOT_TILED"),
        ({"tiers": (("0", "10", "1"), ("9", None, "1"))}, "TIERS_NOT_TILED"),
        ({"tiers": (("1", None, "1"),)}, "TIERS_NOT_TILED"),
        ({"tiers": (("0", "10", "1"),)}, "TIERS_NOT_TILED"),
        ({"tiers": (("0", None, "1"), ("10", None, "1"))}, "TIERS_NOT_TILED"),
        ({"tiers": (("0", None, "-1"),)}, "TIERS_NEGATIVE"),
        ({"tier_method": None}, "TIER_METHOD_MISSING"),
        ({"fee_type": "PERFORMANCE", "tiers": ()}, "PERF_RATE_MISSING"),
    ],
)
def test_a_schedule_by_which_no_fee_can_be_computed_is_named(terms: dict[str, object], fault: str) -> None:
    """A gap has no rate, an overlap has two."""
    found = schedule_faults(schedules(schedule(**terms), schedule("FS-2")))  # type: ignore[arg-type]

    assert found.rows() == [("FS-1", fault)]


@settings(max_examples=60, deadline=None)
@given(
    terms=tiers(),
    amounts=st.lists(CENTS, min_size=1, max_size=20),
    method=st.sampled_from(["marginal", "cliff"]),
)
def test_annual_fees_are_those_of_plain_decimals(
    terms: list[tuple[str, str | None, str]], amounts: list[Decimal], method: str
) -> None:
    """Each slice at its own rate, or all at the rate of the last."""
    expected = [by_hand(amount, terms, method) for amount in amounts]

    assert annual_fees(list(amounts), schedules(schedule(tiers=terms, tier_method=method))) == expected


@settings(max_examples=40, deadline=None)
@given(terms=tiers(), amounts=st.lists(CENTS, min_size=2, max_size=20))
def test_a_marginal_fee_never_falls_with_assets_and_never_exceeds_the_first_rate(
    terms: list[tuple[str, str | None, str]], amounts: list[Decimal]
) -> None:
    """More assets never cost less; with rates that fall, no more than all of it at the highest."""
    ordered = sorted(amounts)
    fees = annual_fees(list(ordered), schedules(schedule(tiers=terms)))
    known = [fee for fee in fees if fee is not None]

    assert known == sorted(known)
    highest = Decimal(terms[0][2]) / 10_000
    assert all(fee <= max(amount, Decimal(0)) * highest for fee, amount in zip(known, ordered, strict=True))


def test_a_charge_id_is_the_one_anyone_can_compute() -> None:
    """As the lifecycle's identifier, which a kernel may not import."""
    fields = ("acme", "PF-1", "MANAGEMENT", "FS-1")

    assert charge_identifier(*fields, start=JUNE, end=JULY) == identifier(
        "chg_", *fields, "2026-06-01", "2026-07-01"
    )


def by_hand(amount: Decimal, terms: list[tuple[str, str | None, str]], method: str) -> Decimal:
    """The definition, slice by slice."""
    held, total = max(amount, Decimal(0)), Decimal(0)
    for low, high, bps in terms:
        top = held if high is None else min(held, Decimal(high))
        rate = Decimal(bps) / 10_000
        if method == "cliff" and Decimal(low) <= held and (high is None or held < Decimal(high)):
            return held * rate
        total += max(top - Decimal(low), Decimal(0)) * rate
    return total
