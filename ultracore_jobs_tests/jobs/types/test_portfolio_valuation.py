"""The page of `portfolio_valuation`: parameters, result keys, chart and preview."""

from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from pydantic import ValidationError

from ultracore_jobs.jobs.spec import call_by_name
from ultracore_jobs.jobs.types.portfolio_valuation import JOB, ValuationParameters
from ultracore_jobs_tests.kernels.valuation_books import Books, sessions_before


def outcome() -> dict[str, Any]:
    """Three portfolios: A$1,000.00, USD 100.00 = A$150.00, and one without a price."""
    books = Books()
    books.portfolio()
    books.instrument()
    books.price("10", on=sessions_before(1))
    books.holding("100")
    books.portfolio("PF-2", base="USD")
    books.move("100", ccy="USD", portfolio_id="PF-2")
    books.portfolio("PF-3")
    books.instrument("I-3")
    books.holding("1", portfolio_id="PF-3", instrument_id="I-3")
    books.majors()
    return books.value()._asdict()


def test_the_result_has_the_keys_of_the_rule() -> None:
    """Domain_rules 2b: total_value is the sum of NAV in AUD, COMPLETE only."""
    assert call_by_name(JOB.result, outcome()) == {
        "portfolios_updated": 2,
        "total_value": Decimal(1150),
        "incomplete": 1,
        "stale_lines": 2,
        "incomplete_by_reason": {"MISSING_PRICE": 1},
    }


def test_a_day_without_any_value_totals_zero() -> None:
    """Every portfolio INCOMPLETE: the total is 0, not null."""
    tables = {"valuations": outcome()["valuations"].filter(pl.col("status") == "INCOMPLETE")}

    assert call_by_name(JOB.result, tables)["total_value"] == Decimal(0)


def test_the_preview_begins_with_what_needs_a_person() -> None:
    """INCOMPLETE with its reason, then flagged, then the rest."""
    assert JOB.preview is not None
    rows = call_by_name(JOB.preview, outcome())

    assert rows["portfolio_id"].to_list() == ["PF-3", "PF-1", "PF-2"]
    assert rows["reason"][0] == "MISSING_PRICE"
    assert rows["flags"][1] == "STALE_PRICE"


def test_the_chart_shows_the_largest_portfolios() -> None:
    """In AUD, largest first."""
    assert JOB.chart is not None

    assert call_by_name(JOB.chart, outcome()).bars == (("PF-1", 1000.0), ("PF-2", 150.0))


@pytest.mark.parametrize(
    "parameters",
    [
        {"base": "XXX"},
        {"base": "aud"},
        {"missing_price": "guess"},
        {"max_stale_business_days": -1},
        {"include_all_portfolios": False},
        {"portfolio_ids": ["PF-1"]},
        {"unheard_of": 1},
    ],
)
def test_parameters_that_make_no_sense_are_refused(parameters: dict[str, Any]) -> None:
    """Before anything is read."""
    with pytest.raises(ValidationError):
        ValuationParameters(**parameters)


def test_the_parameters_of_the_original_are_accepted() -> None:
    """``include_all_portfolios`` and ``update_cache`` (domain_rules 2b)."""
    parameters = ValuationParameters(include_all_portfolios=True, update_cache=True)

    assert parameters.missing_price == "fail_portfolio"
    assert (parameters.max_stale_business_days, parameters.max_stale_unlisted) == (5, 25)
