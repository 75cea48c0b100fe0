"""Exchange-rate update: what every currency is worth in every other, daily, before valuation."""

from datetime import UTC, date, datetime
from typing import Any

import polars as pl
from pydantic import Field, field_validator

from ultracore_jobs.catalog.market import CALENDARS, FX_RATES, TARGET
from ultracore_jobs.catalog.vendor import VENDOR_FIXINGS
from ultracore_jobs.jobs.cadence import Cadence
from ultracore_jobs.jobs.spec import Chart, Example, JobSpec, Parameters, Priority
from ultracore_jobs.kernels.fixings import REQUIRED_CURRENCIES, update_exchange_rates
from ultracore_jobs.kernels.fx import FX_CROSSES, PIVOTS
from ultracore_jobs.kernels.fx_laws import (
    against_pivot,
    held,
    mixed_sources,
    not_fresh,
    not_inverse,
    not_one_in_itself,
    not_through_pivot,
    required_missing,
)
from ultracore_jobs.kernels.gates import Gate, Severity

MAJORS = {"USD": 1, "EUR": 1, "GBP": 1, "NZD": 1, "SGD": 1, "CHF": 1, "CNY": 1, "JPY": 100}
"""Currencies of the chart, and of how many units the price in A$ is shown."""


class ExchangeRateParameters(Parameters):
    """Parameters of `exchange_rate_update`."""

    jump_limit: float = Field(
        default=0.05, gt=0, description="Greatest move |ln(new / previous)| that is believed without a person"
    )
    jump_limits: dict[str, float] = Field(
        default_factory=dict, description='Own limits by ISO 4217 code, such as {"TRY": 0.10}'
    )
    max_stale_business_days: int = Field(
        default=3, ge=0, description="Greatest age in TARGET business days of a fixing that may be carried"
    )
    source_priority: list[str] = Field(
        default_factory=lambda: ["ECB", "RBA_F11"],
        description="Publishers in order of preference; one gives all rates of a day",
    )
    pivot: str = Field(default="EUR", pattern="^[A-Z]{3}$", description="Currency the ECB quotes against")

    @field_validator("jump_limits")
    @classmethod
    def _limits_above_zero(cls, limits: dict[str, float]) -> dict[str, float]:
        bad = [ccy for ccy, limit in limits.items() if not limit > 0]
        if bad:
            raise ValueError(f"limits must be above 0; look at {', '.join(sorted(bad))}")
        return limits

    @field_validator("source_priority")
    @classmethod
    def _known_sources(cls, sources: list[str]) -> list[str]:
        unknown = [source for source in sources if source not in PIVOTS]
        if unknown or not sources or len(set(sources)) < len(sources):
            raise ValueError(f"name each of {', '.join(sorted(PIVOTS))} at most once, at least one")
        return sources


def _result(
    fx_rates: pl.DataFrame, fx_crosses: pl.DataFrame, quarantine: pl.DataFrame, pivot: str
) -> dict[str, Any]:
    quotes = against_pivot(fx_crosses, pivot)
    of_status = dict(quotes.group_by("status").len().iter_rows())
    return {
        "published": of_status.get("OK", 0),
        "carried": of_status.get("CARRIED", 0),
        "quarantined": held(fx_crosses, pivot).height,
        "failed_stale": of_status.get("FAILED_STALE", 0),
        "rejected": quarantine["row_number"].n_unique(),
        "new_fixings": fx_rates.height,
        "corrected": fx_rates["reason"].fill_null("").str.starts_with("CORRECTION").sum(),
        "pairs": fx_crosses["rate"].count(),
        "source": fx_crosses["source"].first(),
        "audusd": _rate(fx_crosses, "AUD", "USD"),
    }


def _rate(fx_crosses: pl.DataFrame, base: str, quote: str) -> Any:
    found = fx_crosses.filter((pl.col("base_ccy") == base) & (pl.col("quote_ccy") == quote))["rate"]
    return found.first() if found.len() else None


def _chart(fx_crosses: pl.DataFrame) -> Chart:
    prices = {ccy: _rate(fx_crosses, ccy, "AUD") for ccy in MAJORS}
    bars = tuple(
        (ccy if MAJORS[ccy] == 1 else f"{MAJORS[ccy]} {ccy}", float(price * MAJORS[ccy]))
        for ccy, price in prices.items()
        if price is not None
    )
    return Chart("What a unit of foreign currency costs", "A$", bars)


def _preview(fx_crosses: pl.DataFrame) -> pl.DataFrame:
    """Currencies in A$: those that need a look first, then the majors."""
    in_aud = fx_crosses.filter((pl.col("quote_ccy") == "AUD") & (pl.col("base_ccy") != "AUD"))
    trouble = {"FAILED_STALE": 0, "CARRIED": 1, "OK": 2}
    return (
        in_aud.select(
            "base_ccy",
            pl.col("rate").alias("rate_aud"),
            "rate_date",
            "stale_business_days",
            "status",
            "reason",
        )
        .sort(
            pl.col("status").replace_strict(trouble, return_dtype=pl.Int64),
            ~pl.col("base_ccy").is_in(list(MAJORS)),
            "base_ccy",
        )
        .head(12)
    )


def _example() -> Example:
    day, known_at = date(2026, 11, 19), datetime(2026, 11, 19, 15, tzinfo=UTC)
    given = {"tenant_id": "shared", "known_at": known_at}
    fixings = [
        {
            "rate_date": "2026-11-19",
            "base_ccy": "EUR",
            "quote_ccy": ccy,
            "rate": rate,
            "source": "ECB",
            **given,
        }
        for ccy, rate in (("AUD", "1.6000"), ("USD", "1.0400"))
    ]
    calendar = {"calendar_id": TARGET, "date": day, "is_business_day": True, "source": "example", **given}
    crosses = {"base_ccy": ["AUD", "USD"], "quote_ccy": ["USD", "AUD"], "rate": ["0.65", "1.5384615385"]}
    return Example(
        text="EURAUD 1.6000 and EURUSD 1.0400 give AUDUSD 1.0400 / 1.6000 = 0.65 and "
        "USDAUD 1.6000 / 1.0400 = 1.5384615385, rounded half-up to 10 decimals.",
        as_of=day,
        known_at=known_at,
        inputs={
            "vendor_fixings": pl.DataFrame(fixings, schema=VENDOR_FIXINGS.schema),
            "fx_rates": FX_RATES.empty(),
            "calendars": pl.DataFrame([calendar], schema=CALENDARS.schema),
        },
        expected={
            "fx_crosses": pl.DataFrame(crosses).with_columns(pl.col("rate").cast(FX_CROSSES.schema["rate"]))
        },
    )


JOB = JobSpec(
    name="exchange_rate_update",
    family="market_data",
    summary="What every currency is worth in every other: one publisher's fixings and all crosses, daily.",
    rule="""
A central bank publishes what one unit of its pivot is worth: the ECB what **1 EUR** buys, the RBA what
**A$1** buys. Every other rate is a quotient of two of these quotes, so all of them agree:

`rate(A, B) = pivot in B / pivot in A`, exact, rounded once, half-up, to 10 decimals.
A currency in itself is 1.

- **One publisher a day.** The first of `source_priority` whose newest fixing is not too old; never mixed.
- **No fixing** (weekend, holiday, outage): the one before is *carried*. Its age is the number of TARGET
  business days since. Older than `max_stale_business_days`: FAILED_STALE, the rate is empty, never zero.
- **A jump** `|ln(new / previous)|` above `jump_limit` (or the currency's own in `jump_limits`) is stored as
  QUARANTINED, the fixing before it is carried, and **a person decides**: import the row again with status OK
  to release it. Start its reason with RELEASED and no later delivery replaces it.
- **A bad row** (no number, zero, negative, future date, unknown currency) is set aside alone.
- **A revision** is a new row known later. The same file sent again gives no new rows.
- Without a usable rate for AUD and USD the job fails and publishes nothing.

ECB reference rates are for information, not transaction rates.
""",
    source="domain_rules 14, 20b",
    reads=(VENDOR_FIXINGS.from_feed(days=10), FX_RATES.last(days=30).optional(), CALENDARS.last(days=60)),
    kernel=update_exchange_rates,
    writes=(FX_RATES, FX_CROSSES),
    cadence=Cadence.DAYS,
    priority=Priority.HIGH,
    rerun="Fixings already stored give no new rows; the crosses are written again only if they differ.",
    parameters=ExchangeRateParameters,
    gates=(
        Gate(
            "inverse_consistent",
            "fx_crosses",
            "A rate times the rate the other way round is 1 within 1e-6, or within the rounding of the two",
            not_inverse,
        ),
        Gate(
            "self_rate_is_one",
            "fx_crosses",
            "Every currency is worth exactly 1 of itself",
            not_one_in_itself,
        ),
        Gate(
            "crosses_agree",
            "fx_crosses",
            "Every cross of one fixing equals the quotient of the two quotes against the pivot",
            not_through_pivot,
        ),
        Gate(
            "required_currencies_present",
            "fx_crosses",
            f"{' and '.join(REQUIRED_CURRENCIES)} can be converted into each other",
            required_missing,
        ),
        Gate(
            "one_source_per_date", "fx_crosses", "All rates of a day come from one publisher", mixed_sources
        ),
        Gate(
            "rates_fresh",
            "fx_crosses",
            "Every currency has a fixing of the last TARGET business day",
            not_fresh,
            Severity.WARNING,
        ),
        Gate(
            "no_jump_quarantined",
            "fx_crosses",
            "No currency's newest fixing waits for a person because it jumped",
            held,
            Severity.WARNING,
        ),
    ),
    result=_result,
    chart=_chart,
    preview=_preview,
    example=_example,
)
